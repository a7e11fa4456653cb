"""Figures from an event log: visits, dwell, minutes by emotion, the camera's down-time; no pictures, no faces."""

from edge.report.figures import Group, Report, read_report

__all__ = ["Group", "Report", "read_report"]

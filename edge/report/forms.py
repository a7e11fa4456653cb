"""A report as text, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json

from edge.labels import EMOTIONS
from edge.report.figures import Group, Report

COLUMNS = ("group", "visits", "dwell_mean_s", "dwell_median_s", "face_minutes", "unsure_share", "down_minutes")


def to_text(report: Report) -> str:
    """A table for people, and a line or two above it."""
    heads = ("", "visits", "dwell s", "minutes", *EMOTIONS, "not sure", "down min")
    lines = [_cells(group) for group in (*filled(report), report.total)]
    widths = [max(len(line[index]) for line in (heads, *lines)) for index in range(len(heads))]
    table = [
        "  ".join(cell.ljust(width) if not index else cell.rjust(width) for index, (cell, width) in each).rstrip()
        for each in (list(enumerate(zip(line, widths, strict=True))) for line in (heads, *lines))
    ]
    return "\n".join([*summary(report), "", *table])


def to_csv(report: Report) -> str:
    """A row a group, without the total; an empty cell is not known, or left out."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, *(f"{name}_minutes" for name in EMOTIONS)))
    for group in report.groups:
        values = group.to_dict()
        minutes = values["emotion_minutes"] or {}
        writer.writerow((*(values[name] for name in COLUMNS), *(minutes.get(name) for name in EMOTIONS)))
    return text.getvalue().rstrip("\n")


def to_json(report: Report) -> str:
    """One object."""
    return json.dumps(report.to_dict(), ensure_ascii=False, separators=(",", ":"))


def summary(report: Report) -> list[str]:
    """What a report comes to, a line each."""
    total = report.total
    if not total.visits:
        lines = [f"{report.title}: no visits"]
    else:
        dwell = f"{seconds(total.dwell_median_s)} each (median; mean {seconds(total.dwell_mean_s)})"
        lines = [f"{report.title}: {total.visits} visits, {dwell}"]
    if report.busiest:
        lines.append(f"busiest hour: {report.busiest[0]}, {report.busiest[1]} visits")
    lines.append(f"camera down for {total.down_minutes:.0f} minutes")
    if any(group.emotion_minutes is None and group.visits for group in report.groups):
        lines.append(f"by emotion, groups of fewer than {report.min_visits} visits are neither shown nor counted")
    return lines


def filled(report: Report) -> list[Group]:
    """The groups that have anything."""
    return [group for group in report.groups if group.visits or group.face_minutes or group.down_minutes]


def seconds(value: float | None) -> str:
    """Seconds for people; a dash where there are none."""
    return "-" if value is None else f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


def _cells(group: Group) -> tuple[str, ...]:
    minutes = group.emotion_minutes
    return (
        group.label,
        str(group.visits),
        "-" if group.dwell_median_s is None else f"{group.dwell_median_s:.1f}",
        f"{group.face_minutes:.1f}",
        *("-" if minutes is None else f"{minutes[name]:.1f}" for name in EMOTIONS),
        "-" if group.unsure_share is None else f"{group.unsure_share:.0%}",
        f"{group.down_minutes:.0f}",
    )


__all__ = ["filled", "seconds", "summary", "to_csv", "to_json", "to_text"]

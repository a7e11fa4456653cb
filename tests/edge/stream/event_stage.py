"""What tests need to fill an event log and to read it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.labels import EMOTIONS
from edge.sinks.events import EventSink
from edge.types import Box, Face, FrameResult, TrackEvent

CHANCES = dict.fromkeys(EMOTIONS, 0.2)


class Clock:
    """Unix time and the monotonic clock, which a test moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0  # 2023-11-14T22:13:20Z
        self.since_boot = 50.0

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        self.since_boot += seconds

    def sink(self, path: Path, **settings: Any) -> EventSink:
        return EventSink(path, clock=lambda: self.now, monotonic=lambda: self.since_boot, **settings)


def result(number: int, *shown: tuple[int, str], ended: int | None = None) -> FrameResult:
    """A frame in which tracks show emotions, and perhaps one ends."""
    faces = tuple(Face(Box(0, 0, 9, 9), emotion, 0.8, True, CHANCES, track=track) for track, emotion in shown)
    events = () if ended is None else (TrackEvent("end", ended, number / 10, "Happy", 0.8, 1.0),)
    return FrameResult("cam", 640, 480, faces=faces, frame=number, time_s=number / 10, events=events)


def rows(
    path: Path, what: str = "track, emotion, ended - started, frames, confidence FROM spans ORDER BY id"
) -> list[object]:
    with sqlite3.connect(path) as db:
        return db.execute(f"SELECT {what}").fetchall()


def play(sink: EventSink, clock: Clock, results: list[FrameResult], step_s: float = 0.1) -> None:
    for one in results:
        sink.write(None, replace(one, time_s=clock.since_boot))
        clock.pass_by(step_s)

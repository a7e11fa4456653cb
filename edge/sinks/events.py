"""An SQLite log of who showed what for how long; no pictures.

Every span of one label of one face is a row that grows while it lasts, written at least once a second. The database is
in WAL mode: a process that is killed at any moment loses at most the last second.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.sinks.eventfile import forget, is_damage, open_log, set_aside
from edge.types import Face, FrameResult

log = logging.getLogger(__name__)

FLUSH_S = 0.5
PRUNE_S = 60.0
RETRY_S = 10.0
CLOCKS_PART_S = 2.0  # Unix time that goes its own way by more than this was set
AWAY = ("reconnecting", "lost")  # states of a camera that gives no frames
GAP_S = 2.0  # a face that was not shown for longer begins a new span


@dataclass(slots=True)
class _Span:
    """One label of one face while it lasts; times in Unix seconds."""

    track: int
    emotion: str
    confident: bool
    started: float
    ended: float
    clock_s: float  # time.monotonic() at its end
    frames: int = 0
    confidence_sum: float = 0.0
    row: int | None = None

    def add(self, face: Face, now: float, clock_s: float) -> None:
        self.ended, self.clock_s = now, clock_s
        self.frames += 1
        self.confidence_sum += face.confidence


@dataclass(slots=True)
class _Outage:
    """A camera that is away; times in Unix seconds."""

    started: float
    ended: float | None = None
    row: int | None = None


class EventSink:
    """Writes spans of labels to an SQLite file.

    Durations come from the results' own times: a recording's, or the monotonic clock. Where Unix time is set while a
    camera runs, spans end and new ones begin at the new time. A full disk or a locked file costs what happens
    meanwhile, and one warning.

    Args:
        path: The database; made when it is not there, set aside when it is damaged.
        live: Whether results come at the pace of the world; a recording begins when its first one comes.
        keep_days: Spans that ended longer ago are forgotten.
        keep_mb: Above this size (MiB) the oldest are forgotten.
        clock: Unix time in seconds.
        monotonic: Seconds that only go forward.

    Raises:
        OutputError: The file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        live: bool = True,
        keep_days: float = 30.0,
        keep_mb: float = 64.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._live = live
        self._keep_s = keep_days * 86400
        self._keep_bytes = int(keep_mb * (1 << 20))
        self._clock, self._monotonic = clock, monotonic
        self._offset_s: float | None = None  # Unix time less the stream's
        self._now = clock()
        self._clock_s = monotonic()
        self._apart_s = 0.0  # Unix time less the monotonic clock
        self._open_spans: dict[int, _Span] = {}
        self._finished: list[_Span] = []
        self._outage: _Outage | None = None
        self._outages_ended: list[_Outage] = []
        self._run: int | None = None
        self._source = ""
        self._next_flush_s = self._next_prune_s = -1.0
        self._broken = False
        self.failed = False
        self._db = open_log(path)

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Take in one frame; rows are written every half second."""
        now = self._now = self._unix_time(result.time_s or 0.0)
        self._source = result.source
        self._watch_camera(result.state, now)
        for face in result.faces:
            if face.track is not None:
                self._extend(face.track, face, now)
        for event in result.events:
            span = self._open_spans.get(event.track)
            if span is not None and event.kind == "new":  # it was seen before it was sure to be a face
                span.started = now - event.duration_s
            if span is not None and event.kind == "end":
                self._finished.append(self._open_spans.pop(event.track))
        clock_s = self._clock_s = self._monotonic()
        if clock_s >= self._next_flush_s or self._outage is not None:  # while it is away, there is no next frame
            self._next_flush_s = clock_s + (FLUSH_S if self._flush() else RETRY_S)

    def reopen(self) -> None:
        """Open the file anew, so that one that was moved away is let go."""
        self._flush()
        self._db.close()
        self._renew()

    def close(self) -> None:
        """Write the last rows and close the file."""
        if self._outage is not None:
            passed_s = self._monotonic() - self._clock_s if self._live else 0.0
            self._watch_camera("ended", self._now + passed_s)
        self._flush()
        self._db.close()

    def _unix_time(self, time_s: float) -> float:
        """A time of the stream in Unix seconds."""
        apart_s = self._clock() - self._monotonic()
        if self._offset_s is None:
            self._offset_s, self._apart_s = self._clock() - time_s, apart_s
        elif self._live and abs(apart_s - self._apart_s) > CLOCKS_PART_S:
            jump_s = apart_s - self._apart_s
            log.warning("the clock was set by %+.0f s (or the device slept); the event log begins new spans", jump_s)
            self._offset_s += jump_s
            self._apart_s = apart_s
            self._finished += self._open_spans.values()
            self._open_spans.clear()
            if self._outage is not None:
                self._outage.started += jump_s
        return self._offset_s + time_s

    def _watch_camera(self, state: str, now: float) -> None:
        if self._outage is None and state in AWAY:
            self._outage = _Outage(now)
        elif self._outage is not None and state not in AWAY:
            self._outage.ended = now
            self._outages_ended.append(self._outage)
            self._outage = None

    def _extend(self, track: int, face: Face, now: float) -> None:
        span, clock_s = self._open_spans.get(track), self._monotonic()
        gap = span is not None and now - span.ended > GAP_S
        if span is None or gap or (span.emotion, span.confident) != (face.emotion, face.confident):
            if span is not None:
                span.ended = span.ended if gap else now
                self._finished.append(span)
            span = self._open_spans[track] = _Span(track, face.emotion, face.confident, now, now, clock_s)
        span.add(face, now, clock_s)

    def _renew(self) -> None:
        """Go on in a new file."""
        self._run = None
        for span in self._open_spans.values():
            span.row = None
        if self._outage is not None:
            self._outage.row = None
        self._db = open_log(self._path)

    def _flush(self) -> bool:
        """Write all spans and outages; False when it failed, and finished ones are lost."""
        finished, self._finished = self._finished, []
        outages, self._outages_ended = self._outages_ended, []
        clock_s = self._monotonic()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._save(finished + list(self._open_spans.values()))
            self._save_outages(outages + ([self._outage] if self._outage else []))
            self._db.execute("COMMIT")
            if clock_s >= self._next_prune_s:
                self._next_prune_s = clock_s + PRUNE_S
                self._prune(clock_s)
        except sqlite3.Error as error:
            self._recover(error)
            return False
        if self._broken:
            log.warning("the event log %s can be written again", self._path)
        self._broken = False
        return True

    def _recover(self, error: sqlite3.Error) -> None:
        self.failed = True
        if is_damage(error):
            self._db.close()
            set_aside(self._path, error)
            self._renew()
            return
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if not self._broken:
            log.warning("cannot write the event log %s: %s; trying again", self._path, error)
        self._broken = True
        self._run = None
        self._forget_rows()  # rows that the rollback took back must be inserted again

    def _save(self, spans: list[_Span]) -> None:
        now = self._now
        if self._run is None:
            self._run = self._db.execute(
                "INSERT INTO runs (source, started, ended) VALUES (?, ?, ?)", (self._source, now, now)
            ).lastrowid
        self._db.execute("UPDATE runs SET ended = ? WHERE id = ?", (now, self._run))
        for span in spans:
            values = (span.ended, span.frames, span.confidence_sum / span.frames, span.clock_s)
            if span.row is None:
                span.row = self._db.execute(
                    "INSERT INTO spans (run, track, emotion, confident, started, ended, frames, confidence, clock) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (self._run, span.track, span.emotion, span.confident, span.started, *values),
                ).lastrowid
            else:
                self._db.execute(
                    "UPDATE spans SET ended = ?, frames = ?, confidence = ?, clock = ? WHERE id = ?",
                    (*values, span.row),
                )

    def _save_outages(self, outages: list[_Outage]) -> None:
        for outage in outages:
            values = (self._run, outage.started, outage.ended)
            if outage.row is None:
                outage.row = self._db.execute(
                    "INSERT INTO outages (run, started, ended) VALUES (?, ?, ?)", values
                ).lastrowid
            else:
                self._db.execute(
                    "UPDATE outages SET run = ?, started = ?, ended = ? WHERE id = ?", (*values, outage.row)
                )

    def _prune(self, clock_s: float) -> None:
        forget(
            self._db,
            self._run,
            now=self._clock(),
            clock_s=clock_s,
            keep_s=self._keep_s,
            keep_bytes=self._keep_bytes,
        )
        self._forget_rows()  # a running span that was deleted starts a new row

    def _forget_rows(self) -> None:
        for span in self._open_spans.values():
            span.row = span.row if self._exists("spans", span.row) else None
        if self._outage is not None:
            self._outage.row = self._outage.row if self._exists("outages", self._outage.row) else None

    def _exists(self, table: str, row: int | None) -> bool:
        try:
            found = self._db.execute(f"SELECT 1 FROM {table} WHERE id = ?", (row,)).fetchone()  # noqa: S608 - ours
        except sqlite3.Error:
            return False
        return found is not None


__all__ = ["EventSink"]

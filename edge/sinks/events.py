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

from edge.errors import OutputError
from edge.types import Face, FrameResult

log = logging.getLogger(__name__)

LAYOUT = 1  # PRAGMA user_version
FLUSH_S = 0.5
PRUNE_S = 60.0
RETRY_S = 10.0
SCHEMA = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, started REAL NOT NULL, ended REAL NOT NULL
);
CREATE TABLE spans (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, track INTEGER NOT NULL,
    emotion TEXT NOT NULL, confident INTEGER NOT NULL, started REAL NOT NULL, ended REAL NOT NULL,
    frames INTEGER NOT NULL, confidence REAL NOT NULL
);
CREATE INDEX spans_by_end ON spans (ended);
"""


@dataclass(slots=True)
class _Span:
    """One label of one face while it lasts; times in Unix seconds."""

    track: int
    emotion: str
    confident: bool
    started: float
    ended: float
    frames: int = 0
    confidence_sum: float = 0.0
    row: int | None = None

    def add(self, face: Face, now: float) -> None:
        self.ended = now
        self.frames += 1
        self.confidence_sum += face.confidence


class EventSink:
    """Writes spans of labels to an SQLite file.

    A full disk or a locked file costs what happens meanwhile, one warning, and nothing else.

    Args:
        path: The database; made when it is not there.
        keep_days: Spans that ended longer ago are forgotten.
        keep_mb: Above this size (MiB) the oldest are forgotten.
        clock: Unix time in seconds.
    """

    def __init__(
        self, path: Path, *, keep_days: float = 30.0, keep_mb: float = 64.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._path = path
        self._keep_s = keep_days * 86400
        self._keep_bytes = int(keep_mb * (1 << 20))
        self._clock = clock
        self._open_spans: dict[int, _Span] = {}
        self._finished: list[_Span] = []
        self._run: int | None = None
        self._source = ""
        self._next_flush = self._next_prune = 0.0
        self._broken = False
        self._db = self._open()

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Take in one frame; rows are written every half second."""
        now = self._clock()
        self._source = result.source
        for face in result.faces:
            if face.track is not None:
                self._extend(face.track, face, now)
        for event in result.events:
            if event.kind == "end" and event.track in self._open_spans:
                self._finished.append(self._open_spans.pop(event.track))
        if now >= self._next_flush or now < self._next_flush - RETRY_S:  # also when the clock was set back
            self._next_flush = now + (FLUSH_S if self._flush(now) else RETRY_S)

    def reopen(self) -> None:
        """Open the file anew, so that one that was moved away is let go."""
        self._flush(self._clock())
        self._db.close()
        self._run = None
        for span in self._open_spans.values():
            span.row = None
        self._db = self._open()

    def close(self) -> None:
        """Write the last rows and close the file."""
        self._flush(self._clock())
        self._db.close()

    def _extend(self, track: int, face: Face, now: float) -> None:
        span = self._open_spans.get(track)
        if span is None or (span.emotion, span.confident) != (face.emotion, face.confident):
            if span is not None:
                span.ended = now
                self._finished.append(span)
            span = self._open_spans[track] = _Span(track, face.emotion, face.confident, now, now)
        span.add(face, now)

    def _open(self) -> sqlite3.Connection:
        try:
            # The thread that writes is the loop's or a background one, but always the same.
            db = sqlite3.connect(self._path, timeout=5.0, isolation_level=None, check_same_thread=False)
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA cache_size = -256")  # KiB
            db.execute(f"PRAGMA journal_size_limit = {1 << 20}")
            layout = db.execute("PRAGMA user_version").fetchone()[0]
            if layout == 0:
                db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {LAYOUT}; COMMIT;")
        except sqlite3.Error as error:
            raise OutputError(
                f"cannot use {self._path} as an event log: {error}; give a new file in a folder that can be written"
            ) from error
        if layout not in (0, LAYOUT):
            raise OutputError(f"{self._path} is an event log of layout {layout}; wanted {LAYOUT}: give a new file")
        return db

    def _flush(self, now: float) -> bool:
        """Write all spans; False when it failed, and finished ones are lost."""
        finished, self._finished = self._finished, []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._save(finished + list(self._open_spans.values()), now)
            self._db.execute("COMMIT")
            if now >= self._next_prune:
                self._next_prune = now + PRUNE_S
                self._prune(now)
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if not self._broken:
                log.warning("cannot write the event log %s: %s; trying again", self._path, error)
            self._broken = True
            # Rows that the rollback took back must be inserted again.
            for span in self._open_spans.values():
                span.row = span.row if self._exists(span) else None
            self._run = None
            return False
        if self._broken:
            log.warning("the event log %s can be written again", self._path)
        self._broken = False
        return True

    def _save(self, spans: list[_Span], now: float) -> None:
        if self._run is None:
            self._run = self._db.execute(
                "INSERT INTO runs (source, started, ended) VALUES (?, ?, ?)", (self._source, now, now)
            ).lastrowid
        self._db.execute("UPDATE runs SET ended = ? WHERE id = ?", (now, self._run))
        for span in spans:
            values = (span.ended, span.frames, span.confidence_sum / max(span.frames, 1))
            if span.row is None:
                span.row = self._db.execute(
                    "INSERT INTO spans (run, track, emotion, confident, started, ended, frames, confidence) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (self._run, span.track, span.emotion, span.confident, span.started, *values),
                ).lastrowid
            else:
                self._db.execute(
                    "UPDATE spans SET ended = ?, frames = ?, confidence = ? WHERE id = ?", (*values, span.row)
                )

    def _exists(self, span: _Span) -> bool:
        try:
            found = self._db.execute("SELECT 1 FROM spans WHERE id = ?", (span.row,)).fetchone()
        except sqlite3.Error:
            return False
        return found is not None

    def _prune(self, now: float) -> None:
        """Forget what is too old, and the oldest tenth while the file is too large."""
        self._db.execute("DELETE FROM spans WHERE ended < ?", (now - self._keep_s,))
        while self._used_bytes() > self._keep_bytes:
            oldest = "SELECT id FROM spans ORDER BY ended LIMIT max(1, (SELECT count(*) FROM spans) / 10)"
            if not self._db.execute(f"DELETE FROM spans WHERE id IN ({oldest})").rowcount:  # noqa: S608 - a constant
                break
        self._db.execute(
            "DELETE FROM runs WHERE id IS NOT ? AND NOT EXISTS (SELECT 1 FROM spans WHERE run = runs.id)", (self._run,)
        )
        self._db.execute("PRAGMA incremental_vacuum").fetchall()
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        for span in self._open_spans.values():  # a running span that was forgotten starts a new row
            span.row = span.row if self._exists(span) else None

    def _used_bytes(self) -> int:
        pages, free, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)


__all__ = ["EventSink"]

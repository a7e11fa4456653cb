"""Reads an event log without changing it, also while it is being written."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edge.errors import LogError
from edge.naming import unicode_name
from edge.sinks.eventfile import LAYOUT, is_damage

WRITTEN_S = 3.0  # a log that is open and whose run grew so lately is being written

# One that a crash cut short ended when the next run began; without one, nothing is known of its end.
_OUTAGES = """
SELECT started, coalesce(ended, (SELECT min(runs.started) FROM runs WHERE runs.started > outages.started), started)
FROM outages
"""


@dataclass(frozen=True, slots=True)
class LogRows:
    """What a report needs of a log.

    Attributes:
        visits: Start (Unix seconds) and seconds of each face's stay.
        hours: Start of an hour (Unix seconds), emotion, seconds it was shown, seconds of them that were sure.
        outages: Start and end of each time without a camera, in Unix seconds.
        written: Whether the log is being written.
    """

    visits: list[tuple[float, float]]
    hours: list[tuple[float, str, float, float]]
    outages: list[tuple[float, float]]
    written: bool


def read_log(path: Path) -> LogRows:
    """Read an event log as it stands at this moment.

    Raises:
        LogError: It is missing, something else than an event log, damaged, or locked.
    """
    is_open = _holds_changes(path.with_name(f"{path.name}-wal"))
    try:
        with _opened(path) as db:
            _check_layout(db, path)
            # All in one transaction: what is written meanwhile is not seen.
            db.execute("BEGIN")
            newest = db.execute("SELECT coalesce(max(ended), 0) FROM runs").fetchone()[0]
            return LogRows(
                db.execute("SELECT min(started), sum(ended - started) FROM spans GROUP BY run, track").fetchall(),
                [
                    (_unix(hour), *rest)
                    for hour, *rest in db.execute("SELECT hour, emotion, seconds, confident_seconds FROM hours")
                ],
                db.execute(_OUTAGES).fetchall(),
                is_open and abs(time.time() - newest) < WRITTEN_S,
            )
    except sqlite3.Error as error:
        raise LogError(_reason(path, error)) from error


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    name = unicode_name(path)
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise LogError(f"cannot read {name}: {error.strerror}; give the file of --events or event_log") from error
    if empty:
        raise LogError(f"{name} is an empty file, not an event log; give the file of --events or event_log")
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)) as db:
        db.isolation_level = None
        yield db


def _holds_changes(wal: Path) -> bool:
    """SQLite removes it with the last writer; a reader leaves an empty one."""
    try:
        return wal.stat().st_size > 0
    except OSError:
        return False


def _check_layout(db: sqlite3.Connection, path: Path) -> None:
    layout = db.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if not {"runs", "spans"} <= tables:
        raise LogError(f"{unicode_name(path)} is another program's database, not an event log")
    if layout != LAYOUT:
        remedy = "a newer emotion-edge wrote it" if layout > LAYOUT else "let stream or kiosk write to it once"
        raise LogError(f"{unicode_name(path)} is an event log of layout {layout}, wanted {LAYOUT}: {remedy}")


def _unix(hour: str) -> float:
    return datetime.fromisoformat(hour).timestamp()


def _reason(path: Path, error: sqlite3.Error) -> str:
    name, code = unicode_name(path), getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{name} is locked by another program; try again, or report from a copy"
    if is_damage(error):
        return f"{name} is not an event log, or is damaged ({error})"
    return f"cannot read {name}: {error}; its folder must be writable while it is in use, or report from a copy"


__all__ = ["LogRows", "read_log"]

"""The SQLite file of the event log: its layout, what is done when it is damaged, and what it forgets.

Every span of one label of one face is a row of ``spans``. The view ``hours`` adds them up by hour and emotion; a span
that reaches over a full hour counts in each of its hours. ``outages`` says when the camera was away; one that a crash
cut short ended when the next run began, or is not known to have ended.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from edge.errors import OutputError

log = logging.getLogger(__name__)

LAYOUT = 3  # PRAGMA user_version
SUFFIXES = (".db", ".sqlite", ".sqlite3")
# ``started`` and ``ended`` are Unix seconds; ``clock`` is time.monotonic() at the end.
TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, started REAL NOT NULL, ended REAL NOT NULL
);
CREATE TABLE spans (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, track INTEGER NOT NULL,
    emotion TEXT NOT NULL, confident INTEGER NOT NULL, started REAL NOT NULL, ended REAL NOT NULL,
    frames INTEGER NOT NULL, confidence REAL NOT NULL, clock REAL NOT NULL DEFAULT 0
);
CREATE INDEX spans_by_end ON spans (ended);
"""
VIEW = """
CREATE VIEW hours AS
WITH RECURSIVE parts (run, track, emotion, confident, began, until, ended) AS (
    SELECT run, track, emotion, confident, started, min(ended, (CAST(started / 3600 AS INTEGER) + 1) * 3600.0), ended
    FROM spans
    UNION ALL
    SELECT run, track, emotion, confident, until, min(ended, until + 3600.0), ended FROM parts WHERE until < ended
)
SELECT strftime('%Y-%m-%dT%H:00:00Z', CAST(began / 3600 AS INTEGER) * 3600, 'unixepoch') AS hour,
    emotion,
    sum(until - began) AS seconds,
    sum((until - began) * confident) AS confident_seconds,
    count(DISTINCT run || '/' || track) AS faces,
    strftime('%Y-%m-%dT%H:%M:%SZ', min(began), 'unixepoch') AS first,
    strftime('%Y-%m-%dT%H:%M:%SZ', max(until), 'unixepoch') AS last
FROM parts GROUP BY hour, emotion;
"""
OUTAGES = """
CREATE TABLE outages (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, started REAL NOT NULL, ended REAL
);
"""
_STEPS = {
    0: TABLES + VIEW + OUTAGES,
    1: "ALTER TABLE spans ADD COLUMN clock REAL NOT NULL DEFAULT 0;" + VIEW + OUTAGES,
    2: OUTAGES,
}


def open_log(path: Path) -> sqlite3.Connection:
    """Open or make an event log; a damaged one is set aside with a warning, and a new one is begun.

    Raises:
        OutputError: The file cannot be written, or is something else than an event log.
    """
    try:
        return _open(path)
    except sqlite3.Error as error:
        if not (is_damage(error) and _is_log(path)):
            raise OutputError(
                f"cannot use {path} as an event log: {error}; give a new file in a folder that can be written"
            ) from error
        set_aside(path, error)
    try:
        return _open(path)
    except sqlite3.Error as error:
        raise OutputError(f"cannot begin a new event log {path}: {error}") from error


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file's content is broken."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def set_aside(path: Path, error: sqlite3.Error) -> None:
    """Give a damaged log another name; raises OutputError where that cannot be done."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    count = 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{path.name}.corrupt-{stamp}-{count}")
    try:
        path.rename(aside)
        for ending in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    except OSError as fault:
        raise OutputError(f"the event log {path} is damaged and cannot be set aside: {fault.strerror}") from fault
    why = " ".join(str(error).split())
    log.warning("the event log %s is damaged (%s): it is kept as %s, and a new one is begun", path, why, aside.name)


def forget(
    db: sqlite3.Connection, run: int | None, *, now: float, clock_s: float, keep_s: float, keep_bytes: int
) -> None:
    """Delete what is too old, and the oldest tenth while the file is too large.

    Args:
        db: The log.
        run: The run that is going on; its spans age by the monotonic clock, as Unix time may have jumped meanwhile.
        now: Unix time in seconds.
        clock_s: The monotonic clock in seconds.
        keep_s: Age from which spans are forgotten.
        keep_bytes: Size above which the oldest are.
    """
    db.execute("DELETE FROM spans WHERE run IS NOT ? AND ended < ?", (run, now - keep_s))
    db.execute("DELETE FROM spans WHERE run IS ? AND clock < ?", (run, clock_s - keep_s))
    while _used_bytes(db) > keep_bytes:
        oldest = "SELECT id FROM spans ORDER BY id LIMIT max(1, (SELECT count(*) FROM spans) / 10)"
        if not db.execute(f"DELETE FROM spans WHERE id IN ({oldest})").rowcount:  # noqa: S608 - a constant
            break
    db.execute("DELETE FROM outages WHERE run IS NOT ? AND coalesce(ended, started) < ?", (run, now - keep_s))
    db.execute(
        "DELETE FROM runs WHERE id IS NOT ? AND id NOT IN (SELECT run FROM spans UNION SELECT run FROM outages)", (run,)
    )
    db.execute("PRAGMA incremental_vacuum").fetchall()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _open(path: Path) -> sqlite3.Connection:
    # The thread that writes is the loop's or a background one, but always the same.
    db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA cache_size = -256")  # KiB
        db.execute(f"PRAGMA journal_size_limit = {1 << 20}")
        fault = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if fault != "ok":
            damage = sqlite3.DatabaseError(fault)
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage
        layout = db.execute("PRAGMA user_version").fetchone()[0]
        foreign = layout == 0 and db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
        if foreign or not 0 <= layout <= LAYOUT:
            what = "another program's database" if foreign else f"an event log of layout {layout}; wanted {LAYOUT}"
            raise OutputError(f"{path} is {what}: give a new file")
        if layout != LAYOUT:
            db.executescript(f"BEGIN IMMEDIATE; {_STEPS[layout]} PRAGMA user_version = {LAYOUT}; COMMIT;")
    except BaseException:
        db.close()
        raise
    return db


def _is_log(path: Path) -> bool:
    """Whether a file was a database before it was damaged, and not a photo that was named by mistake."""
    with path.open("rb") as file:
        head = file.read(16)
    return path.suffix.lower() in SUFFIXES or head.startswith(b"SQLite format") or not head.strip(b"\0")


def _used_bytes(db: sqlite3.Connection) -> int:
    pages, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


__all__ = ["LAYOUT", "forget", "is_damage", "open_log", "set_aside"]

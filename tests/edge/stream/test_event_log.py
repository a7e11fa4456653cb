"""The SQLite log: what it holds, what it forgets, and what a kill costs."""

from __future__ import annotations

import logging
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from event_stage import Clock, play, result, rows

from edge.errors import OutputError
from edge.sinks import eventfile
from edge.sinks.events import EventSink
from edge.types import TrackEvent


def test_spans_tell_who_showed_what_for_how_long(tmp_path: Path, clock: Clock):
    sink = clock.sink(tmp_path / "log.db")
    play(sink, clock, [result(index, (1, "Happy"), (2, "Sad")) for index in range(20)])
    changed = TrackEvent("update", 1, 2.0, "Angry", 0.8, 2.0)  # seen for two seconds, but Angry only now
    play(sink, clock, [replace(result(20, (1, "Angry")), events=(changed,))])
    play(sink, clock, [result(index, (1, "Angry")) for index in range(21, 40)] + [result(40, ended=1)])
    sink.close()
    found = rows(tmp_path / "log.db")
    assert [row[:2] for row in found] == [(1, "Happy"), (2, "Sad"), (1, "Angry")]
    assert [row[2] for row in found] == pytest.approx([2.0, 1.9, 1.9], abs=1e-3)
    assert [row[3] for row in found] == [20, 20, 20]
    assert [row[4] for row in found] == pytest.approx([0.8] * 3)
    assert rows(tmp_path / "log.db", "source FROM runs") == [("cam",)]


def test_a_running_span_is_written_while_it_lasts(tmp_path: Path, clock: Clock):
    sink = clock.sink(tmp_path / "log.db")
    play(sink, clock, [result(index, (1, "Happy")) for index in range(30)])
    assert rows(tmp_path / "log.db")[0][2] == pytest.approx(2.9, abs=1.0)
    sink.close()


def test_two_runs_share_a_file(tmp_path: Path, clock: Clock):
    for _ in range(2):
        sink = clock.sink(tmp_path / "log.db")
        play(sink, clock, [result(0, (1, "Happy"))])
        sink.close()
    assert rows(tmp_path / "log.db", "run, track FROM spans") == [(1, 1), (2, 1)]


def test_it_forgets_by_age(tmp_path: Path, clock: Clock):
    sink = clock.sink(tmp_path / "log.db", keep_days=1)
    play(sink, clock, [result(0, (1, "Happy")), result(1, ended=1)])
    clock.pass_by(2 * 86400)
    play(sink, clock, [result(2, (2, "Sad")), result(3, ended=2)])
    sink.close()
    assert [row[0] for row in rows(tmp_path / "log.db")] == [2]


def test_it_forgets_by_size_the_oldest_first(tmp_path: Path, clock: Clock):
    sink = clock.sink(tmp_path / "log.db", keep_mb=0.2)
    for track in range(1, 8001):
        sink.write(None, result(track, (track, "Happy")))
        sink.write(None, result(track, ended=track))
        clock.pass_by(0.1)
    clock.pass_by(61)
    sink.write(None, result(9000, (9000, "Sad")))
    clock.pass_by(61)
    sink.write(None, result(9001, (9000, "Sad")))
    sink.close()
    tracks = [row[0] for row in rows(tmp_path / "log.db")]
    assert 0.15 * 2**20 < (tmp_path / "log.db").stat().st_size < 0.25 * 2**20
    assert 100 < len(tracks) < 8000
    assert tracks == sorted(tracks)
    assert tracks[-1] == 9000


def test_where_nothing_may_be_kept_it_goes_on(tmp_path: Path, clock: Clock):
    sink = clock.sink(tmp_path / "log.db", keep_mb=0.001)
    play(sink, clock, [result(0, (1, "Happy")), result(1, ended=1)], step_s=61.0)
    assert rows(tmp_path / "log.db") == []
    sink.close()


def test_a_full_disk_is_one_warning_and_what_runs_is_kept(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
):
    sink = clock.sink(tmp_path / "log.db")
    pages = sink._db.execute("PRAGMA page_count").fetchone()[0]
    sink._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then answers as on a full disk
    with caplog.at_level(logging.WARNING):
        for track in range(1, 500):
            play(sink, clock, [result(track, (track, "Happy"), (1000, "Sad"))], step_s=1.0)
        assert caplog.text.count("disk is full") == 1
        sink._db.execute("PRAGMA max_page_count = 100000")
        play(sink, clock, [result(index, (1000, "Sad")) for index in range(30)], step_s=1.0)
    assert "can be written again" in caplog.text
    sink.close()
    assert rows(tmp_path / "log.db", "count(*) FROM spans WHERE track = 1000") == [(1,)]
    assert rows(tmp_path / "log.db", "max(ended - started) > 500 FROM spans WHERE track = 1000") == [(1,)]


@pytest.mark.parametrize(
    ("name", "data"),
    [(name, b"not a database " * 100) for name in ("photo.jpg", "notes.txt")]
    + [("zeros.bin", bytes(15) + b"x" * 4000)],  # SQLite's own head has 16 bytes
)
def test_a_file_that_is_something_else_is_refused_and_stays(tmp_path: Path, name: str, data: bytes):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(OutputError, match=name):
        EventSink(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == data


def test_databases_of_others_are_refused(tmp_path: Path):
    for layout in (4, -1):
        with sqlite3.connect(tmp_path / "new.db") as db:
            db.execute(f"PRAGMA user_version = {layout}")
        with pytest.raises(OutputError, match=f"layout {layout}; wanted 3"):
            EventSink(tmp_path / "new.db")
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("CREATE TABLE places (name TEXT)")
    with pytest.raises(OutputError, match="another program's"):
        EventSink(tmp_path / "other.db")


def filled(path: Path, clock: Clock) -> None:
    sink = clock.sink(path)
    for track in range(1, 3000):
        sink.write(None, result(track, (track, "Happy")))
        sink.write(None, result(track, ended=track))
    sink.close()


def test_a_log_as_large_as_it_may_be_forgets_nothing(tmp_path: Path, clock: Clock):
    filled(tmp_path / "log.db", clock)
    db, size = eventfile.open_log(tmp_path / "log.db"), (tmp_path / "log.db").stat().st_size
    for keep_bytes, kept in ((size, 2999), (size - 1, 2700)):
        eventfile.forget(db, run=None, now=clock.now, clock_s=clock.since_boot, keep_s=60.0, keep_bytes=keep_bytes)
        assert db.execute("SELECT count(*) FROM spans").fetchone() == (kept,)
    db.close()


def test_a_large_write_leaves_a_journal_of_a_mebibyte(tmp_path: Path):
    db = eventfile.open_log(tmp_path / "log.db")
    for source in ("x" * (5 << 20), "cam"):  # the next write begins the journal anew
        db.execute("INSERT INTO runs (source, started, ended) VALUES (?, 0, 0)", (source,))
    assert (tmp_path / "log.db-wal").stat().st_size == 1 << 20
    db.close()


@pytest.mark.parametrize("damage", ["head", "middle", "text", "zeros", "half"])
def test_a_damaged_log_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, damage: str
):
    path = tmp_path / "log.db"
    filled(path, clock)
    data = bytearray(path.read_bytes())
    if damage == "head":
        data[20:200] = b"x" * 180
    elif damage == "middle":
        data[8000:60000] = b"x" * 52000
    elif damage == "half":
        data = data[: len(data) // 2]
    else:
        data[:] = (b"garbage " if damage == "text" else bytes(8)) * (len(data) // 8)
    path.write_bytes(data)
    sink = clock.sink(path)
    play(sink, clock, [result(index, (1, "Sad")) for index in range(5)])
    sink.close()
    assert rows(path, "count(*) FROM spans") == [(1,)]
    (aside,) = tmp_path.glob("log.db.corrupt-*[Z]")
    assert aside.read_bytes()[100:] == bytes(data)[100:]
    assert aside.name in caplog.text


@pytest.mark.parametrize("data", [b"SQLite format 3\0" + b"x" * 4000, bytes(4096), bytes(16) + b"x" * 4000])
def test_a_damaged_log_of_any_name_is_known_by_its_head(tmp_path: Path, data: bytes):
    (tmp_path / "faces.log").write_bytes(data)
    EventSink(tmp_path / "faces.log").close()
    (aside,) = tmp_path.glob("faces.log.corrupt-*")
    assert aside.read_bytes() == data


def test_what_is_set_aside_replaces_nothing(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "log.db"
    monkeypatch.setattr(eventfile, "datetime", SimpleNamespace(now=lambda zone: datetime(2023, 11, 14, tzinfo=zone)))
    for number in range(3):
        path.write_bytes(b"garbage %d" % number)
        clock.sink(path).close()
    for number, ending in enumerate(("Z", "Z-2", "Z-3")):
        aside = tmp_path / f"log.db.corrupt-20231114T000000{ending}"
        assert aside.read_bytes() == b"garbage %d" % number


def test_a_new_log_that_cannot_be_begun_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(path: Path) -> None:
        error = sqlite3.DatabaseError("malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    (tmp_path / "log.db").write_bytes(b"garbage")
    monkeypatch.setattr(eventfile, "_open", fail)
    with pytest.raises(OutputError, match="cannot begin a new event log"):
        EventSink(tmp_path / "log.db")


def test_a_damaged_log_that_cannot_be_set_aside_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    (tmp_path / "log.db").write_bytes(b"garbage")
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match="Operation not permitted"):
        EventSink(tmp_path / "log.db")
    assert (tmp_path / "log.db").read_bytes() == b"garbage"


def test_a_log_that_is_damaged_while_it_runs_is_set_aside_too(tmp_path: Path, clock: Clock):
    path = tmp_path / "log.db"
    filled(path, clock)
    sink = clock.sink(path)
    play(sink, clock, [result(0, (1, "Happy"))])
    sink._db.execute("PRAGMA cache_size = 0")
    reader = sqlite3.connect(path)  # with one more who has it open, SQLite leaves the journal where it is
    reader.execute("SELECT count(*) FROM spans").fetchone()
    with path.open("r+b") as file:
        file.write(b"x" * path.stat().st_size)
    (tmp_path / "log.db-wal").write_bytes(b"")
    play(sink, clock, [result(index, (1, "Sad")) for index in range(30)])
    sink.close()
    reader.close()
    assert len(list(tmp_path.glob("log.db.corrupt-*Z"))) == 1
    assert len(list(tmp_path.glob("log.db.corrupt-*Z-wal"))) == 1, "a journal of the old file would spoil the new one"
    assert ("Sad",) in rows(path, "emotion FROM spans")
    assert sink.failed


@pytest.mark.parametrize("layout", [1, 2])
def test_an_earlier_layout_is_brought_up_to_date(tmp_path: Path, clock: Clock, layout: int):
    path = tmp_path / "log.db"
    later = ", clock REAL NOT NULL DEFAULT 0" if layout == 2 else ""
    with sqlite3.connect(path) as db:
        db.executescript(
            "CREATE TABLE runs (id INTEGER PRIMARY KEY, source TEXT, started REAL, ended REAL);"
            "CREATE TABLE spans (id INTEGER PRIMARY KEY, run INTEGER REFERENCES runs ON DELETE CASCADE, track INTEGER,"
            f"emotion TEXT, confident INTEGER, started REAL, ended REAL, frames INTEGER, confidence REAL{later});"
            "INSERT INTO runs VALUES (1, 'cam', 1700000000, 1700000009);"
            "INSERT INTO spans (run, track, emotion, confident, started, ended, frames, confidence)"
            "VALUES (1, 1, 'Happy', 1, 1700000000, 1700000009, 90, 0.8);"
            f"{eventfile.VIEW if layout == 2 else ''} PRAGMA user_version = {layout};"
        )
    clock.pass_by(100)
    sink = clock.sink(path)
    play(sink, clock, [result(index, (1, "Sad")) for index in range(11)])
    sink.close()
    assert rows(path, "emotion, round(seconds, 3) FROM hours") == [("Happy", 9.0), ("Sad", 1.0)]
    assert rows(path, "* FROM outages") == []


def test_a_recording_tells_its_own_time_however_fast_it_is_read(tmp_path: Path, clock: Clock):
    sink = clock.sink(tmp_path / "log.db", live=False)
    for number in range(101):
        sink.write(None, result(number, (1, "Happy")))
        clock.pass_by(0.01 if number < 50 else 3.0)
    sink.close()
    assert rows(tmp_path / "log.db", "started, ended FROM spans") == [(1_700_000_000.0, 1_700_000_010.0)]


def test_a_span_begins_when_the_face_was_first_seen(tmp_path: Path, clock: Clock):
    sink = clock.sink(tmp_path / "log.db", live=False)
    for number in range(2, 30):
        new = (TrackEvent("new", 1, number / 10, "Happy", 0.8, 0.2),) if number == 2 else ()
        sink.write(None, replace(result(number, (1, "Happy")), events=new))
    sink.close()
    assert rows(tmp_path / "log.db")[0][2] == pytest.approx(2.9)


@pytest.mark.parametrize(("again", "spans_s"), [(29, [3.9]), (31, [1.0, 1.0])])
def test_a_face_that_was_not_shown_for_a_while_has_two_spans(
    tmp_path: Path, clock: Clock, again: int, spans_s: list[float]
):
    sink = clock.sink(tmp_path / "log.db", live=False)
    for number in [*range(11), *range(again, again + 11)]:
        sink.write(None, result(number, (1, "Happy")))
    sink.close()
    assert [row[2] for row in rows(tmp_path / "log.db")] == pytest.approx(spans_s)


def test_hours_add_up_seconds_by_hour_and_emotion(tmp_path: Path, clock: Clock):
    sink = clock.sink(tmp_path / "log.db", live=False)  # begins at 22:13:20
    for number in range(0, 72001, 10):  # two hours
        sure = replace(result(number, (1, "Happy")), time_s=number / 10)
        sink.write(None, sure)
    unsure = result(72010, (2, "Sad"))
    sink.write(None, unsure)
    sink.write(None, replace(result(72030, (2, "Sad"))))
    sink.close()
    found = rows(tmp_path / "log.db", "hour, emotion, seconds, confident_seconds, faces, first, last FROM hours")
    happy = [row for row in found if row[1] == "Happy"]
    assert [row[0] for row in happy] == ["2023-11-14T22:00:00Z", "2023-11-14T23:00:00Z", "2023-11-15T00:00:00Z"]
    assert [row[2] for row in happy] == pytest.approx([2800, 3600, 800])
    assert [row[3] for row in happy] == pytest.approx([2800, 3600, 800])
    assert happy[0][4:] == (1, "2023-11-14T22:13:20Z", "2023-11-14T23:00:00Z")
    assert [row[2] for row in found if row[1] == "Sad"] == pytest.approx([2.0])


def test_a_moved_file_is_let_go(tmp_path: Path, clock: Clock):
    path = tmp_path / "log.db"
    sink = clock.sink(path)
    play(sink, clock, [result(index, (1, "Happy")) for index in range(10)])
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        if (tmp_path / name).exists():
            (tmp_path / name).rename(tmp_path / f"old-{name[4:]}".replace("log", "old"))
    sink.reopen()
    play(sink, clock, [result(index, (1, "Happy")) for index in range(10)])
    sink.close()
    assert [row[0] for row in rows(path)] == [1]


def test_no_pictures_and_no_names_are_kept(tmp_path: Path, clock: Clock):
    clock.sink(tmp_path / "log.db").close()
    columns = rows(tmp_path / "log.db", "name FROM pragma_table_info('spans')")
    assert {name for (name,) in columns} == {
        "id", "run", "track", "emotion", "confident", "started", "ended", "frames", "confidence", "clock"
    }  # fmt: skip


WRITER = """
import sys, time
sys.path.insert(0, {here!r})
from pathlib import Path
from event_stage import result
from edge.sinks.events import EventSink
sink = EventSink(Path({path!r}))
index = 0
while True:
    track = index // 40 + 1
    moment, told = time.monotonic() * 10, time.time()
    sink.write(None, result(moment, (track, "Happy"), (track + 100000, ("Sad", "Angry")[index // 7 % 2])))
    if index % 40 == 39:
        sink.write(None, result(index, ended=track))
    print(told, flush=True)
    index += 1
    time.sleep(0.002)
"""


@pytest.mark.slow
def test_killed_10_times_it_loses_at_most_the_last_second(tmp_path: Path, environment: dict[str, str]):
    path = tmp_path / "log.db"
    code = WRITER.format(here=str(Path(__file__).parent), path=str(path))
    chance = random.Random(4)
    for round_number in range(10):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
        process.stdout.readline()
        time.sleep(chance.uniform(0.02, 0.9))  # the moment is the point here
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate()
        last_told = max(map(float, output.split()[:-1]), default=0.0)
        with sqlite3.connect(path) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            runs, newest = db.execute(
                "SELECT count(*), max(ended) FROM spans WHERE run = (SELECT max(id) FROM runs)"
            ).fetchone()
            assert db.execute("SELECT count(*) FROM runs").fetchone() == (round_number + 1,)
        assert runs > 0
        assert last_told - newest < 1.0

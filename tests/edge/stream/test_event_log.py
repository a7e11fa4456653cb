"""The SQLite log: what it holds, what it forgets, and what a kill costs."""

from __future__ import annotations

import logging
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.errors import OutputError
from edge.labels import EMOTIONS
from edge.sinks.events import EventSink
from edge.types import Box, Face, FrameResult, TrackEvent

CHANCES = dict.fromkeys(EMOTIONS, 0.2)


class Clock:
    """Unix time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


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
        sink.write(None, one)
        clock.now += step_s


def test_spans_tell_who_showed_what_for_how_long(tmp_path: Path, clock: Clock):
    sink = EventSink(tmp_path / "log.db", clock=clock)
    play(sink, clock, [result(index, (1, "Happy"), (2, "Sad")) for index in range(20)])
    play(sink, clock, [result(index, (1, "Angry")) for index in range(20, 40)] + [result(40, ended=1)])
    sink.close()
    found = rows(tmp_path / "log.db")
    assert [row[:2] for row in found] == [(1, "Happy"), (2, "Sad"), (1, "Angry")]
    assert [row[2] for row in found] == pytest.approx([2.0, 1.9, 1.9], abs=1e-3)
    assert [row[3] for row in found] == [20, 20, 20]
    assert [row[4] for row in found] == pytest.approx([0.8] * 3)
    assert rows(tmp_path / "log.db", "source FROM runs") == [("cam",)]


def test_a_running_span_is_written_while_it_lasts(tmp_path: Path, clock: Clock):
    sink = EventSink(tmp_path / "log.db", clock=clock)
    play(sink, clock, [result(index, (1, "Happy")) for index in range(30)])
    assert rows(tmp_path / "log.db")[0][2] == pytest.approx(2.9, abs=1.0)
    sink.close()


def test_two_runs_share_a_file(tmp_path: Path, clock: Clock):
    for _ in range(2):
        sink = EventSink(tmp_path / "log.db", clock=clock)
        play(sink, clock, [result(0, (1, "Happy"))])
        sink.close()
    assert rows(tmp_path / "log.db", "run, track FROM spans") == [(1, 1), (2, 1)]


def test_it_forgets_by_age(tmp_path: Path, clock: Clock):
    sink = EventSink(tmp_path / "log.db", keep_days=1, clock=clock)
    play(sink, clock, [result(0, (1, "Happy")), result(1, ended=1)])
    clock.now += 2 * 86400
    play(sink, clock, [result(2, (2, "Sad")), result(3, ended=2)])
    sink.close()
    assert [row[0] for row in rows(tmp_path / "log.db")] == [2]


def test_it_forgets_by_size_the_oldest_first(tmp_path: Path, clock: Clock):
    sink = EventSink(tmp_path / "log.db", keep_mb=0.2, clock=clock)
    for track in range(1, 8001):
        sink.write(None, result(track, (track, "Happy")))
        sink.write(None, result(track, ended=track))
        clock.now += 0.1
    clock.now += 61
    sink.write(None, result(9000, (9000, "Sad")))
    clock.now += 61
    sink.write(None, result(9001, (9000, "Sad")))
    sink.close()
    tracks = [row[0] for row in rows(tmp_path / "log.db")]
    assert (tmp_path / "log.db").stat().st_size < 0.25 * 2**20
    assert 100 < len(tracks) < 8000
    assert tracks == sorted(tracks)
    assert tracks[-1] == 9000


def test_a_full_disk_is_one_warning_and_what_runs_is_kept(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
):
    sink = EventSink(tmp_path / "log.db", clock=clock)
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


def test_a_file_that_is_something_else_is_refused(tmp_path: Path):
    (tmp_path / "text.db").write_text("not a database " * 100)
    with pytest.raises(OutputError, match=r"text\.db"):
        EventSink(tmp_path / "text.db")
    with sqlite3.connect(tmp_path / "new.db") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(OutputError, match="layout 99"):
        EventSink(tmp_path / "new.db")


def test_a_moved_file_is_let_go(tmp_path: Path, clock: Clock):
    path = tmp_path / "log.db"
    sink = EventSink(path, clock=clock)
    play(sink, clock, [result(index, (1, "Happy")) for index in range(10)])
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        if (tmp_path / name).exists():
            (tmp_path / name).rename(tmp_path / f"old-{name[4:]}".replace("log", "old"))
    sink.reopen()
    play(sink, clock, [result(index, (1, "Happy")) for index in range(10)])
    sink.close()
    assert [row[0] for row in rows(path)] == [1]


def test_no_pictures_and_no_names_are_kept(tmp_path: Path, clock: Clock):
    EventSink(tmp_path / "log.db", clock=clock).close()
    columns = rows(tmp_path / "log.db", "name FROM pragma_table_info('spans')")
    assert {name for (name,) in columns} == {
        "id", "run", "track", "emotion", "confident", "started", "ended", "frames", "confidence"
    }  # fmt: skip


WRITER = """
import sys, time
sys.path.insert(0, {here!r})
from pathlib import Path
from test_event_log import result
from edge.sinks.events import EventSink
sink = EventSink(Path({path!r}))
index = 0
while True:
    track = index // 40 + 1
    sink.write(None, result(index, (track, "Happy"), (track + 100000, ("Sad", "Angry")[index // 7 % 2])))
    if index % 40 == 39:
        sink.write(None, result(index, ended=track))
    print(time.time(), flush=True)
    index += 1
    time.sleep(0.002)
"""


@pytest.mark.slow
def test_killed_50_times_it_loses_at_most_the_last_second(tmp_path: Path, environment: dict[str, str]):
    path = tmp_path / "log.db"
    code = WRITER.format(here=str(Path(__file__).parent), path=str(path))
    chance = random.Random(4)
    for round_number in range(50):
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

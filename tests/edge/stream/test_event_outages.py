"""The SQLite log: when the camera was away, clocks that are set, and how often and how long it keeps what."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from event_stage import Clock, play, result, rows

from edge.types import FrameResult

BEGAN = 1_700_000_000


def away(state: str = "reconnecting") -> FrameResult:
    return replace(result(0), state=state)


def outages(path: Path) -> list[object]:
    """When the camera was away, in seconds after the test began."""
    return rows(path, f"round(started - {BEGAN}, 3), round(ended - {BEGAN}, 3) FROM outages ORDER BY id")


def test_outages_tell_when_the_camera_was_away(tmp_path: Path, clock: Clock):
    path = tmp_path / "log.db"
    sink = clock.sink(path)
    play(sink, clock, [result(0, (1, "Happy"))], step_s=10.2)
    play(sink, clock, [away()], step_s=0.1)
    assert outages(path) == [(10.2, None)], "it is written at once: there may be no next frame"
    play(sink, clock, [away("lost"), result(1), result(2), away(), result(3)], step_s=5.0)
    sink.close()
    assert outages(path) == [(10.2, 15.3), (25.3, 30.3)]


def test_a_long_outage_is_one(tmp_path: Path, clock: Clock):
    sink = clock.sink(tmp_path / "log.db")
    play(sink, clock, [away()] * 20 + [result(0)], step_s=10.0)
    sink.close()
    assert outages(tmp_path / "log.db") == [(0.0, 200.0)]


def test_the_past_is_forgotten_once_a_minute(tmp_path: Path, clock: Clock):
    sink, moments = clock.sink(tmp_path / "log.db"), []
    sink._db.set_trace_callback(lambda said: moments.append(clock.since_boot) if "wal_checkpoint" in said else None)
    play(sink, clock, [result(index, (1, "Happy")) for index in range(300)], step_s=0.5)
    assert moments == [50.0, 110.0, 170.0]
    sink.close()


@pytest.mark.parametrize(("live", "until"), [(True, 17.0), (False, 10.0)])
def test_a_camera_that_is_away_at_the_end_was_away_until_then(tmp_path: Path, clock: Clock, live: bool, until: float):
    sink = clock.sink(tmp_path / "log.db", live=live)
    play(sink, clock, [result(0)], step_s=10.0)
    play(sink, clock, [away()], step_s=7.0)
    sink.close()
    assert outages(tmp_path / "log.db") == [(10.0, until)]


def test_a_clock_that_is_set_makes_an_outage_neither_longer_nor_shorter(tmp_path: Path, clock: Clock):
    sink = clock.sink(tmp_path / "log.db")
    play(sink, clock, [result(0)], step_s=10.0)
    play(sink, clock, [away()], step_s=5.0)
    clock.now += 3600
    play(sink, clock, [away(), result(1)], step_s=5.0)
    sink.close()
    assert outages(tmp_path / "log.db") == [(3610.0, 3620.0)]


def test_an_outage_is_in_the_new_file_too_when_the_old_one_was_moved(tmp_path: Path, clock: Clock):
    path = tmp_path / "log.db"
    sink = clock.sink(path)
    play(sink, clock, [result(0)], step_s=10.0)
    play(sink, clock, [away()], step_s=5.0)
    path.rename(tmp_path / "old.db")
    sink.reopen()
    play(sink, clock, [away(), result(1)], step_s=5.0)
    sink.close()
    assert outages(path) == [(10.0, 20.0)]


def test_an_outage_on_a_full_disk_is_one_when_there_is_room_again(tmp_path: Path, clock: Clock):
    path = tmp_path / "log.db"
    sink = clock.sink(path)
    play(sink, clock, [result(0)], step_s=10.0)
    pages = sink._db.execute("PRAGMA page_count").fetchone()[0]
    sink._db.execute(f"PRAGMA max_page_count = {pages}")
    play(sink, clock, [replace(result(0, *((track, "Happy") for track in range(200))), state="lost")] * 3, step_s=1.0)
    assert sink.failed
    sink._db.execute("PRAGMA max_page_count = 100000")
    play(sink, clock, [away(), away(), result(1)], step_s=1.0)
    sink.close()
    assert outages(path) == [(10.0, 15.0)]


def test_a_log_that_works_says_nothing(tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture):
    sink = clock.sink(tmp_path / "log.db")
    play(sink, clock, [result(index, (1, "Happy")) for index in range(20)])
    sink.close()
    assert caplog.text == ""
    assert not sink.failed


def test_rows_are_written_every_half_second_and_tried_every_ten_when_that_fails(tmp_path: Path, clock: Clock):
    sink, done = clock.sink(tmp_path / "log.db"), []
    sink._db.set_trace_callback(done.append)
    play(sink, clock, [result(index, (1, "Happy")) for index in range(100)], step_s=0.125)
    assert done.count("COMMIT") == 25
    sink._db.execute(f"PRAGMA max_page_count = {sink._db.execute('PRAGMA page_count').fetchone()[0]}")
    crowd = result(0, *((track, "Happy") for track in range(2, 200)))
    play(sink, clock, [crowd], step_s=0.5)
    done.clear()
    play(sink, clock, [crowd] * 210, step_s=0.5)
    assert done.count("BEGIN IMMEDIATE") == 10


def test_a_day_is_a_day_and_thirty_are_kept(tmp_path: Path, clock: Clock):
    path = tmp_path / "log.db"
    for wait_s, kept in ((0, [1]), (30 * 86400 - 10, [1, 2]), (20, [2, 3])):
        clock.pass_by(wait_s)
        sink = clock.sink(path)
        play(sink, clock, [result(0, (1, "Happy")), away(), result(1)], step_s=0.01)
        sink.close()
        for what in ("id FROM runs", "run FROM spans", "run FROM outages"):
            assert [run for (run,) in rows(path, what)] == kept, what


def test_another_thread_than_the_one_that_opened_it_may_write(tmp_path: Path, clock: Clock):
    sink = clock.sink(tmp_path / "log.db")
    thread = threading.Thread(target=lambda: (play(sink, clock, [result(0, (1, "Happy"))]), sink.close()))
    thread.start()
    thread.join()
    assert len(rows(tmp_path / "log.db")) == 1


@pytest.mark.parametrize("jump_s", [20 * 86400, -20 * 86400])
def test_a_clock_that_is_set_costs_no_second_and_adds_none(tmp_path: Path, clock: Clock, jump_s: float):
    path = tmp_path / "log.db"
    sink = clock.sink(path, keep_days=5)
    play(sink, clock, [result(index, (1, "Happy")) for index in range(50)])
    clock.now += jump_s
    play(sink, clock, [result(index, (1, "Happy")) for index in range(50, 101)])
    clock.pass_by(70)  # the next pruning forgets neither
    play(sink, clock, [result(200, (2, "Sad"))])
    sink.close()
    before, after = rows(path, "started, ended - started FROM spans WHERE track = 1 ORDER BY id")
    assert [before[1], after[1]] == pytest.approx([4.9, 5.0])
    assert before[0] == pytest.approx(1_700_000_000, abs=0.01)
    assert after[0] == pytest.approx(1_700_000_005 + jump_s, abs=0.01)


def test_it_goes_on_forgetting_when_the_clock_is_set_back(tmp_path: Path, clock: Clock):
    path = tmp_path / "log.db"
    sink = clock.sink(path, keep_days=1)
    play(sink, clock, [result(0, (1, "Happy")), result(1, ended=1)])
    clock.now -= 300 * 86400
    for day in range(3):
        clock.pass_by(90_000)
        play(sink, clock, [result(day, (day + 2, "Sad")), result(day, ended=day + 2)])
    sink.close()
    assert [row[0] for row in rows(path)] == [4]


@pytest.mark.parametrize(("jump_s", "spans_s"), [(1.9, [4.0]), (2.1, [1.9, 2.0])])
def test_a_small_correction_of_the_clock_changes_nothing(
    tmp_path: Path, clock: Clock, jump_s: float, spans_s: list[float]
):
    sink = clock.sink(tmp_path / "log.db")
    play(sink, clock, [result(index, (1, "Happy")) for index in range(20)])
    clock.now += jump_s
    play(sink, clock, [result(index, (1, "Happy")) for index in range(20, 41)])
    sink.close()
    assert [row[2] for row in rows(tmp_path / "log.db")] == pytest.approx(spans_s)

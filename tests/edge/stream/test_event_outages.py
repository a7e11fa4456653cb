"""The SQLite log: when the camera was away, and how often and how long it keeps what."""

from __future__ import annotations

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

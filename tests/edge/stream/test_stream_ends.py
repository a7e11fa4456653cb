"""How a stream ends, and what it says of its times and of its sinks."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from event_stage import Clock
from stage import Keep, ScriptedSource, face_frame, frames_then

from edge.sources.base import Frame
from edge.stream import Stream
from edge.types import FrameResult


def recorded(index: int) -> Frame | None:
    """Five grey frames of a recording of 25 frames a second, at an hour."""
    return Frame(np.full((48, 64, 3), 90, np.uint8), 3600 + index / 25) if index < 5 else None


def test_of_a_recording_every_frame_is_read_and_its_own_time_counts(run):
    class Slow(Keep):
        def write(self, rgb: object, result: FrameResult) -> None:
            time.sleep(0.02)
            super().write(rgb, result)

    running, keep = run(ScriptedSource(recorded, live=False), Slow())
    running.join()
    assert running.error is None
    assert [(result.frame, result.time_s) for result in keep.results] == [(i, 3600 + i / 25) for i in range(5)]
    last = running.stream.snapshot().result
    assert last == FrameResult("scripted", 64, 48, frame=4, time_s=3600 + 4 / 25, state="ended")


@pytest.mark.parametrize(("count", "size"), [(0, (0, 0)), (1, (64, 48))])
def test_a_recording_that_ends_where_it_begins_just_ends(run, count: int, size: tuple[int, int]):
    begun = Frame(recorded(0).rgb, 0.0)
    running, keep = run(ScriptedSource(lambda index: begun if index < count else None, live=False))
    running.join()
    assert len(keep.results) == count
    assert running.stream.snapshot().result == FrameResult("scripted", *size, frame=0, time_s=0.0, state="ended")


def test_with_a_limit_it_waits_no_longer_than_until_the_next_frame(classifier):
    class Stop(threading.Event):
        waits: ClassVar[list[float]] = []

        def wait(self, timeout: float | None = None) -> bool:
            self.waits.append(timeout or 0.0)
            return super().wait(0)

    stream = Stream(ScriptedSource(recorded, live=False), "haar", classifier, fps_limit=4)
    assert len(list(stream.results(stop := Stop()))) == len(stop.waits) == 5
    assert all(0 <= wait_s <= 0.25 for wait_s in stop.waits)


def test_times_of_a_camera_count_from_the_start(run):
    running, keep = run(ScriptedSource(face_frame))
    keep.wait_for(lambda result: bool(result.faces))
    running.finish()
    assert keep.results[-1].state == "ended"
    times = [result.time_s for result in keep.results]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < 60
    assert all(0 <= result.timing_ms["age"] < 60_000 for result in keep.results[:-1])


@pytest.mark.parametrize(("read_ms", "told_ms"), [(7.0, 7.0), (0.0, 2000.0)])
def test_how_long_a_frame_took_is_the_sources_word_or_measured(
    run, clock: Clock, monkeypatch: pytest.MonkeyPatch, read_ms: float, told_ms: float
):
    def read(index: int) -> Frame:
        clock.pass_by(2)
        return replace(face_frame(index), read_ms=read_ms)

    times = SimpleNamespace(monotonic=time.monotonic, perf_counter=lambda: clock.since_boot)
    monkeypatch.setattr("edge.stream.capture.time", times)
    running, keep = run(ScriptedSource(read))
    keep.wait_for(lambda result: result.state == "ok")
    running.finish()
    assert running.stream.snapshot().timing_ms["capture"] == told_ms


def test_the_age_of_a_frame_is_in_milliseconds(classifier, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("edge.stream.loop.time", SimpleNamespace(monotonic=lambda: 100.0))
    seen = Frame(np.full((48, 64, 3), 90, np.uint8), 98.0, captured_s=98.0)
    source = ScriptedSource(lambda index: None if index else seen)
    (result,) = Stream(source=source, detector="haar", classifier=classifier).results()
    assert result.timing_ms["age"] == 2000


def test_what_a_sink_could_not_keep_is_known_and_every_one_opens_its_file_anew(run):
    class Counts(Keep):
        failed, reopened = False, 0

        def reopen(self) -> None:
            self.reopened += 1

    one = Counts()
    running, _ = run(ScriptedSource(frames_then(1, None)), one)
    running.join()
    assert not running.stream.failed
    one.failed = True
    assert running.stream.failed
    running.stream.reopen()
    assert one.reopened == 1


@pytest.mark.parametrize("call", ["write", "close"])
def test_a_sink_whose_reader_is_gone_ends_the_stream_and_the_others_are_closed(run, call: str):
    class Gone(Keep):
        def write(self, rgb: object, result: FrameResult) -> None:
            if call == "write" and (result.faces or self.results):
                self.results.append(result)
                raise BrokenPipeError

        def close(self) -> None:
            if call == "close":
                raise BrokenPipeError

    last = Keep()
    running, keep = run(ScriptedSource(face_frame), Gone(), last)
    keep.wait_for(lambda result: bool(result.faces))
    running.finish()
    assert running.error is None
    assert [event.kind for event in keep.results[-1].events] == ["end"]
    assert (keep.closed, last.closed) == (1, 1)

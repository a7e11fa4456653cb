"""A sink in a thread of its own: what it gets, what it loses, and how it fails."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from stage import Blocked, Keep

from edge.errors import OutputError
from edge.sinks.background import BackgroundSink
from edge.types import FrameResult

PICTURE = np.zeros((48, 64, 3), np.uint8)


def result_of(number: int) -> FrameResult:
    return FrameResult("test", 640, 480, frame=number, time_s=number / 25)


def test_a_slow_sink_does_not_stall_a_live_stream():
    slow = Blocked()
    sink = BackgroundSink(slow, wait=False, room=8)
    for number in range(1000):
        sink.write(None, result_of(number))
    assert sink.dropped >= 990
    slow.leave.set()
    sink.close()
    assert [result.frame for result in slow.results] == sorted(result.frame for result in slow.results)
    assert slow.closed == 1


def test_sixty_four_results_may_wait_where_nothing_else_is_said():
    slow = Blocked()
    sink = BackgroundSink(sink=slow, wait=False)
    deadline = time.monotonic() + 10
    sink.write(None, result_of(0))
    while sink._queue.qsize() and time.monotonic() < deadline:  # until the sink has taken the first
        time.sleep(0.01)
    for number in range(1, 100):
        sink.write(None, result_of(number))
    slow.leave.set()
    sink.close()
    assert [result.frame for result in slow.results] == list(range(65))


def test_a_slow_sink_of_a_recording_gets_everything():
    class Slower(Keep):
        def write(self, rgb: object, result: FrameResult) -> None:
            time.sleep(0.001)
            super().write(rgb, result)

    slow = Slower()
    sink = BackgroundSink(slow, wait=True, room=2)
    for number in range(200):
        sink.write(None, result_of(number))
    sink.close()
    assert [result.frame for result in slow.results] == list(range(200))


@pytest.mark.parametrize(
    ("options", "pictures"), [({}, False), ({"pictures": False}, False), ({"pictures": True}, True)]
)
def test_pictures_are_held_for_a_sink_that_needs_them(options: dict[str, bool], pictures: bool):
    keep = Keep()
    sink = BackgroundSink(keep, wait=True, **options)
    sink.write(PICTURE, result_of(0))
    sink.close()
    assert (len(keep.results), keep.pictures, keep.closed) == (1, pictures, 1)
    assert not sink.failed


def test_a_sink_that_had_nothing_to_do_for_a_while_goes_on():
    keep = Keep()
    sink = BackgroundSink(keep, wait=True)
    for number in range(2):
        sink.write(None, result_of(number))
        time.sleep(0.5)
    assert keep.closed == 0
    sink.close()
    assert (len(keep.results), keep.closed) == (2, 1)


def test_lost_results_are_said_ever_more_rarely(caplog: pytest.LogCaptureFixture):
    slow = Blocked()
    sink = BackgroundSink(slow, wait=False, room=1)
    while sink.dropped < 9:
        sink.write(None, result_of(0))
    slow.leave.set()
    sink.close()
    assert caplog.messages == [f"Blocked is too slow: {count} results dropped" for count in (1, 2, 4, 8)]


def test_files_are_opened_anew_between_results():
    class Notes(Keep):
        def reopen(self) -> None:
            self.results.append(result_of(-1))

    notes = Notes()
    sink = BackgroundSink(notes, wait=True)
    sink.write(None, result_of(0))
    notes.wait_for(lambda result: result.frame == 0)
    sink.reopen()
    sink.write(None, result_of(1))
    sink.write(None, result_of(2))
    sink.close()
    assert [result.frame for result in notes.results] == [0, -1, 1, 2]


class Failing(Keep):
    """A sink that fails at one of its calls."""

    def __init__(self, call: str, error: Exception) -> None:
        super().__init__()
        self.call, self.error = call, error

    def write(self, rgb: object, result: FrameResult) -> None:
        super().write(rgb, result)
        if self.call == "write":
            raise self.error

    def close(self) -> None:
        super().close()
        if self.call == "close":
            raise self.error


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        ("write", OutputError("the disk is full"), "the disk is full; it gets no more results"),
        ("write", ValueError("bug"), "Failing failed; it gets no more results"),
        ("close", OutputError("the disk is full"), "the disk is full"),
        ("close", ValueError("bug"), "Failing could not be closed"),
    ],
)
def test_a_sink_that_fails_is_said_once_and_gets_no_more(
    wait: bool, call: str, error: Exception, said: str, caplog: pytest.LogCaptureFixture
):
    failing = Failing(call, error)
    sink = BackgroundSink(failing, wait=wait, room=1)
    sink.write(None, result_of(0))
    failing.wait_for(lambda result: result.frame == 0)
    deadline = time.monotonic() + 10
    while call == "write" and not sink.failed and time.monotonic() < deadline:
        time.sleep(0.01)
    for number in range(1, 10 if call == "write" else 1):
        sink.write(None, result_of(number))
    sink.close()
    assert sink.failed
    assert caplog.messages == [said]
    assert (len(failing.results), failing.closed) == (1, 1)


@pytest.mark.parametrize("call", ["write", "close"])
def test_a_reader_who_is_gone_is_no_failure_and_ends_the_stream(call: str, caplog: pytest.LogCaptureFixture):
    failing = Failing(call, BrokenPipeError())
    sink = BackgroundSink(failing, wait=False)
    sink.write(None, result_of(0))
    failing.wait_for(lambda result: result.frame == 0)
    with pytest.raises(BrokenPipeError):
        sink.close()
    with pytest.raises(BrokenPipeError):
        sink.write(None, result_of(1))
    assert not sink.failed
    assert caplog.messages == []


def test_a_sink_that_never_comes_back_is_not_waited_for(caplog: pytest.LogCaptureFixture):
    slow = Blocked()
    sink = BackgroundSink(slow, wait=False, room=8)
    for number in range(5):
        sink.write(None, result_of(number))
    deadline = time.monotonic() + 10
    while sink._queue.qsize() > 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    sink.close(timeout_s=0.1)
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "Blocked"), (
        "it would hold the end up"
    )
    slow.leave.set()
    assert caplog.messages == ["Blocked did not finish in time; 4 results are lost"]


def test_a_failure_that_the_sink_tells_of_is_told_on():
    keep = Keep()
    sink = BackgroundSink(keep, wait=False)
    keep.failed = True  # type: ignore[attr-defined]
    assert sink.failed
    sink.close()

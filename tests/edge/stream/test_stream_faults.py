"""What the loop does when the camera, or a sink, lets it down."""

from __future__ import annotations

import queue
import threading
import time
import weakref
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from event_stage import Clock
from stage import ABSENT, LOST, Blocked, Keep, Running, ScriptedSource, face_frame, frames_then

from edge.classifier import Classifier
from edge.errors import CameraLostError, ConfigError, RecordingError, SourceError
from edge.sinks.background import BackgroundSink
from edge.sources.base import Frame
from edge.stream import Stream
from edge.stream import capture as capture_module
from edge.stream.capture import Capture
from edge.stream.slot import FrameSlot, Notice
from edge.stream.stats import StreamStats
from edge.types import Detection, FrameResult


def test_an_absent_camera_is_waited_for(run):
    source = ScriptedSource(ABSENT, ABSENT, ABSENT, face_frame)
    running, keep = run(source)
    keep.wait_for(lambda result: bool(result.faces))
    assert keep.states == ["reconnecting", "ok"]
    assert running.stream.snapshot().counts["reconnects"] == 3


def test_fail_fast_ends_at_once_with_the_reason(run):
    running, keep = run(ScriptedSource(ABSENT), retries=0)
    running.join()
    assert isinstance(running.error, SourceError)
    assert "no camera" in str(running.error)
    assert keep.closed == 1


def test_after_enough_tries_it_gives_up(run, caplog):
    source = ScriptedSource(ABSENT)
    running, _ = run(source, retries=4)
    running.join()
    assert running.error is ABSENT
    assert "Traceback" not in caplog.text
    assert running.stream.snapshot().state == "lost"
    assert len(source.opened) == 5
    waits = [later - before for before, later in pairwise(source.opened)]
    assert all(wait >= planned for wait, planned in zip(waits, (0.01, 0.02, 0.04, 0.08), strict=True))


def test_six_tries_are_made_where_nothing_is_said(run):
    source = ScriptedSource(ABSENT)
    running, _ = run(source)
    running.join()
    assert len(source.opened) == 7


def test_an_unplugged_camera_comes_back_and_its_faces_are_new(run):
    source = ScriptedSource(frames_then(20, LOST), frames_then(20, LOST), face_frame)
    running, keep = run(source)
    keep.wait_for(lambda result: any(event.kind == "new" and event.track == 3 for event in result.events))
    assert keep.states[:5] == ["ok", "reconnecting", "ok", "reconnecting", "ok"]
    kinds = [(event.kind, event.track) for result in keep.results for event in result.events if event.kind != "update"]
    assert kinds[:5] == [("new", 1), ("end", 1), ("new", 2), ("end", 2), ("new", 3)]
    frames = [result.frame for result in keep.results if result.state == "ok"]
    assert frames == sorted(set(frames)), "numbers go on across a reconnect"
    running.finish()
    assert len(source.closed) == len(source.opened), "every opened camera is closed"


def test_success_resets_the_tries(run):
    source = ScriptedSource(*[frames_then(3, LOST)] * 6, face_frame)
    running, keep = run(source, retries=1)
    keep.wait_for(lambda result: bool(result.faces))
    assert running.error is None


def test_without_success_in_between_a_second_loss_is_one_too_many(run):
    source = ScriptedSource(frames_then(3, LOST), ABSENT, face_frame)
    running, _ = run(source, retries=1)
    running.join()
    assert running.error is ABSENT


@pytest.mark.parametrize(
    ("error", "live"), [(ConfigError("not installed"), True), (RecordingError("damaged"), True), (ABSENT, False)]
)
def test_what_waiting_does_not_mend_ends_at_once(run, error: Exception, live: bool):
    source = ScriptedSource(error, face_frame, live=live)
    running, _ = run(source)
    running.join()
    assert running.error is error
    assert len(source.opened) == 1


def test_a_read_that_never_returns_is_left_behind(run):
    release = threading.Event()

    def hang(index: int) -> object:
        if index < 10:
            return face_frame(index)
        release.wait(60)
        return LOST

    source = ScriptedSource(hang, face_frame)
    running, keep = run(source, timeout_s=0.5)
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "capture")
    keep.wait_for(lambda result: any(event.kind == "end" for event in result.events))
    keep.wait_for(lambda result: any(event.kind == "new" and event.track == 2 for event in result.events))
    assert keep.states[:3] == ["ok", "reconnecting", "ok"]
    release.set()
    running.finish()
    deadline = time.monotonic() + 10
    while len(source.closed) < len(source.opened) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(source.closed) == len(source.opened), "the one that hung is closed when it comes back"


def test_a_camera_has_five_seconds_for_a_frame_where_nothing_is_said(classifier: Classifier):
    given: list[float] = []

    class Listens(ScriptedSource):
        def read(self, timeout_s: float) -> Frame | None:
            given.append(timeout_s)
            return super().read(timeout_s)

    list(Stream(Listens(frames_then(2, None)), "haar", classifier).results())
    assert given == [5, 5, 5]


class Hangs(ScriptedSource):
    """A driver of which one call does not return before leave is given to it."""

    def __init__(self, call: str) -> None:
        super().__init__(lambda index: None)
        self.call = call
        self.hung: queue.Queue[tuple[threading.Thread, threading.Event]] = queue.Queue()

    def hang(self) -> None:
        self.hung.put((threading.current_thread(), leave := threading.Event()))
        leave.wait(60)

    def open(self) -> None:
        super().open()
        if self.call == "open":
            self.hang()

    def read(self, timeout_s: float) -> Frame | None:
        if self.call == "read":
            self.hang()
        return face_frame(0)


@pytest.mark.parametrize(("call", "allowed_s"), [("open", 40), ("read", 10)])
def test_each_call_into_a_driver_has_its_time_before_it_is_left_behind(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, call: str, allowed_s: float
):
    times = SimpleNamespace(monotonic=lambda: clock.since_boot, perf_counter=time.perf_counter)
    monkeypatch.setattr(capture_module, "time", times)
    source = Hangs(call)
    capture = Capture(source=source, stats=StreamStats())
    capture.start()
    first, leave_first = source.hung.get(timeout=30)
    clock.pass_by(allowed_s)
    assert [capture.next(0), capture.next(0)] == [None, None]
    clock.pass_by(0.5)
    assert [capture.next(0), capture.next(0)] == [None, Notice.LOST]
    # That the first one comes back after all does not hide that the next one hangs.
    _, leave = source.hung.get(timeout=30)
    leave_first.set()
    first.join(30)
    clock.pass_by(allowed_s + 0.5)
    assert [capture.next(0), capture.next(0)] == [None, Notice.LOST]
    capture.stop(0)
    leave.set()
    source.hung.get(timeout=30)[1].set()


def test_an_opening_that_never_returns_is_left_behind_too(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(capture_module, "OPEN_S", 0.1)
    release = threading.Event()

    class Stuck(ScriptedSource):
        def open(self) -> None:
            super().open()
            if len(self.opened) == 1:
                release.wait(60)

    _, keep = run(Stuck(face_frame), timeout_s=0.2)
    keep.wait_for(lambda result: bool(result.faces))
    release.set()


def test_a_closing_that_never_returns_is_left_behind_too(run):
    release = threading.Event()

    class Stuck(ScriptedSource):
        def close(self) -> None:
            super().close()
            if len(self.closed) == 1:
                release.wait(60)

    _, keep = run(Stuck(frames_then(40, LOST), face_frame), timeout_s=0.2)
    keep.wait_for(lambda result: any(event.kind == "new" and event.track == 2 for event in result.events))
    release.set()


def test_a_source_that_cannot_be_closed_is_opened_anew_all_the_same(run, caplog):
    class Stuck(ScriptedSource):
        def close(self) -> None:
            super().close()
            raise ValueError("driver bug")

    source = Stuck(frames_then(3, LOST), face_frame)
    _, keep = run(source)
    keep.wait_for(lambda result: bool(result.faces) and len(source.opened) == 2)
    assert "scripted could not be closed" in caplog.text


def test_a_frame_unread_when_the_camera_is_lost_is_no_longer_news():
    slot, frame = FrameSlot(), face_frame(0)
    assert [slot.put(frame), slot.put(frame)] == [0, 1]
    assert [slot.tell_lost(), slot.tell_lost()] == [1, 0]
    assert slot.put(frame) == 0
    slot.tell_ended()
    assert [slot.take(0), slot.take(0), slot.take(0), slot.take(0)] == [Notice.LOST, frame, Notice.ENDED, None]


def test_every_captured_frame_is_processed_or_skipped(run):
    source = ScriptedSource(frames_then(20, LOST), frames_then(20, LOST), face_frame)
    running, keep = run(source)
    keep.wait_for(lambda result: (result.frame or 0) > 60)
    running.finish()
    counts = running.stream.snapshot().counts
    assert counts["captured"] - counts["processed"] - counts["skipped"] in (0, 1)  # one may be left at the end


def test_a_limit_of_frames_a_second_can_be_changed_while_it_runs(run):
    running, keep = run(ScriptedSource(face_frame), fps_limit=4)
    keep.wait_for(lambda result: bool(result.faces))
    times = [result.time_s for result in keep.results]
    assert all(later - before > 0.15 for before, later in pairwise(times)), "the newest frame, four times a second"
    running.stream.fps_limit = None
    keep.wait_for(lambda _: any(later.time_s - before.time_s < 0.1 for before, later in pairwise(keep.results)))


def test_a_camera_that_always_hangs_is_given_up(run):
    release = threading.Event()
    source = ScriptedSource(lambda index: face_frame(index) if index < 3 else release.wait(60) or LOST)
    running, _ = run(source, timeout_s=0.05)
    running.join()
    release.set()
    assert isinstance(running.error, CameraLostError)
    assert "hung 4 times" in str(running.error)
    assert len(source.opened) == 4


def test_wrong_frames_are_dropped_and_counted(run):
    def sometimes(index: int) -> object:
        return face_frame(index) if index % 30 == 0 else SourceError("scripted: half a frame")

    running, keep = run(ScriptedSource(sometimes))
    keep.wait_for(lambda result: bool(result.faces))
    figures = running.stream.snapshot().counts
    assert figures["bad_frames"] >= 29
    assert figures["reconnects"] == 0


@pytest.mark.parametrize("good", [0, 1])
def test_only_wrong_frames_are_a_lost_camera(run, good: int):
    source = ScriptedSource(frames_then(good, SourceError("scripted: garbage")), face_frame)
    running, keep = run(source)
    keep.wait_for(lambda result: bool(result.faces))
    assert len(source.opened) == 2
    assert running.stream.snapshot().counts["bad_frames"] == 30


def test_an_error_nobody_thought_of_is_a_lost_camera_too(run, caplog):
    source = ScriptedSource(lambda index: ValueError("driver bug"), face_frame)
    _, keep = run(source)
    keep.wait_for(lambda result: bool(result.faces))
    assert "Traceback" in caplog.text
    assert "driver bug" in caplog.text


def test_a_camera_that_is_slow_is_not_lost(run):
    source = ScriptedSource(lambda index: time.sleep(0.4) or face_frame(index) if index < 2 else None)
    running, keep = run(source)
    running.join()
    assert [result.state for result in keep.results] == ["ok", "ok"]
    assert len(source.opened) == 1


def test_another_frame_size_starts_over(run):
    _, keep = run(ScriptedSource(lambda index: face_frame(index, 640 if index < 30 else 560)))
    keep.wait_for(lambda result: result.width == 560)
    keep.wait_for(lambda result: any(event.kind == "end" for event in result.events))


def test_black_frames_are_dark(run):
    _, keep = run(
        ScriptedSource(lambda index: Frame(np.zeros((480, 640, 3), np.uint8), time.sleep(0.01) or time.monotonic()))
    )
    assert keep.wait_for(lambda result: result.state == "dark").faces == ()


def test_the_newest_frame_wins_and_ages_are_honest(run):
    class Slow(Keep):
        def write(self, rgb: object, result: FrameResult) -> None:
            super().write(rgb, result)
            time.sleep(0.1)

    slow = Slow()
    running, keep = run(ScriptedSource(face_frame), slow)
    keep.wait_for(lambda result: (result.frame or 0) > 60)
    figures = running.stream.snapshot().counts
    assert figures["skipped"] > 0
    assert figures["captured"] <= figures["processed"] + figures["skipped"] + 2
    frames = [result.frame for result in keep.results]
    assert frames == sorted(set(frames))
    waited = [
        result.timing_ms["age"] - sum(result.timing_ms[name] for name in ("detect", "classify"))
        for result in keep.results
    ]
    assert min(waited) > -1, "an age holds the work that was done"


def test_the_end_is_in_order_and_nothing_stays_open(run):
    source = ScriptedSource(face_frame)
    running, keep = run(source)
    keep.wait_for(lambda result: bool(result.faces))
    running.finish()
    assert keep.results[-1].state == "ended"
    assert [event.kind for event in keep.results[-1].events] == ["end"]
    assert keep.closed == 1
    assert len(source.closed) == len(source.opened) == 1
    assert running.stream.snapshot().state == "ended"


def test_sinks_can_come_and_go_while_it_runs(run):
    running, keep = run(ScriptedSource(face_frame))
    keep.wait_for(lambda result: bool(result.faces))
    late = Keep()
    running.stream.add_sink(late)
    late.wait_for(lambda result: bool(result.faces))
    running.stream.remove_sink(late)
    running.finish()
    assert late.closed == 0


def test_who_is_slow_keeps_results_but_no_pictures(run):
    pictures: list[weakref.ref[Any]] = []

    def read(index: int) -> Frame:
        frame = replace(face_frame(index), rgb=face_frame(index).rgb.copy())
        pictures.append(weakref.ref(frame.rgb))
        return frame

    blocked, kept = Blocked(), []
    running, keep = run(ScriptedSource(read), BackgroundSink(blocked, wait=False, room=1024))
    for number in range(20):
        keep.wait_for(lambda result, number=number: (result.frame or 0) > 2 * number)
        kept.append(running.stream.snapshot())
    # One is being read, one unread, one worked on.
    assert sum(picture() is not None for picture in pictures) <= 3 < len(pictures)
    assert len({snapshot.result.frame for snapshot in kept}) > 4
    blocked.leave.set()


def test_while_a_frame_is_worked_on_the_ones_before_it_are_gone(classifier: Classifier):
    pictures: list[weakref.ref[Any]] = []
    alive: list[int] = []

    def read(index: int) -> Frame:
        frame = replace(face_frame(index), rgb=face_frame(index).rgb.copy())
        pictures.append(weakref.ref(frame.rgb))
        return frame

    class Slow:
        def detect(self, image: object) -> list[Detection]:
            time.sleep(0.05)  # the next ones come meanwhile
            alive.append(sum(picture() is not None for picture in pictures))
            return []

    keep = Keep()
    running = Running(Stream(ScriptedSource(read), Slow(), classifier, sinks=[keep]))
    keep.wait_for(lambda result: (result.frame or 0) > 40)
    running.finish()
    # This one and an unread one; at moments one more, that is being read.
    assert len(alive) > 4 and median(alive) <= 2 and max(alive) <= 3


def test_a_sink_that_breaks_is_left_out_and_the_loop_goes_on(run, caplog, tmp_path: Path):
    class Broken(Keep):
        def write(self, rgb: object, result: FrameResult) -> None:
            raise RuntimeError("sink bug")

    _, keep = run(ScriptedSource(face_frame), BackgroundSink(Broken(), wait=False))
    keep.wait_for(lambda result: (result.frame or 0) > 20 and "sink bug" in caplog.text)  # logged by another thread


def test_nobody_reading_ends_the_stream_quietly(run):
    class Gone(Keep):
        def write(self, rgb: object, result: FrameResult) -> None:
            raise BrokenPipeError

    running, _ = run(ScriptedSource(face_frame), BackgroundSink(Gone(), wait=False))
    running.join()
    assert running.error is None

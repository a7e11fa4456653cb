"""Reads a source in a thread of its own, and gets it back when it is lost: set up, run, tear down, back off, again."""

from __future__ import annotations

import copy
import itertools
import logging
import threading
import time
from dataclasses import replace
from enum import Enum

from edge.errors import CameraLostError, EdgeError, RecordingError, SourceError
from edge.sources.base import Frame, FrameSource
from edge.stream.slot import FrameSlot, Notice
from edge.stream.stats import StreamStats

log = logging.getLogger(__name__)

BACKOFF_FIRST_S = 1.0
BACKOFF_LAST_S = 20.0
DEFAULT_RETRIES = 6  # waits of 1, 2, 4, 8, 16 and 20 s
BAD_FRAMES_MAX = 30  # so many unusable frames in a row are a lost camera
OPEN_S = 30.0  # opening a camera may take longer than a read
HANGS_MAX = 3  # so many calls into a driver that never came back are enough


class Phase(Enum):
    """What a capture is doing."""

    SET_UP = "set up"  # the source is being opened
    RUN = "run"  # it is being read
    TEAR_DOWN = "tear down"  # it is being closed
    BACK_OFF = "back off"  # it was lost, and is opened anew after a wait
    END = "end"  # the recording is over, the capture was stopped, or it gave up: see ``error``


def backoff_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4, 8, 16, 20, 20..."""
    return float(min(BACKOFF_FIRST_S * 2.0 ** min(failures - 1, 30), BACKOFF_LAST_S))


class Capture:
    """Keeps a source going.

    Of a live source the newest frame wins and unread ones are dropped; a recording waits for its reader. A source that
    fails is opened anew (a fresh copy of it), after waits of 1 to 20 s; a call into a driver that never returns is left
    behind with its thread.

    Args:
        source: Not opened yet; copies of it are.
        stats: Where captured, skipped and bad frames and reconnects are counted.
        timeout_s: A live source without a frame for so long is lost.
        retries: Tries in a row to get a lost or absent source back; None for ever, 0 to fail at once.

    Attributes:
        phase: What it is doing.
        error: Why it gave up, or None.
    """

    def __init__(
        self, source: FrameSource, stats: StreamStats, *, timeout_s: float = 5.0, retries: int | None = DEFAULT_RETRIES
    ) -> None:
        self.phase = Phase.SET_UP
        self.error: Exception | None = None
        self._source, self._stats, self._timeout_s, self._retries = source, stats, timeout_s, retries
        self._slot = FrameSlot()
        self._indexes = itertools.count()
        self._failures = 0  # in a row
        self._hangs = 0
        self._due_s: float | None = None  # when the call into the driver that is under way should be back
        self._thread: threading.Thread | None = None  # the one that counts: others were left behind

    def start(self) -> None:
        """Begin to read."""
        self._due_s = None
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    def next(self, timeout_s: float = 0.25) -> Frame | Notice | None:
        """The newest unread frame, or that the source was lost or has ended; None when nothing came in time."""
        item = self._slot.take(timeout_s)
        frozen = self._due_s is not None and time.monotonic() > self._due_s
        if item is None and frozen and self._source.live and self.phase is not Phase.END:
            self._leave_behind()
        return item

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the thread and close the source; a thread that hangs in a driver is left behind."""
        thread, self._thread = self._thread, None
        self._slot.wake()
        if thread is not None:
            thread.join(timeout_s)

    def _leave_behind(self) -> None:
        """The thread hangs in a driver: read with another one."""
        self._hangs += 1
        log.warning("source %s: its driver does not come back; opening it anew", self._source.name)
        if self._hangs > HANGS_MAX:
            self._end(CameraLostError(f"source {self._source.name} hung {self._hangs} times; giving up"))
            self._thread = None
            return
        self._report_loss()
        self.start()

    @property
    def _current(self) -> bool:
        return self._thread is threading.current_thread()

    def _run(self) -> None:
        while self._current:
            source = copy.copy(self._source)
            try:
                self._enter(Phase.SET_UP, OPEN_S)
                source.open()
                self._read(source)
                if self._current:
                    self._end(None)
            except Exception as error:
                if self._current:
                    self._fail(error)
            self._enter(Phase.TEAR_DOWN)
            _close(source)
            if self.phase is Phase.END:
                return
            self._enter(Phase.BACK_OFF)
            self._slot.wait(lambda: not self._current, backoff_s(self._failures))

    def _enter(self, phase: Phase, extra_s: float = 0.0) -> None:
        """A phase begins, or the next read; calls into the driver should be back in time."""
        if self._current and self.phase is not Phase.END:
            self.phase = phase
            self._due_s = None if phase is Phase.BACK_OFF else time.monotonic() + 2 * self._timeout_s + extra_s

    def _read(self, source: FrameSource) -> None:
        """Deliver frames until the recording ends or this thread is no longer the one that counts."""
        bad = 0
        while self._current:
            started = time.perf_counter()
            self._enter(Phase.RUN)
            try:
                frame = source.read(self._timeout_s)
            except (CameraLostError, RecordingError):
                raise
            except SourceError as error:  # an unusable frame; the next may be good
                bad += 1
                self._stats.count("bad_frames")
                if bad >= BAD_FRAMES_MAX:
                    raise
                log.warning("frame dropped: %s", error)
                continue
            if frame is None:
                return
            bad = 0
            self._deliver(frame, (time.perf_counter() - started) * 1000)
            del frame  # or its picture would live on until the next one

    def _deliver(self, frame: Frame, waited_ms: float) -> None:
        if not self._source.live:
            self._slot.wait(lambda: self._slot.empty or not self._current)
            frame = replace(frame, captured_s=time.monotonic())  # a recording's frame is as old as its turn
        if not self._current:
            return
        self._failures = 0
        self._stats.count("captured")
        self._stats.measure(capture=frame.read_ms or waited_ms)
        self._stats.count("skipped", self._slot.put(replace(frame, index=next(self._indexes))))

    def _fail(self, error: Exception) -> None:
        """Something went wrong: the source is lost for a while, or for good."""
        if not isinstance(error, EdgeError):
            log.error("source %s failed", self._source.name, exc_info=error)
        self._failures += 1
        # Waiting installs nothing, and mends no file.
        hopeless = isinstance(error, EdgeError) and not isinstance(error, SourceError)
        hopeless = hopeless or isinstance(error, RecordingError)
        if hopeless or not self._source.live or (self._retries is not None and self._failures > self._retries):
            self._end(error)
            return
        log.warning("%s; trying again in %.0f s", error, backoff_s(self._failures))
        self._report_loss()

    def _report_loss(self) -> None:
        self._stats.count("reconnects")
        self._stats.count("skipped", self._slot.tell_lost())

    def _end(self, error: Exception | None) -> None:
        self.phase, self.error = Phase.END, error
        self._slot.tell_ended()


def _close(source: FrameSource) -> None:
    try:
        source.close()
    except Exception:
        log.exception("source %s could not be closed", source.name)


__all__ = ["Capture", "Phase", "backoff_s"]

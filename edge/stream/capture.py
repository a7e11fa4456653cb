"""Reads a source in a thread of its own, and gets it back when it is lost."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from edge.errors import CameraLostError, EdgeError, RecordingError, SourceError
from edge.sources.base import Frame, FrameSource
from edge.stream.stats import StreamStats

log = logging.getLogger(__name__)

BACKOFF_FIRST_S = 1.0
BACKOFF_LAST_S = 20.0
DEFAULT_RETRIES = 6  # waits of 1, 2, 4, 8, 16 and 20 s
BAD_FRAMES_MAX = 30  # so many unusable frames in a row are a lost camera
OPEN_S = 30.0  # opening a camera may take longer than a read
ABANDONED_MAX = 3  # so many reads that never came back are enough


def backoff() -> Iterator[float]:
    """Waits between tries, in seconds: 1, 2, 4, 8, 16, 20, 20..."""
    wait = BACKOFF_FIRST_S
    while True:
        yield wait
        wait = min(wait * 2, BACKOFF_LAST_S)


class Capture:
    """One frame's worth of memory between a source and its reader.

    Of a live source the newest frame wins and unread ones are dropped; a recording waits for its reader. A source that
    fails is opened anew (a fresh copy of it), after waits of 1 to 20 s; a read that never returns is left behind.

    Args:
        source: Not opened yet; copies of it are.
        stats: Where captured, skipped and bad frames and reconnects are counted.
        timeout_s: A live source without a frame for so long is lost.
        retries: Tries in a row to get a lost or absent source back; None for ever, 0 to fail at once.
    """

    def __init__(
        self, source: FrameSource, stats: StreamStats, *, timeout_s: float = 5.0, retries: int | None = DEFAULT_RETRIES
    ) -> None:
        self.error: Exception | None = None
        self.ended = False
        self.state = "starting"
        self._source = source
        self._stats = stats
        self._timeout_s = timeout_s
        self._retries = retries
        self._waits: Iterator[float] = backoff()
        self._failures = 0
        self._abandoned = 0
        self._captured = 0
        self._lost = False
        self._slot: Frame | None = None
        self._change = threading.Condition()
        self._stopped = False
        self._generation = 0
        self._due_s: float | None = None  # when the call into the driver that is under way should be back
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to read."""
        self._generation += 1
        self._due_s = None
        self._thread = threading.Thread(target=self._run, args=(self._generation,), name="capture", daemon=True)
        self._thread.start()

    def next(self, timeout_s: float = 0.25) -> Frame | None:
        """The newest unread frame, or None: none came in time, or ``ended`` or ``error`` is set.

        Raises:
            CameraLostError: The source's reads stopped returning, again and again.
        """
        with self._change:
            self._change.wait_for(lambda: self._slot or self._lost or self.ended or self._stopped, timeout_s)
            frame, self._slot = self._slot, None
            self._change.notify_all()
            frozen = self._due_s is not None and time.monotonic() > self._due_s
        if frame is None and frozen and self._source.live and not self.ended:
            self._abandon()
        return frame

    def take_loss(self) -> bool:
        """Whether the source was lost since the last call, even if it is back by now."""
        with self._change:
            lost, self._lost = self._lost, False
        return lost

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the thread and close the source; a thread that hangs in a driver is left behind."""
        with self._change:
            self._stopped = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _abandon(self) -> None:
        """The thread hangs in a driver: leave it there and read with another one."""
        self._abandoned += 1
        log.warning("source %s: its driver does not come back; opening it anew", self._source.name)
        if self._abandoned > ABANDONED_MAX:
            self._fail(CameraLostError(f"source {self._source.name} hung {self._abandoned} times; giving up"))
            return
        self.state, self._lost = "reconnecting", True
        self._stats.count("reconnects")
        self.start()

    def _current(self, generation: int) -> bool:
        return not self._stopped and generation == self._generation

    def _expect(self, extra_s: float, generation: int) -> None:
        """A call into the driver begins, which should be back in time."""
        if self._current(generation):
            self._due_s = time.monotonic() + 2 * self._timeout_s + extra_s

    def _run(self, generation: int) -> None:
        while self._current(generation):
            source = copy.copy(self._source)
            try:
                self._expect(OPEN_S, generation)
                source.open()
                self._read(source, generation)
                if self._current(generation):
                    self._end()
                return
            except Exception as error:
                if not self._current(generation):
                    return
                if not isinstance(error, EdgeError):
                    log.exception("source %s failed", source.name)
                if not self._wait_before_retry(error, generation):
                    return
            finally:
                _close(source)

    def _read(self, source: FrameSource, generation: int) -> None:
        """Deliver frames until the recording ends or this thread is no longer the one that counts."""
        bad = 0
        while self._current(generation):
            started = time.perf_counter()
            self._expect(0.0, generation)
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
            self._offer(frame, (time.perf_counter() - started) * 1000, generation)

    def _offer(self, frame: Frame, waited_ms: float, generation: int) -> None:
        with self._change:
            if not self._source.live:
                self._change.wait_for(lambda: self._slot is None or not self._current(generation))
                frame = replace(frame, captured_s=time.monotonic())  # a recording's frame is as old as its turn
            if not self._current(generation):
                return
            if self._slot is not None:
                self._stats.count("skipped")
            self._slot = replace(frame, index=self._captured)
            self._captured += 1
            self._stats.count("captured")
            self._stats.measure(capture=frame.read_ms or waited_ms)
            if self.state != "ok":
                self.state, self._failures, self._waits = "ok", 0, backoff()
            self._change.notify_all()

    def _wait_before_retry(self, error: Exception, generation: int) -> bool:
        """Sleep a back-off; False when it is time to give up."""
        self._failures += 1
        # Waiting installs nothing, and mends no file.
        hopeless = isinstance(error, EdgeError) and not isinstance(error, SourceError)
        hopeless = hopeless or isinstance(error, RecordingError)
        if hopeless or not self._source.live or (self._retries is not None and self._failures > self._retries):
            self._fail(error)
            return False
        wait_s = next(self._waits)
        log.warning("%s; trying again in %.0f s", error, wait_s)
        with self._change:
            self.state, self._lost, self._due_s = "reconnecting", True, None
            self._stats.count("reconnects")
            self._change.notify_all()
            self._change.wait_for(lambda: not self._current(generation), wait_s)
        return self._current(generation)

    def _end(self) -> None:
        with self._change:
            self._change.wait_for(lambda: self._slot is None or self._stopped)
            self.ended = True
            self._change.notify_all()

    def _fail(self, error: Exception) -> None:
        with self._change:
            self.error, self.ended = error, True
            self._change.notify_all()


def _close(source: FrameSource) -> None:
    try:
        source.close()
    except Exception:
        log.exception("source %s could not be closed", source.name)


__all__ = ["Capture", "backoff"]

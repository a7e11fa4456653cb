"""A source that does what a script says, and what tests need to watch a stream."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from edge.errors import CameraLostError, SourceError
from edge.sources.base import Frame, SourceBase
from edge.sources.synthetic import SyntheticSource
from edge.stream import Stream
from edge.types import FrameResult

Read = Callable[[int], Any]  # number of the read, from 0 -> a frame, an exception, or None for the end


class ScriptedSource(SourceBase):
    """Runs one script per opening; an exception in place of a script fails the opening. The last script repeats.

    All its copies share ``opened`` and ``closed`` (counts).
    """

    name, live = "scripted", True

    def __init__(self, *scripts: Read | Exception, live: bool = True) -> None:
        self.live = live
        self._scripts = scripts
        self.opened: list[float] = []
        self.closed: list[float] = []
        self._read: Read = lambda index: None
        self._index = 0

    def open(self) -> None:
        script = self._scripts[min(len(self.opened), len(self._scripts) - 1)]
        self.opened.append(time.monotonic())
        if isinstance(script, Exception):
            raise script
        self._read, self._index = script, 0

    def read(self, timeout_s: float) -> Frame | None:
        answer = self._read(self._index)
        self._index += 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed.append(time.monotonic())


_FACES = SyntheticSource(1, live=False)
_FACES.open()


def face_frame(index: int, width: int = 640) -> Frame:
    """A frame with one drawn face, as a camera at 100 frames a second gives it."""
    time.sleep(0.01)
    rgb = _FACES.picture(index)
    return Frame(rgb if width == 640 else np.ascontiguousarray(rgb[: width * 3 // 4, :width]), time.monotonic())


def frames_then(count: int, then: Exception | None) -> Read:
    """So many frames, then a fault or the end."""
    return lambda index: face_frame(index) if index < count else then


LOST = CameraLostError("scripted: unplugged")
ABSENT = SourceError("scripted: no camera")


class Keep:
    """A sink that keeps results and lets a test wait for one."""

    def __init__(self) -> None:
        self.results: list[FrameResult] = []
        self.pictures = 0
        self.closed = 0
        self._change = threading.Condition()

    def write(self, rgb: Any, result: FrameResult) -> None:
        with self._change:
            self.results.append(result)
            self.pictures += rgb is not None
            self._change.notify_all()

    def reopen(self) -> None:
        pass

    def close(self) -> None:
        self.closed += 1

    def wait_for(self, wanted: Callable[[FrameResult], bool], timeout_s: float = 30.0) -> FrameResult:
        """The first result, past or to come, that is wanted."""

        def first() -> FrameResult | None:
            return next((result for result in self.results if wanted(result)), None)

        with self._change:
            assert self._change.wait_for(lambda: first() is not None, timeout_s), "it did not come"
            found = first()
            assert found is not None
            return found

    @property
    def states(self) -> list[str]:
        """States in order, without repeats."""
        shown: list[str] = []
        for result in self.results:
            if shown[-1:] != [result.state]:
                shown.append(result.state)
        return shown


class Blocked(Keep):
    """A sink that waits for leave before every result."""

    def __init__(self) -> None:
        super().__init__()
        self.leave = threading.Event()

    def write(self, rgb: object, result: FrameResult) -> None:
        self.leave.wait(30)
        super().write(rgb, result)


class Running:
    """A stream in a thread."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self.stop, self.error = stream, threading.Event(), None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.stream.run(self.stop)
        except Exception as error:
            self.error = error

    def finish(self, timeout_s: float = 30.0) -> None:
        self.stop.set()
        self.join(timeout_s)

    def join(self, timeout_s: float = 30.0) -> None:
        self._thread.join(timeout_s)
        assert not self._thread.is_alive()

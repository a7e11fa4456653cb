"""A recording played in real time."""

from __future__ import annotations

import copy
import time
from dataclasses import replace

from edge.sources.base import Frame, FrameSource, SourceBase, frame_rate


class PacedSource(SourceBase):
    """Delivers each frame of a recording when its time comes, like a camera: who is slow misses some.

    Args:
        source: The recording.
    """

    live = True

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self.name = source.name
        self._began_s: float | None = None

    @property
    def fps(self) -> float | None:
        """The recording's frames a second."""
        return frame_rate(self._source)

    def __copy__(self) -> PacedSource:
        return PacedSource(copy.copy(self._source))

    def open(self) -> None:
        """Open the recording; time runs from its first frame."""
        self._source.open()
        self._began_s = None

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, at its time; None at the end."""
        frame = self._source.read(timeout_s)
        if frame is None:
            return None
        if self._began_s is None:
            self._began_s = time.monotonic() - frame.time_s
        time.sleep(max(self._began_s + frame.time_s - time.monotonic(), 0))
        now = time.monotonic()
        return replace(frame, time_s=now, captured_s=now)

    def close(self) -> None:
        """Close the recording."""
        self._source.close()


__all__ = ["PacedSource"]

"""Any source, rotated or flipped."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.sources.base import Frame, FrameSource, SourceBase, frame_rate


class RotatedSource(SourceBase):
    """Flips, then rotates every frame.

    Args:
        source: Where frames come from.
        rotate: Clockwise rotation in degrees: 0, 90, 180 or 270.
        flip: ``none``, ``horizontal``, ``vertical`` or ``both``.
    """

    def __init__(self, source: FrameSource, rotate: int = 0, flip: str = "none") -> None:
        self.name, self.live = source.name, source.live
        self._source, self._rotate, self._flip = source, rotate, flip

    @property
    def fps(self) -> float | None:
        """The source's frames a second."""
        return frame_rate(self._source)

    def __copy__(self) -> RotatedSource:
        return RotatedSource(copy.copy(self._source), self._rotate, self._flip)

    def open(self) -> None:
        """Open the source."""
        self._source.open()

    def read(self, timeout_s: float) -> Frame | None:
        """The source's next frame, rotated and flipped."""
        frame = self._source.read(timeout_s)
        if frame is None:
            return None
        rgb, gray = self._rotated(frame.rgb), None if frame.gray is None else self._rotated(frame.gray)
        return replace(frame, rgb=rgb, gray=gray)

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _rotated(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._flip in ("horizontal", "both"):
            picture = picture[:, ::-1]
        if self._flip in ("vertical", "both"):
            picture = picture[::-1]
        return np.ascontiguousarray(np.rot90(picture, -self._rotate // 90))


__all__ = ["RotatedSource"]

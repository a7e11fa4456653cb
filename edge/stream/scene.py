"""What the picture as a whole does: too dark to see faces, or cut to another scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2

THUMB = (32, 24)  # width, height
BRIGHT = 16  # rank, from the top, of the pixel that stands for the brightest parts
DARK_BELOW, LIGHT_ABOVE = 28.0, 36.0  # luma of the brightest parts, 0 to 255
CUT_BELOW = 0.25  # correlation of two pictures in a row


class Scene:
    """Watches a thumbnail of every frame.

    Attributes:
        dark: The brightest parts of the picture are near black: night, or a covered lens.
        cut: This frame shows something else than the one before.
    """

    def __init__(self) -> None:
        self.dark = False
        self.cut = False
        self._last: NDArray[np.float32] | None = None

    def update(self, gray: NDArray[np.uint8]) -> None:
        """Take in one frame, (H, W) uint8 luma."""
        thumb = cv2.resize(gray[::4], THUMB, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        bright = float(np.partition(thumb, -BRIGHT)[-BRIGHT])
        self.dark = bright < (LIGHT_ABOVE if self.dark else DARK_BELOW)
        pattern = thumb - thumb.mean()
        size = float(np.linalg.norm(pattern))
        pattern /= max(size, 1.0)
        self.cut = self._last is not None and not self.dark and float(pattern @ self._last) < CUT_BELOW
        self._last = None if self.dark or size <= 1 else pattern


__all__ = ["Scene"]

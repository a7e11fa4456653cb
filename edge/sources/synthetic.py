"""Drawn faces that wander through the picture: for demonstrations, tests and long runs without a camera."""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2
from edge.sources.base import Frame, SourceBase

SKIN, SHADE, DARK, LIP = (224, 182, 154), (188, 140, 112), (48, 34, 30), (160, 74, 70)
SPRITE_PX = 240


class SyntheticSource(SourceBase):
    """Faces on smooth paths over a gentle gradient; the same frame number always gives the same picture.

    Args:
        faces: How many, 1 to 4.
        size: Width and height in pixels.
        fps: Frames a second.
        frames: End after so many; None for never.
        live: Deliver in real time, the newest frame winning; False as fast as they are read.
    """

    def __init__(
        self,
        faces: int = 1,
        *,
        size: tuple[int, int] = (640, 480),
        fps: float = 25.0,
        frames: int | None = None,
        live: bool = True,
    ) -> None:
        self.name = "synthetic"
        self.live = live
        self._faces = faces
        self._size = size
        self.fps = fps
        self._frames = frames
        self._next = 0
        self._began_s = 0.0

    def open(self) -> None:
        """Start over at frame 0."""
        self._next = 0
        self._began_s = time.monotonic()
        self._sprites = [draw_face(mouth) for mouth in (0.0, 1.0, -0.8, 0.4)]
        width, height = self._size
        ramp = np.add.outer(np.linspace(60, 110, height), np.linspace(0, 40, width))
        self._background = np.repeat(ramp.astype(np.uint8)[:, :, None], 3, axis=2)

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, when it is time for it."""
        if self._frames is not None and self._next >= self._frames:
            return None
        time_s = self._next / self.fps
        if self.live:
            time.sleep(max(self._began_s + time_s - time.monotonic(), 0))
        started = time.perf_counter()
        rgb = self.picture(self._next)
        self._next += 1
        now = time.monotonic()
        took_ms = (time.perf_counter() - started) * 1000
        return Frame(rgb, now if self.live else time_s, captured_s=now, read_ms=took_ms)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """Frame ``index``: (H, W, 3) uint8 RGB."""
        rgb = self._background.copy()
        for box, sprite in zip(self.boxes(index), self._sprites, strict=False):
            x, y, side = box
            face = cv2.resize(sprite, (side, side), interpolation=cv2.INTER_AREA)
            alpha = face[:, :, 3:].astype(np.float32) / 255
            part = rgb[y : y + side, x : x + side]
            part[:] = part + alpha * (face[:, :, :3].astype(np.float32) - part)
        return rgb

    def boxes(self, index: int) -> list[tuple[int, int, int]]:
        """Where the drawn heads are in frame ``index``: (x, y, side) in pixels."""
        width, height = self._size
        lane = width / self._faces
        time_s = index / self.fps
        places = []
        for number in range(self._faces):
            phase = time_s * 0.5 + number * 1.7
            side = min(lane * 0.72, height * 0.55) * (1 + 0.12 * math.sin(phase * 0.7))
            x = lane * number + (lane - side) * (0.5 + 0.45 * math.sin(phase))
            y = (height - side) * (0.5 + 0.35 * math.cos(phase * 1.3))
            places.append((int(x), int(y), int(side)))
        return places


def draw_face(mouth: float) -> NDArray[np.uint8]:
    """A plain drawn head: (240, 240, 4) uint8 RGBA.

    Args:
        mouth: From -1 (corners down) over 0 (straight) to 1 (a smile).
    """
    image = np.zeros((SPRITE_PX, SPRITE_PX, 4), np.uint8)

    def oval(x: float, y: float, w: float, h: float, color: tuple[int, int, int]) -> None:
        at = round(x * SPRITE_PX), round(y * SPRITE_PX)
        axes = round(w * SPRITE_PX), round(h * SPRITE_PX)
        cv2.ellipse(image, at, axes, 0, 0, 360, (*color, 255), -1, cv2.LINE_AA)

    oval(0.5, 0.44, 0.37, 0.43, DARK)  # hair
    oval(0.5, 0.54, 0.34, 0.44, SKIN)
    for side in (-1, 1):
        oval(0.5 + side * 0.15, 0.445, 0.105, 0.06, SHADE)  # eye socket
        oval(0.5 + side * 0.15, 0.385, 0.09, 0.018, DARK)  # brow
        oval(0.5 + side * 0.15, 0.45, 0.06, 0.028, (235, 235, 235))
        oval(0.5 + side * 0.15, 0.45, 0.03, 0.03, DARK)
        oval(0.5 + side * 0.04, 0.64, 0.02, 0.014, SHADE)  # nostril
        oval(0.5 + side * 0.26, 0.62, 0.05, 0.12, SHADE)  # cheek in the shade
    oval(0.5, 0.54, 0.035, 0.1, (240, 204, 180))  # ridge of the nose
    across = np.linspace(-1, 1, 25)
    line = np.stack([0.5 + 0.14 * across, 0.77 + mouth * 0.05 * (0.5 - across**2)], axis=1) * SPRITE_PX
    cv2.polylines(image, [line.round().astype(np.int32)], False, (*LIP, 255), 9, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 2.2), dtype=np.uint8)


__all__ = ["SyntheticSource", "draw_face"]

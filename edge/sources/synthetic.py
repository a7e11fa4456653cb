"""Drawn faces that wander through the picture and go through all expressions: for a first look, tests and long runs."""

from __future__ import annotations

import math
import time
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2
from edge.sources.base import Frame, SourceBase
from edge.sources.drawn import POSES, draw_face

STAYS_S, MORPH_S, MORPH_STEPS = 5.0, 0.4, 8  # of an expression, and of its way to the next one


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
        for (x, y, side), expression in zip(self.boxes(index), self.expressions(index), strict=True):
            face = cv2.resize(_sprite(*expression), (side, side), interpolation=cv2.INTER_AREA)
            alpha = face[:, :, 3:].astype(np.float32) / 255
            part = rgb[y : y + side, x : x + side]
            part[:] = part + alpha * (face[:, :, :3].astype(np.float32) - part)
        return rgb

    def expressions(self, index: int) -> list[tuple[str, str, int]]:
        """What the drawn heads show in frame ``index``: a label, the next one, and steps of 8 on the way to it."""
        labels, shown = list(POSES), []
        for number in range(self._faces):
            turn, spent_s = divmod(index / self.fps + number * STAYS_S / 2, STAYS_S)
            step = round(MORPH_STEPS * max(0.0, 1 - (STAYS_S - spent_s) / MORPH_S))
            first = int(turn) + 2 * number
            shown.append((labels[first % len(labels)], labels[(first + 1) % len(labels)], step))
        return shown

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


@lru_cache(maxsize=4)  # one a head; with all steps kept it would take 10 MB
def _sprite(label: str, following: str, step: int) -> NDArray[np.uint8]:
    return draw_face(POSES[label].towards(POSES[following], step / MORPH_STEPS))


__all__ = ["SyntheticSource"]

"""Pictures of known size with a known number of drawn faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2
from edge.sources.drawn import POSES, draw_face

COLUMNS, ROWS = 3, 2
_FILL = 0.95  # share of its place that a head takes up


def make_frame(size: tuple[int, int], faces: int) -> NDArray[np.uint8]:
    """A wall with soft light, patches and a camera's noise, and heads in front of it; always the same.

    Args:
        size: Width and height in pixels.
        faces: How many heads, 0 to 6.

    Returns:
        uint8 (height, width, 3) RGB.
    """
    (width, height), head = size, draw_face(POSES["Happy"])
    random = np.random.default_rng(1)
    patches = random.uniform(70, 150, (6, 8, 3)).astype(np.float32)
    frame = np.asarray(cv2.resize(patches, size, interpolation=cv2.INTER_CUBIC), np.float32)
    place_w, place_h = width // COLUMNS, height // ROWS
    scale = _FILL * min(place_h / head.shape[0], place_w / head.shape[1])
    wide, high = round(head.shape[1] * scale), round(head.shape[0] * scale)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(head, (wide, high), interpolation=method), np.float32)
    for number in range(faces):
        row, column = divmod(number, COLUMNS)
        x, y = column * place_w + (place_w - wide) // 2, row * place_h + (place_h - high) // 2
        part = frame[y : y + high, x : x + wide]
        part += small[:, :, 3:] / 255 * (small[:, :, :3] - part)
    frame += random.normal(0, 3, frame.shape).astype(np.float32)
    return frame.clip(0, 255).astype(np.uint8)


__all__ = ["make_frame"]

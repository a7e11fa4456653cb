"""Finds faces in a stream: in the whole picture, or cheaply near where one is expected."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.detector import Detector, HaarDetector
from edge.opencv import cv2
from edge.types import Box

FULL_MIN_PX = 30  # smallest face in the picture that is searched, which is detect_width wide
NEAR_FACE_PX = 60  # near searches scale the expected face to this width
NEAR_MIN_PX = 44
NEAR_PAD = 0.3  # of the face's width, on every side
SAME_FACE = 0.4  # overlap above which two boxes are one face
INSIDE = 0.7  # share of the smaller box above which it lies inside the larger


class FaceSearch:
    """Searches grey frames; boxes are in pixels of the colour frame.

    Args:
        detector: Finds faces in a picture ``width`` wide; None for the Haar cascade, faces from 30 pixels.
        width: Frames wider than this are shrunk to it for full searches.
    """

    def __init__(self, detector: Detector | None = None, *, width: int = 320) -> None:
        self._full: Detector = detector or HaarDetector(scale_factor=1.15, min_neighbors=4, min_size=(FULL_MIN_PX,) * 2)
        self._near: Detector = detector or HaarDetector(scale_factor=1.15, min_neighbors=2, min_size=(NEAR_MIN_PX,) * 2)
        self._width = width

    def full(self, gray: NDArray[np.uint8], size: tuple[int, int]) -> list[Box]:
        """All faces of a frame, largest first.

        Args:
            gray: (h, w) uint8 luma of the frame, of any size.
            size: Width and height of the colour frame.
        """
        shrink = self._width / gray.shape[1]
        if shrink < 1:
            height = max(round(gray.shape[0] * shrink), 1)
            gray = cv2.resize(gray, (self._width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        scale_x, scale_y = size[0] / gray.shape[1], size[1] / gray.shape[0]
        return distinct([_scaled(box, scale_x, scale_y) for box in self._full.detect(gray)])

    def near(self, gray: NDArray[np.uint8], size: tuple[int, int], expected: Box) -> Box | None:
        """The face close to where one is expected, or None. Arguments as for ``full``."""
        to_x, to_y = gray.shape[1] / size[0], gray.shape[0] / size[1]
        pad_x, pad_y = expected.w * NEAR_PAD, expected.h * NEAR_PAD
        left, top = int(max((expected.x - pad_x) * to_x, 0)), int(max((expected.y - pad_y) * to_y, 0))
        right = int(min((expected.x + expected.w + pad_x) * to_x, gray.shape[1]))
        bottom = int(min((expected.y + expected.h + pad_y) * to_y, gray.shape[0]))
        zoom = NEAR_FACE_PX / max(expected.w * to_x, 1)
        width, height = round((right - left) * zoom), round((bottom - top) * zoom)
        if min(width, height) < NEAR_MIN_PX:
            return None
        method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        patch = cv2.resize(gray[top:bottom, left:right], (width, height), interpolation=method).astype(
            np.uint8, copy=False
        )
        scale_x, scale_y = (right - left) / width / to_x, (bottom - top) / height / to_y
        found = [
            Box(round(left / to_x) + box.x, round(top / to_y) + box.y, box.w, box.h)
            for box in (_scaled(box, scale_x, scale_y) for box in self._near.detect(patch))
        ]
        return max(found, key=expected.iou, default=None)


def distinct(boxes: list[Box]) -> list[Box]:
    """Boxes largest first, without those that show a face another one already shows."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.area):
        if not any(_same(box, other) for other in kept):
            kept.append(box)
    return kept


def _same(small: Box, large: Box) -> bool:
    overlap = small.iou(large)
    shared = overlap * (small.area + large.area) / (1 + overlap)
    return overlap > SAME_FACE or shared > INSIDE * min(small.area, large.area)


def _scaled(box: Box, x: float, y: float) -> Box:
    return Box(round(box.x * x), round(box.y * y), round(box.w * x), round(box.h * y))


__all__ = ["FaceSearch", "distinct"]

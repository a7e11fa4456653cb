"""Finds faces in a stream: at times in the whole frame, in between cheaply near where one is expected."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.detector import Detector, HaarDetector
from edge.opencv import cv2
from edge.preprocess import crop_face
from edge.sources.base import Frame
from edge.stream.schedule import Schedule
from edge.stream.tracker import Detection, Track, crowded
from edge.types import Box

FULL_MIN_PX = 30  # smallest face in the picture that is searched, which is detect_width wide
NEAR_FACE_PX = 60  # near searches scale the expected face to this width
NEAR_MIN_PX = 44
NEAR_PAD = 0.3  # of the face's width, on every side
NEAR_EVERY_S = 0.06  # a face that was found so recently is where it is expected
NEAR_MAX = 6  # near searches a frame; with more faces they take turns
SAME_TRACK = 0.3  # overlap above which a box is the face of a track
SAME_FACE = 0.4  # overlap above which two boxes are one face
INSIDE = 0.7  # share of the smaller box above which it lies inside the larger
APPEARANCE_PX = 10

Area = tuple[int, int, int, int]  # left, top, right, bottom


class FaceSearch:
    """Decides what is searched in each frame, and searches it.

    Args:
        detector: Finds faces; None for the Haar cascade, faces from 30 pixels in the picture that is searched.
        width: Frames wider than this are shrunk to it for full searches.
        every: Frames between full searches, or "auto": by measured cost (live), at fixed times (recordings).
        live: Whether frames come from a live source.
    """

    def __init__(
        self,
        detector: Detector | None = None,
        *,
        width: int = 320,
        every: int | Literal["auto"] = "auto",
        live: bool = True,
    ) -> None:
        self._full: Detector = detector or HaarDetector(scale_factor=1.15, min_neighbors=4, min_size=(FULL_MIN_PX,) * 2)
        self._near: Detector = detector or HaarDetector(scale_factor=1.15, min_neighbors=2, min_size=(NEAR_MIN_PX,) * 2)
        self._width = width
        self._schedule = Schedule(every, live=live)

    def search(self, frame: Frame, tracks: Sequence[Track]) -> tuple[list[Detection], list[Track]]:
        """Find the faces of the next frame: a full search when it is due, then near the tracks still missing.

        Args:
            frame: The frame.
            tracks: The faces known so far, where they are expected in this frame.

        Returns:
            The faces found, largest first, and the tracks that were not looked for because they were found a moment
            ago.
        """
        boxes: list[Box] = []
        unsearched: list[Track] = []
        following = bool(tracks) and all(track.seen for track in tracks)
        if self._schedule.due(frame.index, frame.time_s, following):
            started = time.perf_counter()
            boxes = self._search_all(frame)
            self._schedule.searched(frame.index, frame.time_s, time.perf_counter() - started)
        else:
            unsearched = [track for track in tracks if _fresh(track, frame.time_s) and not crowded(track, tracks)]
        missing = [track for track in tracks if track not in unsearched and not _any_is(track.box, boxes)]
        # Longest unsearched first would need a clock of its own; longest unseen first does nearly the same.
        for track in sorted(missing, key=lambda track: track.seen_s)[:NEAR_MAX]:
            box = self._search_near(frame, track.box)
            # What one track finds near where it should be may be the face of another.
            if box is not None and not _any_is(box, [other.box for other in unsearched]):
                boxes.append(box)
        return [Detection(box, appearance(frame.rgb, box)) for box in distinct(boxes)], unsearched

    def restart(self) -> None:
        """Search the whole next frame (the scene changed)."""
        self._schedule.restart()

    def _search_all(self, frame: Frame) -> list[Box]:
        """All faces of a frame, largest first."""
        height, width = frame.luma.shape
        shrink = min(self._width / width, 1.0)
        size = min(self._width, width), max(round(height * shrink), 1)
        return distinct(_detect(self._full, frame, (0, 0, width, height), size))

    def _search_near(self, frame: Frame, expected: Box) -> Box | None:
        """The face close to where one is expected, or None."""
        height, width = frame.luma.shape
        to_x, to_y = width / frame.rgb.shape[1], height / frame.rgb.shape[0]
        pad_x, pad_y = expected.w * NEAR_PAD, expected.h * NEAR_PAD
        left, top = int(max((expected.x - pad_x) * to_x, 0)), int(max((expected.y - pad_y) * to_y, 0))
        right = int(min((expected.x + expected.w + pad_x) * to_x, width))
        bottom = int(min((expected.y + expected.h + pad_y) * to_y, height))
        zoom = NEAR_FACE_PX / max(expected.w * to_x, 1)
        size = round((right - left) * zoom), round((bottom - top) * zoom)
        if min(size) < NEAR_MIN_PX:
            return None
        found = _detect(self._near, frame, (left, top, right, bottom), size)
        return max(found, key=expected.iou, default=None)


def _detect(detector: Detector, frame: Frame, area: Area, size: tuple[int, int]) -> list[Box]:
    """Run a detector on a part of a frame.

    Args:
        detector: Finds the faces.
        frame: The frame.
        area: The part, in pixels of the frame's luma.
        size: Width and height to which it is scaled for the detector.

    Returns:
        Boxes in pixels of the colour frame.
    """
    gray = frame.luma
    to_x, to_y = gray.shape[1] / frame.rgb.shape[1], gray.shape[0] / frame.rgb.shape[0]
    left, top, right, bottom = area
    part = gray[top:bottom, left:right]
    if part.shape[::-1] != size:
        method = cv2.INTER_AREA if size[0] < right - left else cv2.INTER_LINEAR
        part = cv2.resize(part, size, interpolation=method).astype(np.uint8, copy=False)
    x, y = round(left / to_x), round(top / to_y)
    scale_x, scale_y = (right - left) / size[0] / to_x, (bottom - top) / size[1] / to_y
    return [
        Box(x + round(box.x * scale_x), y + round(box.y * scale_y), round(box.w * scale_x), round(box.h * scale_y))
        for box in detector.detect(part)
    ]


def distinct(boxes: list[Box]) -> list[Box]:
    """Boxes largest first, without those that show a face another one already shows."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.area):
        if not any(_same(box, other) for other in kept):
            kept.append(box)
    return kept


def appearance(rgb: NDArray[np.uint8], box: Box) -> NDArray[np.float32]:
    """Appearance embedding of a face: a tiny colour picture of it without its mean, as a unit vector.

    Args:
        rgb: uint8 (H, W, 3).
        box: The face in pixels of ``rgb``.

    Returns:
        float32 (300,).
    """
    size = APPEARANCE_PX, APPEARANCE_PX
    tiny = cv2.resize(crop_face(rgb, box), size, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    tiny -= tiny.mean()
    return tiny / max(float(np.linalg.norm(tiny)), 1e-6)


def _same(small: Box, large: Box) -> bool:
    overlap = small.iou(large)
    shared = overlap * (small.area + large.area) / (1 + overlap)
    return overlap > SAME_FACE or shared > INSIDE * min(small.area, large.area)


def _any_is(box: Box, others: Sequence[Box]) -> bool:
    return any(box.iou(other) > SAME_TRACK for other in others)


def _fresh(track: Track, time_s: float) -> bool:
    return bool(track.number) and track.seen and time_s - track.seen_s < NEAR_EVERY_S


__all__ = ["FaceSearch", "appearance", "distinct"]

"""The search of single pictures: quick where faces are easy to see, thorough where none was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.detectors import Detector
from edge.detectors.haar import HaarDetector
from edge.detectors.view import View, around, distinct, shrunk, turned
from edge.detectors.yunet import YuNetDetector
from edge.opencv import cv2
from edge.types import Detection

QUICK_PX, NEAR_PX, LARGE_PX = 640, 160, 1600  # long side of what is searched
SEEN_PX = 24  # smallest face that YuNet finds well
SMALL_FACE = 0.08  # of the searched picture's long side: where one face is so small, there may be smaller ones
CLOSE_SPAN, CLOSE_PX = 2.0, 96  # a closer look: widths of the face, and pixels
CLEARLY, SCORE_SPAN = 0.1, 0.12  # of scores: level is clearly best; how far below the best a turn still counts
SURELY_DEG = 15.0  # smaller turns are within the error of this measurement
TURNS_DEG = (-40.0, 40.0)
SAME_PLACE = 0.3  # overlap of a face and its closer look


def find_faces(detector: Detector, image: NDArray[np.uint8], min_face: float | None = None) -> list[Detection]:
    """All faces of a single picture.

    YuNet looks at the picture shrunk to 640 pixels; each further step comes only where those before found nothing: 160
    pixels (large, blurred and noisy faces), 1600 (small faces in large pictures; also where all faces were small), both
    of the first on the smoothed picture with its contrast stretched, and turned by 40 degrees to both sides. The
    cascade looks at the picture as it is, or shrunk to 1600 pixels and then as it is; another detector as it is.

    Args:
        detector: Looks for faces.
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        min_face: Smallest face that counts, as a share of the picture's height, 0 to 1: the first search is as fine as
            that needs. None finds faces of 24 pixels in a picture of 640x480, and keeps smaller ones.

    Returns:
        Faces in pixels of ``image``, largest first.
    """
    if isinstance(detector, YuNetDetector):
        found = _first(_yunet_steps(detector, image, _quick_px(image, min_face)))
    elif isinstance(detector, HaarDetector):
        long_side = max(image.shape[:2])
        sizes = (LARGE_PX, long_side) if long_side > LARGE_PX else (long_side,)
        found = _first(_seen(detector, shrunk(image, size)) for size in sizes)
    else:
        found = detector.detect(image)
    least = (min_face or 0.0) * image.shape[0]
    return [face for face in found if face.box.h >= least]


def _quick_px(image: NDArray[np.uint8], min_face: float | None) -> int:
    """Long side at which the smallest face is as large as YuNet needs it."""
    if not min_face:
        return QUICK_PX
    height, width = image.shape[:2]
    return min(max(round(SEEN_PX / (min_face * height) * max(height, width)), NEAR_PX), LARGE_PX)


def _first(steps: Iterator[list[Detection]]) -> list[Detection]:
    return next((found for found in steps if found), [])


def _seen(detector: Detector, view: View) -> list[Detection]:
    return [view.restore(face) for face in detector.detect(view.image)]


def _yunet_steps(detector: YuNetDetector, image: NDArray[np.uint8], quick_px: int) -> Iterator[list[Detection]]:
    long_side = max(image.shape[:2])
    quick = shrunk(image, quick_px)
    found = _seen(detector, quick)
    if long_side > quick_px and found and found[-1].box.w < SMALL_FACE * long_side:
        found = distinct(found + _seen(detector, shrunk(image, LARGE_PX)))
    yield [upright(detector, image, face) or face for face in found]
    near = shrunk(image, NEAR_PX)
    yield [upright(detector, image, face) or face for face in _seen(detector, near)]
    if long_side > quick_px:
        yield [upright(detector, image, face) or face for face in _seen(detector, shrunk(image, LARGE_PX))]
    for view in (quick, near):
        clear = View(stretched(view.image), view.to_picture)
        yield [upright(detector, image, face) or face for face in _seen(detector, clear)]
    found = [face for turn in TURNS_DEG for face in _seen(detector, turned(quick, turn))]
    yield distinct([face for face in (upright(detector, image, face) for face in found) if face])


def upright(detector: Detector, image: NDArray[np.uint8], face: Detection) -> Detection | None:
    """A face with the turn of its head measured; None where a closer look does not show it again.

    YuNet draws the points of a turned face almost as if it were level, but scores it best where it stands upright: so
    it is shown the face turned to both sides, and by smaller steps where level is not clearly best.
    """
    looks = {turn: _look(detector, image, face, turn) for turn in (-40.0, 0.0, 40.0)}
    scores = {turn: look.score or 0.0 if look else 0.0 for turn, look in looks.items()}
    level = looks[0.0]
    if level and scores[0.0] - max(scores[-40.0], scores[40.0]) > CLEARLY:
        return replace(face, roll_deg=level.roll_deg)
    for turn in (-60.0, -20.0, 20.0, 60.0):
        looks[turn] = _look(detector, image, face, turn)
        scores[turn] = (look.score or 0.0) if (look := looks[turn]) else 0.0
    best = max(scores.values())
    if not best:
        return None
    weights = {turn: max(score - best + SCORE_SPAN, 0.0) for turn, score in scores.items()}
    roll_deg = sum(turn * weight for turn, weight in weights.items()) / sum(weights.values())
    if level and abs(roll_deg) < SURELY_DEG:
        return replace(face, roll_deg=level.roll_deg)
    shown = _look(detector, image, face, roll_deg)
    return replace(shown, roll_deg=roll_deg) if shown else None


def _look(detector: Detector, image: NDArray[np.uint8], face: Detection, roll_deg: float) -> Detection | None:
    """The same face as a close view turned by so much shows it."""
    found = _seen(detector, around(image, face.box, CLOSE_SPAN, CLOSE_PX, roll_deg))
    same = [one for one in found if one.box.iou(face.box) > SAME_PLACE]
    return max(same, key=lambda one: one.box.iou(face.box), default=None)


def stretched(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Smoothed against noise, and its contrast stretched tile by tile (CLAHE); grey."""
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.2)
    return np.asarray(cv2.createCLAHE(3.0, (8, 8)).apply(smooth), np.uint8)


__all__ = ["find_faces", "stretched", "upright"]

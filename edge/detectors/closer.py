"""Close-ups of what may be a face: whether it is one, and how far its head is rotated."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.detectors.view import around
from edge.detectors.yunet import YuNetDetector
from edge.types import Detection

SPANS = {96: 2.0, 64: 1.4, 128: 2.0, 192: 2.0, 256: 2.0}  # of close-ups: pixels, and widths of the face
TURN_DEG = 30.0  # from how YuNet draws it, to both sides, and once more to the better one
LOWEST, HIGHEST = 0.3, 0.98  # of scores when they are compared
SURELY_DEG = 15.0  # smaller turns are within the error of this measurement
UPRIGHT_PX = 192, 256  # a head that was rotated upright is clear to see at both
ROTATED = 1.4  # times the threshold: score of one close-up that shows a head rotated
LEVEL_MEAN, UPRIGHT_MEAN = 0.95, 1.66  # times the threshold
CUT = 0.8  # score of a hit that the picture's edge cuts, and which therefore needs no second look
SAME_PLACE = 0.3  # overlap of a face and its close-up


def closer(detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, strict: float = 1.0) -> Detection | None:
    """A face with the rotation of its head measured; None where close-ups do not show one.

    YuNet draws the points of a rotated face almost as if it were level, but scores it best where it stands upright,
    most of all a small one: so it is shown the face rotated to both sides. A rotated face counts by two close-ups of it
    upright. A level one stays where it is at any scale, and what only resembles a face wanders or is gone: it counts by
    the mean of its score and those of its two best close-ups at five scales, these times their cubed overlap with it. A
    clear face that the picture's edge cuts counts as it is, as close-ups do not show what is cut off.

    Args:
        detector: Searches the close-ups.
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        face: A hit, in pixels of ``image``.
        strict: A level face needs so many times the score.
    """
    first, *others = SPANS
    cut = _score(face) >= CUT and face.box.clipped(image.shape[1], image.shape[0]) != face.box
    turns = -TURN_DEG, 0.0, TURN_DEG
    shown = {turn: _close_up(detector, image, face, face.roll_deg + turn, first) for turn in turns}
    best = max(shown, key=lambda turn: _score(shown[turn]))
    if best and shown[best]:
        shown[2 * best] = _close_up(detector, image, face, face.roll_deg + 2 * best, first)
    roll_deg = face.roll_deg + _vertex({turn: _score(close_up) for turn, close_up in shown.items()}, best)
    if abs(roll_deg) >= SURELY_DEG and _score(shown[best]) >= ROTATED * detector.threshold:
        # The box of a rotated face is loose, that of the same face upright is not.
        upright = replace(shown[best] or face, roll_deg=roll_deg, score=face.score)
        scores = [_score(_close_up(detector, image, upright, roll_deg, size)) for size in UPRIGHT_PX]
        if sum(scores) >= UPRIGHT_MEAN * detector.threshold * len(scores):
            return upright
        if not cut:
            return None
    level = shown[0.0] if abs(face.roll_deg) < SURELY_DEG else _close_up(detector, image, face, 0.0, first)
    values, sizes = [_value(level, face)], iter(others)
    while not cut and _score(face) + sum(sorted(values)[-2:]) < 3 * LEVEL_MEAN * strict * detector.threshold:
        if (size := next(sizes, None)) is None:
            return None
        values.append(_value(_close_up(detector, image, face, 0.0, size), face))
    return replace(face, roll_deg=level.roll_deg if level else 0.0)


def _vertex(scores: dict[float, float], best: float) -> float:
    """Where a parabola through the log odds of the best turn and its two neighbours is highest."""
    if not scores[best]:  # not shown again at all
        return 0.0
    limited = (min(max(scores[best + step], LOWEST), HIGHEST) for step in (-TURN_DEG, 0.0, TURN_DEG))
    before, middle, after = (math.log(score / (1 - score)) for score in limited)
    aside = (before - after) / 2 / min(before - 2 * middle + after, -1e-6)
    return best + TURN_DEG * min(max(aside, -1.0), 1.0)


def _score(close_up: Detection | None) -> float:
    return (close_up.score or 0.0) if close_up else 0.0


def _value(close_up: Detection | None, face: Detection) -> float:
    return _score(close_up) * close_up.box.iou(face.box) ** 3 if close_up else 0.0


def _close_up(
    detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, roll_deg: float, size: int
) -> Detection | None:
    """The same face as a close-up rotated by so much shows it."""
    view = around(image, face.box, SPANS[size], size, roll_deg)
    found = [view.restore(one) for one in detector.hits(view.image)]
    return max((one for one in found if one.box.iou(face.box) > SAME_PLACE), key=_score, default=None)


__all__ = ["closer"]

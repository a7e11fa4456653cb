"""Close-ups of what may be a face: whether it is one, and how far its head is rotated."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.detectors.trees import BoostedTrees
from edge.detectors.view import around
from edge.detectors.yunet import YuNetDetector
from edge.types import Detection

SPANS = {96: 2.0, 64: 1.4, 128: 2.0, 192: 2.0, 256: 2.0}  # of close-ups: pixels, and widths of the face
FIRST_PX = 96  # of the close-ups that are always taken
TURN_DEG = 30.0  # from how YuNet draws it, to both sides, and once more to the better one
LOWEST, HIGHEST = 0.3, 0.98  # of scores when turns are compared; the trees' too are at most the second
LEAST = 0.05  # of scores that are features; to change it is to fit the trees anew
SURELY_DEG = 15.0  # smaller turns are within the error of this measurement
UPRIGHT_PX = 192, 256  # a head that was rotated upright is clear to see at both
ROTATED = 1.4  # times the threshold: score of one close-up that shows a head rotated
UPRIGHT_MEAN = 1.66  # times the threshold
PLAIN, PLAIN_OVERLAP, PLAIN_DRIFT = 0.8, 0.6, 0.15  # of a hit and its first close-up: enough to be a face
LIKELY = math.log(0.9 / 0.1)  # log odds of a face, with the usual threshold of 0.5
SMALL_PX = 64  # above this width size tells nothing: all larger faces of the scenes that trees are fitted to have one
SAME_PLACE = 0.3  # overlap of a face and its close-up

Shown = dict[float, Detection | None]  # by degrees of rotation


def closer(detector: YuNetDetector, image: NDArray[np.uint8], face: Detection) -> Detection | None:
    """A face with the rotation of its head measured; None where close-ups do not show one.

    YuNet draws the points of a rotated face almost as if it were level, but scores it best where it stands upright,
    most of all a small one: so it is shown the face rotated to both sides. A rotated face counts by two close-ups of it
    upright, or else like a level one. A level one stays where it is at any scale, with its eyes, nose and mouth, and
    what only resembles a face wanders or is gone: boosted trees weigh close-ups at five scales. A plain face needs but
    one.

    Args:
        detector: Searches the close-ups.
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        face: A hit, in pixels of ``image``.
    """
    shown = _rotated(detector, image, face)
    best = max(shown, key=lambda turn: _score(shown[turn]))
    if best and shown[best]:
        shown[2 * best] = _close_up(detector, image, face, face.roll_deg + 2 * best, FIRST_PX)
    roll_deg = face.roll_deg + _vertex({turn: _score(close_up) for turn, close_up in shown.items()}, best)
    if abs(roll_deg) >= SURELY_DEG and _score(shown[best]) >= ROTATED * detector.threshold:
        # The box of a rotated face is loose, that of the same face upright is not.
        upright = replace(shown[best] or face, roll_deg=roll_deg, score=face.score)
        scores = [_score(_close_up(detector, image, upright, roll_deg, size)) for size in UPRIGHT_PX]
        if sum(scores) >= UPRIGHT_MEAN * detector.threshold * len(scores):
            return upright
    level = _level(detector, image, face, shown)
    sure = replace(face, roll_deg=level.roll_deg if level else 0.0)
    if min(_score(face), _score(level)) >= max(PLAIN, detector.threshold) and _in_place(face, level):
        return sure
    wanted = LIKELY + _log_odds(detector.threshold, LEAST)
    return sure if _trees().log_odds(_features(detector, image, face, level, shown)) >= wanted else None


def features(detector: YuNetDetector, image: NDArray[np.uint8], face: Detection) -> list[float]:
    """The 24 features of a hit by which the trees of :func:`closer` decide, to fit them."""
    shown = _rotated(detector, image, face)
    return _features(detector, image, face, _level(detector, image, face, shown), shown)


def _rotated(detector: YuNetDetector, image: NDArray[np.uint8], face: Detection) -> Shown:
    """The first close-ups, as YuNet draws the face and rotated to both sides."""
    turns = -TURN_DEG, 0.0, TURN_DEG
    return {turn: _close_up(detector, image, face, face.roll_deg + turn, FIRST_PX) for turn in turns}


def _level(detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, shown: Shown) -> Detection | None:
    """The first close-up of the face as a level one."""
    return shown[0.0] if abs(face.roll_deg) < SURELY_DEG else _close_up(detector, image, face, 0.0, FIRST_PX)


def _features(
    detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, level: Detection | None, shown: Shown
) -> list[float]:
    """The log odds of the scores of all close-ups, level and to both sides, and how far the level ones agree."""
    others = (size for size in SPANS if size != FIRST_PX)
    close_ups = [level, *(_close_up(detector, image, face, 0.0, size) for size in others)]
    aside = shown[-TURN_DEG], shown[TURN_DEG]
    agreeing = [_agreement(close_up, face) for close_up in close_ups]
    scores = (_log_odds(_score(close_up), LEAST) for close_up in (*close_ups, *aside))
    width = math.log(min(face.box.w, SMALL_PX))
    return [_log_odds(_score(face), LEAST), width, *scores, *(value for row in agreeing for value in row)]


def _agreement(close_up: Detection | None, face: Detection) -> tuple[float, float, float]:
    """Overlap, mean distance of the five points in widths of the face (at most 0.4), and ratio of sizes (as a log)."""
    if not close_up:
        return 0.0, 0.4, 0.0
    points = zip(close_up.landmarks or (), face.landmarks or (), strict=True)
    drift = sum(math.dist(one, other) for one, other in points) / 5 / face.box.w
    return close_up.box.iou(face.box), min(drift, 0.4), abs(math.log(close_up.box.w / face.box.w))


def _in_place(face: Detection, close_up: Detection | None) -> bool:
    overlap, drift, _ = _agreement(close_up, face)
    return overlap > PLAIN_OVERLAP and drift < PLAIN_DRIFT


def _vertex(scores: dict[float, float], best: float) -> float:
    """Where a parabola through the log odds of the best turn and its two neighbours is highest."""
    if not scores[best]:  # not shown again at all
        return 0.0
    before, middle, after = (_log_odds(scores[best + step], LOWEST) for step in (-TURN_DEG, 0.0, TURN_DEG))
    aside = (before - after) / 2 / min(before - 2 * middle + after, -1e-6)
    return best + TURN_DEG * min(max(aside, -1.0), 1.0)


def _log_odds(score: float, lowest: float) -> float:
    score = min(max(score, lowest), HIGHEST)
    return math.log(score / (1 - score))


def _score(close_up: Detection | None) -> float:
    return (close_up.score or 0.0) if close_up else 0.0


def _close_up(
    detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, roll_deg: float, size: int
) -> Detection | None:
    """The same face as a close-up rotated by so much shows it."""
    view = around(image, face.box, SPANS[size], size, roll_deg)
    found = [view.restore(one) for one in detector.hits(view.image)]
    return max((one for one in found if one.box.iou(face.box) > SAME_PLACE), key=_score, default=None)


@cache
def _trees() -> BoostedTrees:
    return BoostedTrees(Path(__file__).with_suffix(".json"))


__all__ = ["LIKELY", "closer", "features"]

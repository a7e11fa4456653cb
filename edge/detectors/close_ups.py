"""Close-ups of what may be a face, of its halves too, and the numbers by which they count."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.detectors.view import around
from edge.detectors.yunet import YuNetDetector
from edge.types import Box, Detection

SPANS = {96: 2.0, 64: 1.4, 128: 2.0, 192: 2.0, 256: 2.0}  # of close-ups: pixels, and widths of the face
FIRST_PX, HALF_PX = 96, 128  # of the close-ups that are always taken, and of those of a half
TURN_DEG = 30.0  # from how YuNet draws it, to both sides, and once more to the better one
LEAST, HIGHEST = 0.05, 0.98  # of scores that are features; to change one is to fit the trees anew
LEVEL_DEG = 15.0  # smaller turns are within the error of their measurement
SMALL_PX = 64  # above this width size tells nothing: all larger faces of the scenes that trees are fitted to have one
SAME_PLACE = 0.3  # overlap of a face and its close-up
SHOWN = 0.4  # score of the best level close-up, below which halves are not worth a look
HALVES = ((-0.25, False), (0.0, False), (0.0, True), (0.25, True))  # axis, in widths; whether its left side is kept
AXIS = 0.15  # widths by which a face made from a half may stand aside of its axis
WHOLE_SPAN, WHOLE_PX = 3.0, 384  # of the picture in which halves are mirrored: widths of the face, and pixels

Picture = NDArray[np.uint8]


def close_up(detector: YuNetDetector, image: Picture, face: Detection, roll_deg: float, size: int) -> Detection | None:
    """The same face as a close-up of so many pixels, rotated by so much, shows it."""
    view = around(image, face.box, SPANS[size], size, roll_deg)
    found = [view.restore(one) for one in detector.hits(view.image)]
    return max((one for one in found if one.box.iou(face.box) > SAME_PLACE), key=score, default=None)


@dataclass(frozen=True, slots=True)
class CloseUps:
    """The first close-ups of a hit.

    Attributes:
        shown: As YuNet draws the face and rotated to both sides; by degrees of rotation.
        level: As a level face.
    """

    shown: dict[float, Detection | None]
    level: Detection | None


def first_close_ups(detector: YuNetDetector, image: Picture, face: Detection) -> CloseUps:
    """The close-ups that are always taken."""
    turns = -TURN_DEG, 0.0, TURN_DEG
    shown = {turn: close_up(detector, image, face, face.roll_deg + turn, FIRST_PX) for turn in turns}
    is_level = abs(face.roll_deg) < LEVEL_DEG
    return CloseUps(shown, shown[0.0] if is_level else close_up(detector, image, face, 0.0, FIRST_PX))


def features(detector: YuNetDetector, image: Picture, face: Detection, first: CloseUps) -> list[float] | None:
    """The 52 features of a hit by which trees tell faces from others; None where no level close-up shows one.

    24 of the hit, the scores of four faces made from its halves, best first, and the 24 of the best of these.
    """
    own = _features(detector, image, face, first)
    if max(own[2:7]) < log_odds(SHOWN):
        return None
    on_axis = []
    for half, box in halves(image, face.box):
        seen = close_up(detector, half, Detection(box), 0.0, HALF_PX)
        if seen and abs(seen.box.center[0] - box.center[0]) < AXIS * box.w:
            on_axis.append((half, seen))
    on_axis.sort(key=lambda made: -score(made[1]))
    scores = [log_odds(score(seen)) for _, seen in on_axis] + [log_odds(0.0)] * (len(HALVES) - len(on_axis))
    if not on_axis:
        return [*own, *scores, *[0.0] * len(own)]
    half, seen = on_axis[0]
    return [*own, *scores, *_features(detector, half, seen, first_close_ups(detector, half, seen))]


def halves(image: Picture, box: Box) -> Iterator[tuple[Picture, Box]]:
    """Pictures of what a face would be if one of its halves were mirrored onto the other, and where it would be.

    Half a face scores low, and the same half with its mirror image like a face. Few textures do.
    """
    picture = around(image, box, WHOLE_SPAN, WHOLE_PX).image
    width = round(WHOLE_PX / WHOLE_SPAN)
    for axis, left in HALVES:
        made = (picture[:, ::-1] if left else picture).copy()
        middle = WHOLE_PX // 2 + round((-axis if left else axis) * width)
        reach = min(middle, WHOLE_PX - middle)
        made[:, middle - reach : middle] = made[:, middle : middle + reach][:, ::-1]
        yield made, Box(middle - width // 2, (WHOLE_PX - width) // 2, width, width)


def agreement(seen: Detection | None, face: Detection) -> tuple[float, float, float]:
    """Overlap, mean distance of the five points in widths of the face (at most 0.4), and ratio of sizes (as a log)."""
    if not seen:
        return 0.0, 0.4, 0.0
    points = zip(seen.landmarks or (), face.landmarks or (), strict=True)
    drift = sum(math.dist(one, other) for one, other in points) / 5 / face.box.w
    return seen.box.iou(face.box), min(drift, 0.4), abs(math.log(seen.box.w / face.box.w))


def score(seen: Detection | None) -> float:
    """0 to 1; 0 of a close-up that shows no face."""
    return (seen.score or 0.0) if seen else 0.0


def log_odds(value: float, lowest: float = LEAST) -> float:
    """The log odds of a score, which counts as at least the lowest and at most ``HIGHEST``."""
    value = min(max(value, lowest), HIGHEST)
    return math.log(value / (1 - value))


def _features(detector: YuNetDetector, image: Picture, face: Detection, first: CloseUps) -> list[float]:
    """The log odds of the scores of all close-ups, level and to both sides, and how far the level ones agree."""
    others = (size for size in SPANS if size != FIRST_PX)
    level = [first.level, *(close_up(detector, image, face, 0.0, size) for size in others)]
    aside = first.shown[-TURN_DEG], first.shown[TURN_DEG]
    agreeing = [agreement(seen, face) for seen in level]
    scores = (log_odds(score(seen)) for seen in (*level, *aside))
    width = math.log(min(face.box.w, SMALL_PX))
    return [log_odds(score(face)), width, *scores, *(value for row in agreeing for value in row)]


__all__ = ["CloseUps", "agreement", "close_up", "features", "first_close_ups", "halves", "log_odds", "score"]

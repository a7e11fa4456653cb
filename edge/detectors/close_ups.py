"""Close-ups of what may be a face, and the numbers by which they count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.detectors.view import around
from edge.detectors.yunet import YuNetDetector
from edge.types import Box, Detection

SPANS = {96: 2.0, 64: 1.4, 128: 2.0, 192: 2.0, 256: 2.0}  # of close-ups: pixels, and widths of the face
FIRST_PX = 96  # of the close-ups that are always taken
TURN_DEG = 30.0  # from how YuNet draws it, to both sides, and once more to the better one
LEAST, HIGHEST = 0.05, 0.98  # of scores that are features; to change one is to fit the trees anew
LEVEL_DEG = 15.0  # smaller turns are within the error of their measurement
SMALL_PX = 64  # above this width size tells nothing: all larger faces of the scenes that trees are fitted to have one
SAME_PLACE = 0.3  # overlap of a face and its close-up
# Where a part of the picture is compared with faces: aside and down in widths of the hit, and how much wider.
PLACES = (
    (0.0, 0.0, 1.0),
    (-0.2, 0.0, 1.0),
    (0.2, 0.0, 1.0),
    (0.0, -0.2, 1.0),
    (0.0, 0.2, 1.0),
    (0.0, 0.0, 0.8),
    (0.0, 0.0, 1.25),
)
MOVES = 3  # by which a hit may come to where it is most like a face
PLAIN = 0.8  # score of a hit that is where it should be

Picture = NDArray[np.uint8]


def close_up(detector: YuNetDetector, image: Picture, face: Detection, roll_deg: float, size: int) -> Detection | None:
    """The same face as a close-up of it shows it, in pixels of the picture; None where it shows none.

    Args:
        detector: Searches the close-up.
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        face: Where, in pixels of ``image``.
        roll_deg: By how much the head is rotated clockwise, in degrees.
        size: Side of the close-up in pixels, one of ``SPANS``.
    """
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
    """The close-ups that are always taken, of a face in a picture: uint8 (H, W, 3) RGB or (H, W) grey."""
    turns = -TURN_DEG, 0.0, TURN_DEG
    shown = {turn: close_up(detector, image, face, face.roll_deg + turn, FIRST_PX) for turn in turns}
    is_level = abs(face.roll_deg) < LEVEL_DEG
    return CloseUps(shown, shown[0.0] if is_level else close_up(detector, image, face, 0.0, FIRST_PX))


def features(
    detector: YuNetDetector, image: Picture, face: Detection, first: CloseUps, alike: Sequence[float]
) -> list[float]:
    """The 31 numbers of a hit by which trees tell faces from others.

    The log odds of its score, of those of all close-ups, level and to both sides, how far the level ones agree, and how
    much it is like a face.

    Args:
        detector: Searches the close-ups.
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        face: The hit, in pixels of ``image``.
        first: Its first close-ups.
        alike: From :func:`likeness`.
    """
    others = (size for size in SPANS if size != FIRST_PX)
    level = [first.level, *(close_up(detector, image, face, 0.0, size) for size in others)]
    aside = first.shown[-TURN_DEG], first.shown[TURN_DEG]
    agreeing = [agreement(seen, face) for seen in level]
    scores = (log_odds(score(seen)) for seen in (*level, *aside))
    width = math.log(min(face.box.w, SMALL_PX))
    return [log_odds(score(face)), width, *scores, *(value for row in agreeing for value in row), *alike]


def settled(detector: YuNetDetector, image: Picture, face: Detection) -> tuple[Detection, list[float]]:
    """A level hit where it is most like a face, near where it was found, and how much it is like one around there.

    What is left of a face draws its hit aside. One that scores high stays where it is.

    Args:
        detector: Whose network looks at it.
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        face: The hit, in pixels of ``image``.

    Returns:
        The hit, and the log odds of a face at seven places.
    """
    alike = likeness(detector, image, face.box)
    for _ in range(MOVES if score(face) < PLAIN else 0):
        best = alike.index(max(alike))
        if best == 0:
            break
        face = replace(face, box=_place(face.box, *PLACES[best]))
        alike = likeness(detector, image, face.box)
    return face, alike


def likeness(detector: YuNetDetector, image: Picture, box: Box) -> list[float]:
    """How much a level hit is like a face at seven places, the first its own: log odds.

    Args:
        detector: Whose network looks at it.
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        box: Where, in pixels of ``image``.
    """
    return [detector.likeness.log_odds(image, _place(box, *place)) for place in PLACES]


def _place(box: Box, aside: float, down: float, wider: float) -> Box:
    (x, y), side = box.center, wider * box.w
    return Box(round(x + aside * box.w - side / 2), round(y + down * box.w - side / 2), round(side), round(side))


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


__all__ = [
    "CloseUps",
    "agreement",
    "close_up",
    "features",
    "first_close_ups",
    "likeness",
    "log_odds",
    "score",
    "settled",
]

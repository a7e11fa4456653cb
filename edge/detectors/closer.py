"""Close-ups of what may be a face: whether it is one, and how far its head is rotated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from edge.detectors.close_ups import (
    FIRST_PX,
    LEVEL_DEG,
    PLAIN,
    TURN_DEG,
    CloseUps,
    Picture,
    agreement,
    close_up,
    features,
    first_close_ups,
    log_odds,
    score,
    settled,
)
from edge.detectors.trees import BoostedTrees
from edge.detectors.view import around
from edge.detectors.yunet import YuNetDetector
from edge.types import Box, Detection

LOWEST = 0.3  # of scores when turns are compared
UPRIGHT_PX = 192, 256  # a head that was rotated upright is clear to see at both
ROTATED = 1.4  # times the threshold: score of one close-up that shows a head rotated
UPRIGHT_MEAN = 1.66  # times the threshold
ALIKE = 3.0  # log odds of a face where a head is rotated, from which it is weighed like a level one
ENOUGH = 1.5  # log odds of a face, enough for a hit that scores high
AROUND, AROUND_PX = 3.0, 384  # of the picture in which it is upright: widths of the face, and pixels
RESEMBLING = -2.0  # log odds of a face, below which a hit is not looked at again
OVERLAP, DRIFT = 0.6, 0.15  # of a plain hit and its first close-up: enough to be a face


def closer(detector: YuNetDetector, image: Picture, face: Detection) -> Detection | None:
    """A face with the rotation of its head measured; None where close-ups do not show one.

    YuNet draws the points of a rotated face almost as if it were level, but scores it best where it stands upright,
    most of all a small one: so it is shown the face rotated to both sides. A rotated face counts by two close-ups of it
    upright, or else, turned upright, like a level one. A level one stays where it is at any scale, with its eyes, nose
    and mouth, and a small network that has seen many half covered faces takes it for one; what only resembles a face
    wanders or is gone: boosted trees weigh them all. A plain face needs but one close-up.

    Args:
        detector: Searches the close-ups.
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        face: A hit, in pixels of ``image``.
    """
    moved = face
    alike: list[float] = []
    if score(face) < PLAIN:
        moved, alike = settled(detector, image, face)
        turns = (face.roll_deg + turn for turn in (-TURN_DEG, 0.0, TURN_DEG))
        if max(*alike, *(detector.likeness.log_odds(image, face.box, turn) for turn in turns)) < RESEMBLING:
            return None
    first = first_close_ups(detector, image, face)
    shown, level = dict(first.shown), first.level
    best = max(shown, key=lambda turn: score(shown[turn]))
    if best and shown[best]:
        shown[2 * best] = close_up(detector, image, face, face.roll_deg + 2 * best, FIRST_PX)
    roll_deg = face.roll_deg + _vertex({turn: score(seen) for turn, seen in shown.items()}, best)
    if abs(roll_deg) >= LEVEL_DEG:
        # The box of a rotated face is loose, that of the same face upright is not.
        upright = replace(shown[best] or face, roll_deg=roll_deg, score=face.score)
        if score(shown[best]) >= ROTATED * detector.threshold and _clear(detector, image, upright):
            return upright
        is_alike = detector.likeness.log_odds(image, upright.box, roll_deg) >= ALIKE
        if is_alike and _likely_upright(detector, image, upright):
            return upright
    sure_enough = max(PLAIN, detector.threshold)
    if min(score(face), score(level)) >= sure_enough and _in_place(face, level):
        return _level(face, first)
    if moved is not face:
        first = first_close_ups(detector, image, moved)
    alike = alike or settled(detector, image, face)[1]
    # Close-ups do not show a face that fills the picture, whose edge is repeated there.
    if score(face) >= sure_enough and max(alike) >= ENOUGH:
        return _level(face, first)
    return _level(moved, first) if _likely(detector, image, moved, first, alike) else None


def _level(face: Detection, first: CloseUps) -> Detection:
    return replace(face, roll_deg=first.level.roll_deg if first.level else 0.0)


def _clear(detector: YuNetDetector, image: Picture, upright: Detection) -> bool:
    """Whether two larger close-ups show a face well that was rotated upright."""
    scores = [score(close_up(detector, image, upright, upright.roll_deg, size)) for size in UPRIGHT_PX]
    return sum(scores) >= UPRIGHT_MEAN * detector.threshold * len(scores)


def _likely(detector: YuNetDetector, image: Picture, face: Detection, first: CloseUps, alike: Sequence[float]) -> bool:
    """Whether trees take a level hit for a face."""
    # What is likely enough is so with the usual threshold, 0.5.
    wanted = _trees().likely + log_odds(detector.threshold)
    return _trees().log_odds(features(detector, image, face, first, alike)) >= wanted


def _likely_upright(detector: YuNetDetector, image: Picture, upright: Detection) -> bool:
    """Whether trees take a rotated hit for a face, in a picture where it is level."""
    side = round(AROUND_PX / AROUND)
    box = Box((AROUND_PX - side) // 2, (AROUND_PX - side) // 2, side, side)
    level = around(image, upright.box, AROUND, AROUND_PX, upright.roll_deg).image
    face, alike = settled(detector, level, replace(upright, box=box, roll_deg=0.0))
    return _likely(detector, level, face, first_close_ups(detector, level, face), alike)


def _in_place(face: Detection, seen: Detection | None) -> bool:
    overlap, drift, _ = agreement(seen, face)
    return overlap > OVERLAP and drift < DRIFT


def _vertex(scores: dict[float, float], best: float) -> float:
    """Where a parabola through the log odds of the best turn and its two neighbours is highest."""
    if not scores[best]:  # not shown again at all
        return 0.0
    before, middle, after = (log_odds(scores[best + step], LOWEST) for step in (-TURN_DEG, 0.0, TURN_DEG))
    aside = (before - after) / 2 / min(before - 2 * middle + after, -1e-6)
    return best + TURN_DEG * min(max(aside, -1.0), 1.0)


@cache
def _trees() -> BoostedTrees:
    return BoostedTrees(Path(__file__).with_suffix(".json"))


__all__ = ["closer"]

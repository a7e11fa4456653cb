"""Close-ups of what may be a face: whether it is one, and how far its head is rotated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.detectors.view import around
from edge.detectors.yunet import YuNetDetector
from edge.types import Detection

SPAN, CLOSE_PX = 2.0, 96  # widths of the face, and pixels
OTHER_PX = 64, 128, 192, 256  # a face stays where it is at any scale; what only resembles one wanders or is gone
UPRIGHT_PX = 192, 256  # a head that was rotated upright is clear to see at both
CLEARLY, SCORE_SPAN = 0.1, 0.12  # of scores: one turn is clearly best; how far below the best a turn still counts
SURELY_DEG = 15.0  # smaller turns are within the error of this measurement
ROTATED = 1.4  # times the threshold: score of one close-up that shows a head rotated
LEVEL_MEAN, UPRIGHT_MEAN = 0.72, 1.66  # times the threshold
SAME_PLACE = 0.3  # overlap of a face and its close-up


def closer(detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, strict: float = 1.0) -> Detection | None:
    """A face with the rotation of its head measured; None where close-ups do not show one.

    YuNet draws the points of a rotated face almost as if it were level, but scores it best where it stands upright: so
    it is shown the face rotated to both sides, and by smaller steps where level is not clearly best. A level face
    counts by the mean of its score and those of its two best close-ups at five scales, these times their cubed overlap
    with it; a rotated one by two close-ups of it upright.

    Args:
        detector: Searches the close-ups.
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        face: A hit, in pixels of ``image``.
        strict: A level face needs so many times the score.
    """
    close_ups = {turn: _close_up(detector, image, face, turn) for turn in (-40.0, 0.0, 40.0)}
    roll_deg = 0.0
    if _score(close_ups[0.0]) - max(_score(close_ups[-40.0]), _score(close_ups[40.0])) <= CLEARLY:
        close_ups |= {turn: _close_up(detector, image, face, turn) for turn in (-60.0, -20.0, 20.0, 60.0)}
        roll_deg = _best_turn({turn: _score(close_up) for turn, close_up in close_ups.items()})
    level, best = close_ups[0.0], max(map(_score, close_ups.values()))
    rotated = abs(roll_deg) >= SURELY_DEG and best >= ROTATED * detector.threshold
    if rotated and best > _score(level) + CLEARLY:
        sure = _sure_upright(detector, image, face, roll_deg)
    else:
        sure = _sure_level(detector, image, face, _value(level, face), strict)
    if not sure:
        return None
    if rotated:
        return replace(_close_up(detector, image, face, roll_deg) or face, roll_deg=roll_deg)
    return replace(face, roll_deg=level.roll_deg if level else 0.0)


def _sure_upright(detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, roll_deg: float) -> bool:
    scores = [_score(_close_up(detector, image, face, roll_deg, size)) for size in UPRIGHT_PX]
    return sum(scores) >= UPRIGHT_MEAN * detector.threshold * len(scores)


def _sure_level(
    detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, value: float, strict: float
) -> bool:
    values, sizes = [value], iter(OTHER_PX)
    while _score(face) + sum(sorted(values)[-2:]) < 3 * LEVEL_MEAN * strict * detector.threshold:
        if (size := next(sizes, None)) is None:
            return False
        values.append(_value(_close_up(detector, image, face, 0.0, size), face))
    return True


def _best_turn(scores: dict[float, float]) -> float:
    """Mean of the turns in degrees, each by how near its score is to the best."""
    best = max(scores.values())
    weights = {turn: max(score - best + SCORE_SPAN, 0.0) for turn, score in scores.items()}
    return sum(turn * weight for turn, weight in weights.items()) / sum(weights.values())


def _score(close_up: Detection | None) -> float:
    return (close_up.score or 0.0) if close_up else 0.0


def _value(close_up: Detection | None, face: Detection) -> float:
    return _score(close_up) * close_up.box.iou(face.box) ** 3 if close_up else 0.0


def _close_up(
    detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, roll_deg: float, size: int = CLOSE_PX
) -> Detection | None:
    """The same face as a close-up rotated by so much shows it."""
    view = around(image, face.box, SPAN, size, roll_deg)
    found = [view.restore(one) for one in detector.hits(view.image)]
    return max((one for one in found if one.box.iou(face.box) > SAME_PLACE), key=_score, default=None)


__all__ = ["closer"]

"""A closer look at what may be a face: whether it is one, and how far its head is turned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.detectors.view import around
from edge.detectors.yunet import YuNetDetector
from edge.types import Detection

SPAN, LOOK_PX = 2.0, 96  # widths of the face, and pixels
OTHER_PX = 64, 128, 192, 256  # a face stays where it is at any scale; what only resembles one wanders or is gone
UPRIGHT_PX = 192, 256  # a head that was turned upright is clear to see at both
CLEARLY, SCORE_SPAN = 0.1, 0.12  # of scores: one turn is clearly best; how far below the best a turn still counts
SURELY_DEG = 15.0  # smaller turns are within the error of this measurement
TURNED = 1.4  # times the threshold: score of one look that shows a head turned
LEVEL_MEAN, UPRIGHT_MEAN = 0.72, 1.6  # times the threshold
SAME_PLACE = 0.3  # overlap of a face and its closer look


def closer(detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, strict: float = 1.0) -> Detection | None:
    """A face with the turn of its head measured; None where closer looks do not show one.

    YuNet draws the points of a turned face almost as if it were level, but scores it best where it stands upright: so
    it is shown the face turned to both sides, and by smaller steps where level is not clearly best. A level face
    counts by the mean of its score and those of its two best looks at five scales, these times their cubed overlap
    with it; a turned one by two looks at it upright.

    Args:
        detector: Looks.
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        face: A hit, in pixels of ``image``.
        strict: Asks so many times as much of a level face.
    """
    looks = {turn: _look(detector, image, face, turn) for turn in (-40.0, 0.0, 40.0)}
    roll_deg = 0.0
    if _score(looks[0.0]) - max(_score(looks[-40.0]), _score(looks[40.0])) <= CLEARLY:
        looks |= {turn: _look(detector, image, face, turn) for turn in (-60.0, -20.0, 20.0, 60.0)}
        roll_deg = _best_turn({turn: _score(look) for turn, look in looks.items()})
    level, best = looks[0.0], max(map(_score, looks.values()))
    turned = abs(roll_deg) >= SURELY_DEG and best >= TURNED * detector.threshold
    if turned and best > _score(level) + CLEARLY:
        sure = _sure_upright(detector, image, face, roll_deg)
    else:
        sure = _sure_level(detector, image, face, _value(level, face), strict)
    if not sure:
        return None
    if turned:
        return replace(_look(detector, image, face, roll_deg) or face, roll_deg=roll_deg)
    return replace(face, roll_deg=level.roll_deg if level else 0.0)


def _sure_upright(detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, roll_deg: float) -> bool:
    scores = [_score(_look(detector, image, face, roll_deg, size)) for size in UPRIGHT_PX]
    return sum(scores) >= UPRIGHT_MEAN * detector.threshold * len(scores)


def _sure_level(
    detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, value: float, strict: float
) -> bool:
    values, sizes = [value], iter(OTHER_PX)
    while _score(face) + sum(sorted(values)[-2:]) < 3 * LEVEL_MEAN * strict * detector.threshold:
        if (size := next(sizes, None)) is None:
            return False
        values.append(_value(_look(detector, image, face, 0.0, size), face))
    return True


def _best_turn(scores: dict[float, float]) -> float:
    """Mean of the turns in degrees, each by how near its score is to the best."""
    best = max(scores.values())
    weights = {turn: max(score - best + SCORE_SPAN, 0.0) for turn, score in scores.items()}
    return sum(turn * weight for turn, weight in weights.items()) / sum(weights.values())


def _score(look: Detection | None) -> float:
    return (look.score or 0.0) if look else 0.0


def _value(look: Detection | None, face: Detection) -> float:
    return _score(look) * look.box.iou(face.box) ** 3 if look else 0.0


def _look(
    detector: YuNetDetector, image: NDArray[np.uint8], face: Detection, roll_deg: float, size: int = LOOK_PX
) -> Detection | None:
    """The same face as a close view turned by so much shows it."""
    view = around(image, face.box, SPAN, size, roll_deg)
    found = [view.restore(one) for one in detector.hits(view.image)]
    return max((one for one in found if one.box.iou(face.box) > SAME_PLACE), key=_score, default=None)


__all__ = ["closer"]

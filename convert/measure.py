"""How good a converted model is, how near to the trained one, and whether that is near enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from common.metrics import calibration_error, confusion, macro_recall

MOST_POINTS_LOST = 1.0
LEAST_SAME_ANSWER = 0.97


@dataclass(frozen=True, slots=True)
class Score:
    """One model on one set of pictures.

    Attributes:
        accuracy: Share of pictures with the right answer, 0 to 1.
        macro_recall: Mean over the classes of the share found, 0 to 1.
        ece: Expected calibration error, 0 to 1: how far confidence is from being right that often (15 equal bins).
        same_answer: Share of pictures that the trained model answers alike, 0 to 1.
        points_lost: Percentage points of accuracy below the trained model; negative is a gain.
        largest_difference: Largest difference of one probability from the trained model's.
    """

    accuracy: float
    macro_recall: float
    ece: float
    same_answer: float
    points_lost: float
    largest_difference: float

    def rounded(self) -> dict[str, float]:
        """Plain JSON values of four digits."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def score(probabilities: NDArray[np.float32], trained: NDArray[np.float32], labels: NDArray[np.int64]) -> Score:
    """Measure a model's probabilities (N, 5) against labels (N,) and against the trained model's (N, 5)."""
    answers, before = probabilities.argmax(axis=1), trained.argmax(axis=1)
    accuracy = float((answers == labels).mean())
    return Score(
        accuracy=accuracy,
        macro_recall=float(macro_recall(confusion(labels, answers)[None])[0]),
        ece=calibration_error(probabilities, labels),
        same_answer=float((answers == before).mean()),
        points_lost=(float((before == labels).mean()) - accuracy) * 100,
        largest_difference=float(np.abs(probabilities - trained).max()),
    )


def objection(scores: Iterable[tuple[str, Score]]) -> str | None:
    """Why a converted model must not replace the one that is there, or None.

    Args:
        scores: Runtime and what was measured there; each may lose 1 point and change 3 % of answers.
    """
    for runtime, found in scores:
        if found.points_lost > MOST_POINTS_LOST:
            return f"lost {found.points_lost:.2f} points of accuracy in {runtime}; allowed is {MOST_POINTS_LOST:g}"
        if found.same_answer < LEAST_SAME_ANSWER:
            return (
                f"gives {found.same_answer:.2%} of the trained model's answers in {runtime};"
                f" wanted at least {LEAST_SAME_ANSWER:.0%}"
            )
    return None


__all__ = ["LEAST_SAME_ANSWER", "MOST_POINTS_LOST", "Score", "objection", "score"]

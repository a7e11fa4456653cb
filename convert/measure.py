"""How good a converted model is, how near to the trained one, and whether that is near enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

MOST_POINTS_LOST = 1.0
LEAST_SAME_ANSWER = 0.97
ECE_BINS = 15


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
    right = answers == labels
    accuracy = float(right.mean())
    return Score(
        accuracy=accuracy,
        macro_recall=float(np.mean([right[labels == label].mean() for label in np.unique(labels)])),
        ece=_calibration_error(probabilities.max(axis=1), right),
        same_answer=float((answers == before).mean()),
        points_lost=(float((before == labels).mean()) - accuracy) * 100,
        largest_difference=float(np.abs(probabilities - trained).max()),
    )


def _calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    inside = [bins == which for which in np.unique(bins)]
    return float(sum(rows.mean() * abs(confidence[rows].mean() - right[rows].mean()) for rows in inside))


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


__all__ = ["ECE_BINS", "LEAST_SAME_ANSWER", "MOST_POINTS_LOST", "Score", "objection", "score"]

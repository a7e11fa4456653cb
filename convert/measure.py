"""How good a converted model is, how near to the trained one, and whether that is near enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from common.metrics import Z, calibration_error, confusion, macro_recall, wilson
from edge.labels import EMOTIONS

MOST_POINTS_LOST = 1.0
LEAST_SAME_ANSWER = 0.97


@dataclass(frozen=True, slots=True)
class Score:
    """One model on one set of pictures.

    Attributes:
        accuracy: Share of pictures with the right prediction, 0 to 1.
        macro_recall: Mean over the classes of the share found, 0 to 1.
        ece: Expected calibration error, 0 to 1: how far confidence is from being right that often (15 equal bins).
        same_answer: Share of pictures that the trained model classifies alike, 0 to 1.
        points_lost: Percentage points of accuracy below the trained model; negative is a gain.
        least_points_lost: Lower end of the 95 % interval of ``points_lost``, of paired pictures.
        most_same_answer: Upper end of the 95 % interval of ``same_answer``.
        largest_difference: Largest difference of one probability from the trained model's.
    """

    accuracy: float
    macro_recall: float
    ece: float
    same_answer: float
    points_lost: float
    largest_difference: float
    least_points_lost: float
    most_same_answer: float

    def rounded(self) -> dict[str, float]:
        """Plain JSON values of four digits, without the intervals' ends."""
        kept = {name: value for name, value in asdict(self).items() if not name.startswith(("least_", "most_"))}
        return {name: round(value, 4) for name, value in kept.items()}


def score(probabilities: NDArray[np.float32], trained: NDArray[np.float32], labels: NDArray[np.int64]) -> Score:
    """Measure a model's probabilities (N, 5) against labels (N,) and against the trained model's (N, 5)."""
    predictions, before = probabilities.argmax(axis=1), trained.argmax(axis=1)
    accuracy = float((predictions == labels).mean())
    lost = (before == labels).astype(float) - (predictions == labels)  # 1 lost, -1 gained, 0 neither
    return Score(
        accuracy=accuracy,
        macro_recall=float(macro_recall(confusion(labels, predictions)[None])[0]),
        ece=calibration_error(probabilities, labels),
        same_answer=float((predictions == before).mean()),
        points_lost=(float((before == labels).mean()) - accuracy) * 100,
        largest_difference=float(np.abs(probabilities - trained).max()),
        least_points_lost=float(lost.mean() - Z * lost.std() / len(lost) ** 0.5) * 100,
        most_same_answer=wilson(int((predictions == before).sum()), len(predictions)).high,
    )


def objection(scores: Iterable[tuple[str, Score]]) -> str | None:
    """Why a converted model must not replace the one that is there, or None.

    A handful of pictures more or less is chance: a loss of over 1 point counts where its 95 % interval excludes zero,
    changed predictions where the interval of their share does not reach 97 %.

    Args:
        scores: Runtime and what was measured there.
    """
    for runtime, found in scores:
        if found.points_lost > MOST_POINTS_LOST and found.least_points_lost > 0:
            return (
                f"lost {found.points_lost:.2f} points of accuracy in {runtime}, at least {found.least_points_lost:.2f}"
                f" beyond chance; allowed is {MOST_POINTS_LOST:g}"
            )
        if found.most_same_answer < LEAST_SAME_ANSWER:
            return (
                f"gives {found.same_answer:.2%} of the trained model's predictions in {runtime};"
                f" wanted at least {LEAST_SAME_ANSWER:.0%}"
            )
    return None


def only_class(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> str | None:
    """The emotion that a model predicts for every picture although ``labels`` (N,) name several, or None."""
    predicted = np.unique(probabilities.argmax(axis=1))
    return EMOTIONS[predicted[0]] if len(predicted) == 1 and len(np.unique(labels)) > 1 else None


__all__ = ["LEAST_SAME_ANSWER", "MOST_POINTS_LOST", "Score", "objection", "only_class", "score"]

"""How good predictions are: accuracy, recall, calibration and confusion, with 95 % intervals. Needs numpy alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.labels import EMOTIONS

CLASSES = len(EMOTIONS)
ECE_BINS = 15
RESAMPLES = 2000
Z = 1.959964  # two-sided 95 % of the normal distribution


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured share, 0 to 1, and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class: how often its name was right, how many of its pictures were found, and how many there are."""

    precision: Estimate
    recall: Estimate
    f1: Estimate
    pictures: int


@dataclass(frozen=True, slots=True)
class Score:
    """One model on one set of pictures.

    Attributes:
        pictures: How many.
        accuracy: Share predicted right, Wilson's interval.
        macro_recall: Mean of the classes' recalls, bootstrap interval.
        ece: Expected calibration error, 0 to 1, over 15 equal bins of confidence.
        classes: One a class: precision and recall with Wilson's interval, F1 with a bootstrap interval.
        confusion: Pictures by true class (row) and predicted class (column), in the order of EMOTIONS.
    """

    pictures: int
    accuracy: Estimate
    macro_recall: Estimate
    ece: float
    classes: dict[str, ClassScore]
    confusion: list[list[int]]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values of five digits."""
        return rounded(asdict(self))


def score(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> Score:
    """Measure predictions against labels.

    Args:
        probabilities: (N, 5), the most probable class is the prediction.
        labels: (N,), index of the right class.
    """
    table = confusion(labels, probabilities.argmax(axis=1))
    drawn = np.random.default_rng(0).multinomial(table.sum(), table.ravel() / table.sum(), RESAMPLES)
    draws = drawn.reshape(RESAMPLES, CLASSES, CLASSES)
    found, actual, predicted = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    f1, f1_draws = _f1(table[np.newaxis])[0], _f1(draws)
    classes = {
        name: ClassScore(
            wilson(found[i], predicted[i]), wilson(found[i], actual[i]), _between(f1[i], f1_draws[:, i]), int(actual[i])
        )
        for i, name in enumerate(EMOTIONS)
    }
    return Score(
        pictures=int(table.sum()),
        accuracy=wilson(found.sum(), table.sum()),
        macro_recall=_between(macro_recall(table[np.newaxis])[0], macro_recall(draws)),
        ece=calibration_error(probabilities, labels),
        classes=classes,
        confusion=table.tolist(),
    )


def confusion(labels: NDArray[np.int64], predictions: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 (5, 5): how many pictures of each true class (row) was predicted as each (column)."""
    return np.bincount(labels * CLASSES + predictions, minlength=CLASSES**2).reshape(CLASSES, CLASSES)


def wilson(hits: int, trials: int) -> Estimate:
    """A share with Wilson's score interval, which stays sensible near 0 and 1; 0 of 0 is anything from 0 to 1."""
    if not trials:
        return Estimate(0.0, 0.0, 1.0)
    share, weight = hits / trials, Z**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    half = Z * np.sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    return Estimate(float(share), float(max(middle - half, 0)), float(min(middle + half, 1)))


def calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """How far confidence is from being right that often, as a mean over the pictures."""
    _, confidence, right, count = reliability(probabilities, labels)
    return float(np.sum(count * np.abs(confidence - right)) / count.sum())


def reliability(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], bins: int = ECE_BINS
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Confidence against being right, in equal bins of confidence.

    Returns:
        (bins,) each: the bin's lower edge, mean confidence, share predicted right, pictures; an empty bin has zeros.
    """
    sure = probabilities.max(axis=1)
    which = np.minimum((sure * bins).astype(int), bins - 1)
    count = np.bincount(which, minlength=bins)
    filled = np.maximum(count, 1)
    right = probabilities.argmax(axis=1) == labels
    confidence = np.bincount(which, weights=sure, minlength=bins) / filled
    return np.arange(bins) / bins, confidence, np.bincount(which, weights=right, minlength=bins) / filled, count


def rounded(tree: Any, digits: int = 5) -> Any:
    """The same tree with its floats rounded, for JSON."""
    if isinstance(tree, dict):
        return {key: rounded(value, digits) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [rounded(value, digits) for value in tree]
    return round(float(tree), digits) if isinstance(tree, (float, np.floating)) else tree


def macro_recall(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of the classes' recalls, over the classes that have pictures: confusion tables (M, 5, 5) -> (M,)."""
    actual = tables.sum(axis=2)
    recall = np.diagonal(tables, axis1=1, axis2=2) / np.maximum(actual, 1)
    return recall.sum(axis=1) / (actual > 0).sum(axis=1)


def _between(value: float, draws: NDArray[np.float64]) -> Estimate:
    low, high = np.quantile(draws, (0.025, 0.975))
    return Estimate(float(value), float(low), float(high))


def _f1(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    """(M, 5, 5) -> (M, 5)."""
    both = tables.sum(axis=1) + tables.sum(axis=2)
    return 2 * np.diagonal(tables, axis1=1, axis2=2) / np.maximum(both, 1)


__all__ = [
    "ECE_BINS",
    "ClassScore",
    "Estimate",
    "Score",
    "calibration_error",
    "confusion",
    "macro_recall",
    "reliability",
    "rounded",
    "score",
    "wilson",
]

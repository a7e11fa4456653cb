"""Figures against ones worked out by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from common.metrics import calibration_error, reliability, score, wilson
from edge.labels import EMOTIONS


def answers(seed: int = 0, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 5, count)
    probabilities = random.dirichlet(np.ones(5), count) + np.eye(5)[labels] * 0.4
    return (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32), labels


def test_figures_are_those_of_scikit_learn() -> None:
    probabilities, labels = answers()
    found, told = score(probabilities, labels), probabilities.argmax(axis=1)
    precision, recall, f1, count = precision_recall_fscore_support(labels, told, labels=range(5))
    for i, name in enumerate(EMOTIONS):
        mine = found.classes[name]
        assert (mine.precision.value, mine.recall.value) == pytest.approx((precision[i], recall[i]))
        assert (mine.f1.value, mine.pictures) == pytest.approx((f1[i], count[i]))
    assert found.accuracy.value == pytest.approx((told == labels).mean())
    assert found.macro_recall.value == pytest.approx(recall.mean())
    assert found.confusion == confusion_matrix(labels, told).tolist()


def test_intervals_hold_the_value_and_shrink_with_more_pictures() -> None:
    few, many = (score(*answers(count=count)) for count in (100, 10_000))
    for found in (few, many):
        estimates = [found.accuracy, found.macro_recall]
        estimates += [getattr(c, part) for c in found.classes.values() for part in ("precision", "recall", "f1")]
        assert all(0 <= e.low <= e.value <= e.high <= 1 for e in estimates)
    assert many.macro_recall.high - many.macro_recall.low < 0.2 * (few.macro_recall.high - few.macro_recall.low)


def test_wilson_is_the_published_interval() -> None:
    # Newcombe (1998), table I: 81 of 263, and 0 of 20.
    assert (wilson(81, 263).low, wilson(81, 263).high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (wilson(0, 20).low, wilson(0, 20).high) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0, 1)


def test_calibration_error_is_the_gap_between_confidence_and_being_right() -> None:
    sure = np.array([[0.9, 0.1, 0, 0, 0]] * 10, np.float32)
    assert calibration_error(sure, np.array([0] * 9 + [1])) == pytest.approx(0, abs=1e-6)
    assert calibration_error(sure, np.array([0] * 5 + [1] * 5)) == pytest.approx(0.4)
    edges, confidence, right, count = reliability(sure, np.array([0] * 5 + [1] * 5))
    assert (count.sum(), count[13], confidence[13], right[13]) == pytest.approx((10, 10, 0.9, 0.5))
    assert edges[13] == pytest.approx(13 / 15)


def test_a_class_that_is_not_there_does_not_count() -> None:
    found = score(np.eye(5, dtype=np.float32)[[0, 0, 1]], np.array([0, 0, 1]))
    assert found.macro_recall.value == 1
    assert found.classes["Sad"].pictures == 0
    assert found.to_dict()["classes"]["Sad"]["recall"] == {"value": 0.0, "low": 0.0, "high": 1.0}

"""The figures that decide whether a conversion passes, on cases worked out by hand."""

import numpy as np
import pytest

from convert.measure import LEAST_SAME_ANSWER, MOST_POINTS_LOST, objection, only_class, score


def answers(*classes: int, confidence: float = 1.0) -> np.ndarray:
    rows = np.full((len(classes), 5), (1 - confidence) / 4, np.float32)
    rows[np.arange(len(classes)), classes] = confidence
    return rows


def test_a_model_against_itself_loses_nothing():
    found = score(answers(0, 1, 2, 2), answers(0, 1, 2, 2), np.array([0, 1, 2, 3]))
    assert found.accuracy == 0.75
    assert found.macro_recall == 0.75
    assert (found.points_lost, found.same_answer, found.largest_difference) == (0, 1, 0)
    assert found.ece == pytest.approx(0.25)


def test_macro_recall_counts_each_class_alike():
    labels = np.array([0] * 9 + [1])
    found = score(answers(*[0] * 10), answers(*[0] * 10), labels)
    assert found.accuracy == 0.9
    assert found.macro_recall == 0.5


def test_calibration_error_weighs_the_bins():
    # Half of the pictures at confidence 0.9 and all right, half at 0.6 and half right: errors 0.1 and 0.1.
    rows = np.concatenate([answers(0, 0, 0, 0, confidence=0.9), answers(0, 0, 1, 1, confidence=0.6)])
    found = score(rows, rows, np.zeros(8, np.int64))
    assert found.ece == pytest.approx(0.1, abs=1e-6)


def test_points_lost_and_same_answer():
    trained, converted = answers(0, 1, 2, 3), answers(0, 1, 2, 4)
    found = score(converted, trained, np.array([0, 1, 2, 3]))
    assert found.points_lost == pytest.approx(25)
    assert found.same_answer == 0.75
    assert found.largest_difference == 1
    assert score(trained, converted, np.array([0, 1, 2, 3])).points_lost == pytest.approx(-25)


@pytest.mark.parametrize(
    ("changed", "right_before", "passes"),
    [(0, True, True), (9, True, True), (11, True, False), (29, False, True), (31, False, True), (45, False, False)],
)
def test_the_gate_stands_at_1_point_and_97_percent(changed, right_before, passes):
    """Of 1000 answers some change: to wrong ones (points are lost), or from wrong to wrong (only answers differ)."""
    labels = np.zeros(1000, np.int64)
    trained = answers(*([0] * 1000 if right_before else [1] * 1000))
    converted = trained.copy()
    converted[:changed] = answers(2)
    why = objection([("some runtime 1.0", score(converted, trained, labels))])
    assert (why is None) == passes
    if why:
        assert "some runtime 1.0" in why
        limit = f"allowed is {MOST_POINTS_LOST:g}" if right_before else f"wanted at least {LEAST_SAME_ANSWER:.0%}"
        assert limit in why


def test_one_bad_runtime_is_enough():
    labels, good = np.zeros(10, np.int64), answers(*[0] * 10)
    fine, bad = score(good, good, labels), score(answers(*[1] * 10), good, labels)
    assert objection([("old", fine), ("new", bad)]).startswith("lost 100.00 points")


@pytest.mark.parametrize(
    ("pictures", "lost", "passes"), [(60, 1, True), (300, 4, False), (60, 6, False), (10, 10, False)]
)
def test_what_a_few_pictures_lose_by_chance_is_no_loss(pictures, lost, passes):
    labels, trained = np.zeros(pictures, np.int64), answers(*[0] * pictures)
    converted = trained.copy()
    converted[:lost] = answers(2)
    assert (objection([("old", score(converted, trained, labels))]) is None) == passes


def test_losses_and_gains_together_are_chance():
    """Of 60 pictures 5 are lost and 4 gained: over 1 point, and well within what pictures drawn anew would give."""
    labels = np.zeros(60, np.int64)
    trained, converted = answers(*[0] * 56, *[1] * 4), answers(*[1] * 5, *[0] * 55)
    found = score(converted, trained, labels)
    assert found.points_lost == pytest.approx(100 / 60)
    assert found.least_points_lost < 0


def test_a_model_that_predicts_one_class_is_named():
    labels = np.array([0, 1, 2])
    assert only_class(answers(1, 1, 1), labels) == "Happy"
    assert only_class(answers(1, 1, 2), labels) is None
    assert only_class(answers(1, 1, 1), np.array([1, 1, 1])) is None

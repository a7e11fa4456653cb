"""The trees by which close-ups count as a face."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.closer_trees import fitted, written
from edge.detectors.trees import BoostedTrees


def test_log_odds_are_those_of_the_library_that_fitted_the_trees(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(400, 5))
    y = (x[:, 0] * x[:, 1] > 0.2) | (x[:, 2] > 1)
    model = fitted(x, y)
    (tmp_path / "trees.json").write_text(json.dumps(written(model)))
    trees = BoostedTrees(tmp_path / "trees.json")
    samples = random.normal(size=(200, 5))
    odds = [trees.log_odds(row) for row in samples.tolist()]
    assert odds == pytest.approx(model.decision_function(samples), abs=1e-3)
    assert min(odds) < 0 < max(odds)


def test_a_branch_that_is_a_leaf_has_one_value(tmp_path: Path) -> None:
    x, y = np.arange(40.0).reshape(-1, 1), np.arange(40) > 30
    (tmp_path / "trees.json").write_text(json.dumps(written(fitted(x, y))))
    trees = BoostedTrees(tmp_path / "trees.json")
    assert [trees.log_odds([value]) > 0 for value in (0.0, 29.0, 32.0, 39.0)] == [False, False, True, True]

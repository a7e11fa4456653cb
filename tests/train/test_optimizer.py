"""How far a step goes in each epoch."""

import keras
import numpy as np
import pytest

from train.fit import make_optimizer
from train.recipe import Recipe


def rates(**settings: object) -> np.ndarray:
    """Learning rate of every step of 10 epochs of 20 batches."""
    optimizer = make_optimizer(Recipe(epochs=10, learning_rate=1e-2, **settings), 20)
    read = []
    for step in range(200):
        optimizer.iterations.assign(step)
        read.append(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    return np.array(read)


def test_the_rate_rises_over_a_twentieth_and_falls_to_near_zero() -> None:
    read = rates()
    assert (np.diff(read[:11]) > 0).all()
    assert read[0] == pytest.approx(5e-4)
    assert read[10] == pytest.approx(1e-2)
    assert (np.diff(read[10:]) < 0).all()
    assert read[-1] < 1e-4


def test_the_described_recipe_changes_its_rate_on_a_plateau_only() -> None:
    assert rates(described=True) == pytest.approx(1e-2)

"""How far a step goes in each epoch, and what is kept of all steps."""

import keras
import numpy as np
import pytest

from train.fit import make_optimizer
from train.recipe import Recipe


def rates(schedule: str) -> np.ndarray:
    """Learning rate of every step of 10 epochs of 20 batches."""
    optimizer = make_optimizer(Recipe(epochs=10, warmup=0.1, learning_rate=1e-2, schedule=schedule), 20)
    read = []
    for step in range(200):
        optimizer.iterations.assign(step)
        read.append(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    return np.array(read)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_the_rate_rises_over_the_share_that_is_warm_up(schedule):
    warming = rates(schedule)[:21]
    assert (np.diff(warming) > 0).all()
    assert warming[0] == pytest.approx(5e-4)
    assert warming[-1] == pytest.approx(1e-2)


def test_a_cosine_ends_near_zero_and_a_constant_where_it_was():
    after = rates("cosine")[20:]
    assert (np.diff(after) < 0).all()
    assert after[-1] < 1e-4
    assert rates("constant")[20:] == pytest.approx(1e-2)


def test_averaged_weights_are_those_of_all_steps_the_last_ones_most():
    optimizer = make_optimizer(Recipe(optimizer="adam", schedule="plateau", learning_rate=1.0, average=0.75), 1)
    weight = keras.Variable(0.0)
    seen = []
    for _ in range(6):
        optimizer.apply([keras.ops.ones(())], [weight])
        seen.append(float(weight.numpy()))
    mean = seen[0]
    for value in seen[1:]:
        mean = 0.75 * mean + 0.25 * value
    optimizer.finalize_variable_values([weight])
    assert seen[-1] < mean < seen[0]
    assert float(weight.numpy()) == pytest.approx(mean, rel=1e-5)

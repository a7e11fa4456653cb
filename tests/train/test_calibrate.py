"""Calibration of a network whose right confidences are known."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray

from train.calibrate import calibrate
from train.networks import predict

SURE = 6.0  # the true logits are so many times the five pixels of a picture


def network(scale: float) -> keras.Model:
    """Logits of so many times the five pixels."""
    image = keras.Input((1, 5, 3))
    pixels = layers.Reshape((5,))(layers.Conv2D(1, 1, kernel_initializer=keras.initializers.Constant(1 / 3))(image))
    logits = layers.Dense(5, kernel_initializer=keras.initializers.Identity(scale), name="logits")(pixels)
    return keras.Model(image, layers.Softmax(name="probabilities")(logits))


@pytest.fixture(scope="module")
def faces() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures labelled at random as the true probabilities say."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6000, 1, 5, 1), dtype=np.uint8)
    shares = predict(network(SURE), images)
    return images, np.array([rng.choice(5, p=row / row.sum()) for row in shares.astype(float)])


def test_the_temperature_is_what_confidences_were_too_high_by(faces: tuple[NDArray, NDArray]) -> None:
    images, labels = faces
    model = network(2 * SURE)
    before = predict(model, images)
    temperature = calibrate(model, images, labels, np.ones(len(labels)))
    assert temperature == pytest.approx(2, abs=0.1)
    after = predict(model, images)
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()
    right = (after.argmax(axis=1) == labels).mean()
    assert after.max(axis=1).mean() == pytest.approx(right, abs=0.01)
    assert before.max(axis=1).mean() > right + 0.05


def test_pictures_count_by_their_weights(faces: tuple[NDArray, NDArray]) -> None:
    images, labels = faces
    wrong = (labels + 1) % 5
    both = np.concatenate([images, images]), np.concatenate([labels, wrong])
    mostly_right = np.concatenate([np.ones(len(labels)), np.full(len(labels), 0.01)])
    assert calibrate(network(SURE), *both, mostly_right) < 1.2
    assert calibrate(network(SURE), *both, np.ones(2 * len(labels))) > 2

"""Calibration of a network whose right confidences are known."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers
from numpy.typing import NDArray

from train.calibrate import calibrate, cross_entropy
from train.data import Faces

EVEN = np.full(5, 0.2)
SURE = 6.0  # the true logits are so many times the five pixels of a picture


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def network(scale: float) -> keras.Model:
    """Logits of so many times the five pixels."""
    image = keras.Input((1, 5, 3))
    pixels = layers.Reshape((5,))(layers.Conv2D(1, 1, kernel_initializer=keras.initializers.Constant(1 / 3))(image))
    logits = layers.Dense(5, kernel_initializer=keras.initializers.Identity(scale), name="logits")(pixels)
    return keras.Model(image, layers.Softmax()(logits))


@pytest.fixture(scope="module")
def faces() -> Faces:
    """Pictures labelled at random as the true probabilities say; people agree where those are high."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6000, 1, 5, 1), dtype=np.uint8)
    shares = softmax(SURE * images.reshape(-1, 5) / 255)
    labels = np.array([rng.choice(5, p=row) for row in shares])
    agreed = (shares.max(axis=1) > 0.5) & (shares.argmax(axis=1) == labels)
    targets = np.eye(5, dtype=np.float32)[labels]
    return Faces(images, targets, labels, agreed, tuple(map(str, labels)), np.zeros_like(targets))


def alone(faces: Faces, agreed: bool) -> Faces:
    """The same pictures as if people agreed on all of them, or on none."""
    return dataclasses.replace(faces, majority=np.full(len(faces.labels), agreed))


@pytest.mark.parametrize("agreed", [True, False])
def test_the_temperature_is_what_confidences_were_too_high_by(faces: Faces, agreed: bool) -> None:
    model = network(2 * SURE)
    temperature, offsets = calibrate(model, alone(faces, agreed), EVEN, 0.0)
    assert temperature == pytest.approx(2, abs=0.1)
    assert offsets == [0] * 5
    kernel, _ = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(kernel, np.eye(5) * 2 * SURE / temperature, rtol=1e-5)


def test_pictures_that_people_agree_on_are_counted_again(faces: Faces) -> None:
    clear = faces.pick(np.flatnonzero(faces.majority))
    of_all, _ = calibrate(network(SURE), alone(faces, agreed=False), EVEN, 0.0)
    of_clear, _ = calibrate(network(SURE), clear, EVEN, 0.0)
    of_both, _ = calibrate(network(SURE), faces, EVEN, 0.0)
    assert of_clear < of_both < of_all


def test_rare_classes_gain_and_the_sum_of_logits_stays(faces: Faces) -> None:
    model = network(SURE)
    temperature, offsets = calibrate(model, faces, np.array([0.1, 0.3, 0.3, 0.2, 0.1], np.float32), 0.5)
    assert all(len(str(offset)) <= len("-0.1234") for offset in offsets)  # printed without float32's noise
    assert sum(offsets) == pytest.approx(0, abs=1e-3)
    assert offsets[0] - offsets[1] == pytest.approx(0.5 * np.log(3), abs=1e-3)
    _, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(bias, np.array(offsets) / temperature, atol=1e-3)


def test_cross_entropy_is_the_mean_surprise() -> None:
    logits = np.log([[0.5, 0.5], [0.25, 0.75]])
    assert cross_entropy(logits, np.array([0, 0])) == pytest.approx((np.log(2) + np.log(4)) / 2)

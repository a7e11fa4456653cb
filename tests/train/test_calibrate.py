"""Calibration of a network whose right confidences are known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from keras import layers
from numpy.typing import NDArray

from common.datasets import Faces
from train.__main__ import cli
from train.architectures import load_network, save_network
from train.calibrate import calibrate, head_of, in_steps

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


def ask(model: keras.Model, faces: Faces) -> NDArray[np.float32]:
    return np.asarray(model.predict(np.repeat(faces.images, 3, -1) / 255, batch_size=500, verbose=0))


def test_confidence_is_as_far_off_on_clear_pictures_as_on_all(faces: Faces) -> None:
    model = network(SURE)
    of_both, _ = calibrate(model, faces, EVEN, 0.0)
    sure = ask(model, faces)
    right = sure.argmax(axis=1) == faces.labels
    on_all = sure.max(axis=1).mean() - right.mean()
    on_clear = sure[faces.majority].max(axis=1).mean() - right[faces.majority].mean()
    assert on_all > 0.02  # these labels are drawn at random, and agreed on where the draw is the likely one
    assert on_clear == pytest.approx(-on_all, abs=0.005)
    assert calibrate(network(SURE), alone(faces, agreed=False), EVEN, 0.0)[0] > of_both + 0.05


def test_a_file_that_is_surer_than_its_network_is_calibrated_by_what_it_tells(faces: Faces) -> None:
    told = ask(network(1.5 * SURE), faces)
    model = network(SURE)
    temperature, _ = calibrate(model, alone(faces, agreed=False), EVEN, 0.0, told)
    assert temperature == pytest.approx(1.5, abs=0.1)
    kernel, _ = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(kernel, np.eye(5) * SURE / temperature, rtol=1e-5)


def test_rare_classes_gain_and_the_sum_of_logits_stays(faces: Faces) -> None:
    model = network(SURE)
    temperature, offsets = calibrate(model, faces, np.array([0.1, 0.3, 0.3, 0.2, 0.1], np.float32), 0.5)
    assert all(len(str(offset)) <= len("-0.1234") for offset in offsets)  # printed without float32's noise
    assert sum(offsets) == pytest.approx(0, abs=1e-3)
    assert offsets[0] - offsets[1] == pytest.approx(0.5 * np.log(3), abs=1e-3)
    _, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(bias, np.array(offsets) / temperature, atol=1e-3)


def test_the_command_asks_the_file_that_it_is_given(folders: Path, tmp_path: Path) -> None:
    shipped, unsure = Path(__file__).parents[2] / "models" / "emotion.keras", tmp_path / "unsure.keras"
    model = load_network(shipped)
    head = head_of(model)
    head.set_weights([part / 1.5 for part in head.get_weights()])
    save_network(model, unsure)
    for name, more in (("own.keras", []), ("told.keras", ["--told", str(unsure)])):
        options = ["--data", str(folders), "--output", str(tmp_path / name), *more]
        done = CliRunner().invoke(cli, ["calibrate", str(shipped), *options])
        assert done.exit_code == 0, done.output
    own, told = (head_of(load_network(tmp_path / name)).get_weights()[0] for name in ("own.keras", "told.keras"))
    np.testing.assert_allclose(told / own, 1.5, rtol=0.04)  # what the file lacks, on the grid of temperatures


def test_the_steps_of_int8_are_part_of_the_confidence(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    in_256ths, _ = calibrate(network(SURE), alone(faces, agreed=False), EVEN, 0.0)
    monkeypatch.setattr("train.calibrate.STEPS", 4)  # so coarse that all but the largest vanish
    assert calibrate(network(SURE), alone(faces, agreed=False), EVEN, 0.0)[0] > in_256ths + 0.05


def test_confidences_are_counted_in_the_steps_of_int8() -> None:
    shares = np.array([[0.9945, 0.0015, 0.0015, 0.0015, 0.001], [0.5, 0.25, 0.125, 0.125, 0]])
    np.testing.assert_allclose(in_steps(shares), [[1, 0, 0, 0, 0], shares[1]])

"""Refitting a head so that photos, and photos alone, are answered with offsets."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from cartoons import write_photos
from click.testing import CliRunner
from keras import layers
from numpy.typing import NDArray

from common.datasets import Faces
from common.photos import photo_faces
from train.__main__ import cli
from train.calibrate import log_softmax
from train.refit import RIDGE, refit, solve

OFFSETS = np.array([-1.0, 0.5, 0.5, -0.5, 0.5], np.float32)
ENDS = [0, 5]  # what of a picture's six pixels tells a photo from a face; the same in the mirror


def network(head: str) -> keras.Model:
    """Logits that are sums of six pixels; the head is a 1x1 convolution as in ``compact``, or a dense layer."""
    keras.utils.set_random_seed(3)
    image = keras.Input((1, 6, 3))
    x = layers.Conv2D(1, 1, kernel_initializer=keras.initializers.Constant(1 / 3))(image)
    if head == "head":
        x = layers.Conv2D(5, 1, name="head", kernel_initializer="normal")(layers.Reshape((1, 1, 6))(x))
        x = layers.Reshape((5,), name="logits")(x)
    else:
        x = layers.Dense(5, name="logits", kernel_initializer="normal")(layers.Reshape((6,))(x))
    return keras.Model(image, layers.Softmax()(x))


def pictures(count: int, ends: int, offsets: NDArray[np.float32]) -> Faces:
    images = np.random.default_rng(ends).integers(0, 256, (count, 1, 6, 1), dtype=np.uint8)
    images[:, :, ENDS] = ends
    labels = np.zeros(count, np.int64)
    names = tuple(map(str, labels))
    return Faces(images, np.eye(5, dtype=np.float32)[labels], labels, labels == 0, names, np.tile(offsets, (count, 1)))


def answers(model: keras.Model, faces: Faces) -> NDArray[np.float32]:
    return np.asarray(model.predict_on_batch(np.repeat(faces.images, 3, axis=-1).astype(np.float32) / 255))


@pytest.mark.parametrize("head", ["head", "logits"])
def test_photos_are_answered_with_offsets_and_faces_as_before(head: str) -> None:
    faces, photos = pictures(400, 0, OFFSETS * 0), pictures(60, 255, OFFSETS)
    model = network(head)
    before, told = answers(model, faces), np.log(answers(model, photos))
    far, near = refit(model, faces, photos, 0.5)
    assert near < far / 1000
    np.testing.assert_allclose(answers(model, faces), before, atol=0.002)
    np.testing.assert_allclose(answers(model, photos), np.exp(log_softmax(told - OFFSETS)), atol=0.002)


def test_mirrored_photos_are_answered_with_offsets_too() -> None:
    faces, photos = pictures(400, 0, OFFSETS * 0), pictures(60, 255, OFFSETS)
    photos.images[:, :, ENDS[1]] = 0  # now one end tells them from faces, and in the mirror the other
    mirrored = dataclasses.replace(photos, images=photos.images[:, :, ::-1])
    model = network("head")
    told = np.log(answers(model, mirrored))
    refit(model, faces, photos, 0.5)
    np.testing.assert_allclose(answers(model, mirrored), np.exp(log_softmax(told - OFFSETS)), atol=0.01)


def test_photos_that_count_more_are_followed_further() -> None:
    # Nothing tells these photos from faces: what one side gains the other loses.
    faces, photos = pictures(400, 255, OFFSETS * 0), pictures(60, 255, OFFSETS)
    moved = []
    for weight in (0.1, 1.0, 10.0):
        model = network("head")
        before = answers(model, photos)[:, 0].mean()
        refit(model, faces, photos, weight)
        moved.append(answers(model, photos)[:, 0].mean() - before)
    assert 0.01 < moved[0] < moved[1] - 0.05 < moved[2] - 0.1


def test_a_solution_is_a_minimum_also_where_newtons_steps_go_too_far() -> None:
    rng = np.random.default_rng(0)
    features = np.column_stack([rng.normal(size=(300, 4)), np.ones(300)])
    logits = 4 * features @ rng.normal(size=(5, 5))
    targets = np.exp(log_softmax(features @ rng.normal(size=(5, 5)) + rng.normal(size=(300, 5))))
    weights = np.full(300, 1 / 300)
    change, losses = solve(features, logits, targets, weights)
    assert (np.diff(losses) <= 0).all()
    slope = features.T @ (weights[:, None] * (np.exp(log_softmax(logits + features @ change)) - targets))
    np.testing.assert_allclose(slope + RIDGE * change, 0, atol=1e-4)


def test_the_command_writes_a_network_that_names_rare_emotions_sooner(
    folders: Path, photo: Path, tmp_path: Path
) -> None:
    image = keras.Input((48, 48, 3))
    logits = layers.Dense(5, name="logits", kernel_initializer="zeros")(layers.GlobalAveragePooling2D()(image))
    keras.Model(image, layers.Softmax()(logits)).save(tmp_path / "even.keras")
    photos = write_photos(tmp_path / "photos", photo)
    crops = photo_faces(photos, "train", rare=1)
    command = ["refit", tmp_path / "even.keras", "--data", folders, "--photos", photos, "--weight", "1000"]
    done = CliRunner().invoke(cli, list(map(str, [*command, "--balance", "0.5", "--output", tmp_path / "new.keras"])))
    assert done.exit_code == 0, done.output
    assert "nats from the wanted answers" in done.output
    angry, happy, neutral, sad, surprise = keras.saving.load_model(tmp_path / "new.keras").predict_on_batch(
        np.repeat(crops.images[:1], 3, axis=-1).astype(np.float32) / 255
    )[0]
    assert angry == pytest.approx(sad, rel=0.01) == pytest.approx(surprise, rel=0.01)
    assert angry / happy == pytest.approx((12 / 2) ** 0.5, rel=0.01)
    assert angry / neutral == pytest.approx((4 / 2) ** 0.5, rel=0.01)

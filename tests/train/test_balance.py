"""Rare emotions among photos: what a network learns of how frequent they are."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import keras
import pytest
from cartoons import LABELS, write_photos
from keras import layers
from test_fit import log

from common.photos import photo_faces
from train.fit import Batches
from train.objective import Objective
from train.recipe import Recipe


@pytest.fixture(scope="module")
def folder(photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("photos"), photo)


@pytest.mark.slow
def test_a_recipe_says_how_far_photos_are_balanced(
    trainer: Callable[..., subprocess.Popen[str]], folders: Path, folder: Path, tmp_path: Path
) -> None:
    losses = {}
    for balance in (0.0, 1.0):
        run = tmp_path / str(balance)
        settings = (f"photo_balance={balance}", "architecture=tiny", "size=16", "batch=20", "epochs=1")
        sets = [part for setting in settings for part in ("--set", setting)]
        process = trainer("fit", "--data", folders, "--photos", folder, "--recipe", "plain", "--run", run, *sets)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        losses[balance] = float(log(run)[0]["loss"])
    assert losses[1.0] < losses[0.0] - 0.03  # the offsets say already what frequency alone can teach


def learned(folder: Path, balance: float) -> list[float]:
    """Probabilities of a network that only has a bias."""
    faces = photo_faces(folder, "all", margins=(0.0,), rare=1, sure=1.0, balance=balance)
    recipe = Recipe(class_weights=0.0, batch=len(LABELS))
    picture = keras.Input((48, 48, 1))
    logits = layers.Dense(5)(layers.GlobalAveragePooling2D()(layers.Rescaling(0.0)(picture)))
    network = keras.Model(picture, logits)
    network.compile(keras.optimizers.Adam(0.1), loss=Objective(recipe))
    network.fit(Batches(faces, recipe), epochs=150, verbose=0)
    return keras.ops.softmax(network.predict_on_batch(faces.images[:1]))[0].numpy().tolist()


def test_without_balance_emotions_are_as_probable_as_they_are_frequent(folder: Path) -> None:
    shares = [LABELS.count(name) / len(LABELS) for name in ("Angry", "Happy", "Neutral", "Sad", "Surprise")]
    assert learned(folder, 0.0) == pytest.approx(shares, abs=0.01)


def test_fully_balanced_all_are_equally_probable(folder: Path) -> None:
    assert learned(folder, 1.0) == pytest.approx([0.2] * 5, abs=0.01)

"""A whole run: read the faces that a recipe asks for, fit, calibrate, and leave the network in the run's folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from common.datasets import Faces, load
from common.model_settings import Settings, settings_of, write_settings
from edge.errors import ConfigError
from edge.preprocess import InputSpec
from train.augment import AROUND
from train.calibrate import calibrate
from train.evaluation_set import changed, found_faces, prepared, watched_faces
from train.fit import RECORD, fit
from train.networks import NETWORKS, load_network, save_network
from train.recipe import Recipe
from train.training_set import training_set

logger = logging.getLogger(__name__)


def train_run(recipe: Recipe, data: Path, photos: Sequence[Path], run: Path) -> keras.Model:
    """Train as the recipe says: afterwards ``run`` holds ``model.keras`` and ``model.toml``, what its file will state.

    Args:
        recipe: All settings.
        data: A data set's folder; see ``common.datasets.load``.
        photos: Folders of photos; half of the first one's people are never trained on.
        run: Folder of the run.

    Raises:
        ConfigError: The recipe names an unknown network, the described one but not the described rest, or a start that
            is not there or of another network; or the run is finished with another recipe.
        DataError: The data cannot be trained on.
    """
    if recipe.network not in NETWORKS:
        raise ConfigError(f"no network {recipe.network!r}; there are {', '.join(NETWORKS)}")
    if recipe.network == "reference" and not recipe.described:
        raise ConfigError("the network 'reference' is only trained as described; set described=true too")
    if (run / "model.toml").is_file():
        return _finished(recipe, run)
    start = _start(recipe)
    size = NETWORKS[recipe.network]().input_shape[1]
    spec = InputSpec(size, size, 1, recipe.crop_margin, not recipe.described)
    faces = load(data, "train", replace(spec, brighten=False), around=AROUND)
    watched = watched_faces(data, "choose", spec)
    if recipe.sample:
        faces, watched = sampled(faces, load(data, "train", spec), recipe)
    network = fit(recipe, training_set(recipe, faces, data, photos, spec), watched, run, start=start)
    temperature = calibrate(network, *_calibration_set(watched, photos, spec))
    save_network(network, run / "model.keras")
    source = f"{data.resolve().name} ({len(faces)} pictures)" + "".join(
        f", photos in {folder.name}" for folder in photos
    )
    if start is not None:
        before = Path(recipe.start)
        learned = settings_of(before).training_data
        source += f"; on from {before.name}" + (f", which learned from {learned}" if learned else "")
    settings = Settings(crop_margin=recipe.crop_margin, brighten=spec.brighten, training_data=source)
    logger.info("calibrated with a temperature of %.2f", temperature)
    write_settings(run / "model.keras", settings)  # last: with it the run is finished
    return network


def _finished(recipe: Recipe, run: Path) -> keras.Model:
    """A run that ended before, if it was of this recipe."""
    before = json.loads((run / RECORD).read_text(encoding="utf-8"))["recipe"]
    if before != json.loads(json.dumps(recipe.to_dict())):
        raise ConfigError(f"the run {run} is finished, with another recipe; name another --run, or delete it")
    logger.info("the run %s is finished; nothing to do", run)
    return load_network(run / "model.keras")


def sampled(faces: Faces, prepared_faces: Faces, recipe: Recipe) -> tuple[Faces, Faces]:
    """Draw as many pictures of each class as the recipe says, or as there are: 80 % to train on, 20 % to watch.

    Args:
        faces: As they are, to train on.
        prepared_faces: The same ones as the device prepares them, to watch.
        recipe: Its ``sample`` and ``seed``.
    """
    random = np.random.default_rng(recipe.seed)
    kept, watched = [], []
    for label, wanted in enumerate(recipe.sample):
        rows = random.permutation(np.flatnonzero(faces.labels == label))[:wanted]
        cut = round(len(rows) * 0.8)
        kept.append(rows[:cut])
        watched.append(rows[cut:])
    return faces.pick(np.concatenate(kept)), prepared_faces.pick(np.concatenate(watched))


def _calibration_set(
    watched: Faces, photos: Sequence[Path], spec: InputSpec
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.float64]]:
    """Watched faces and photos to choose on, and as much again of these photos changed: blurred, covered, dark..."""
    if not photos:
        return watched.images, watched.labels, np.ones(len(watched))
    found = found_faces(photos[0], "choose")
    labels = np.array([face.label for face in found], np.int64)
    poor = list(changed(found, spec).values())
    as_they_are = len(watched) + len(found)
    weights = np.full(len(poor) * len(found), as_they_are / (len(poor) * len(found)))
    return (
        np.concatenate([watched.images, prepared(found, spec), *poor]),
        np.concatenate([watched.labels, labels, *[labels] * len(poor)]),
        np.concatenate([np.ones(as_they_are), weights]),
    )


def _start(recipe: Recipe) -> keras.Model | None:
    """The network that a recipe starts from, if it names any."""
    if not recipe.start:
        return None
    path = Path(recipe.start)
    network = load_network(path)
    if [w.shape for w in network.get_weights()] != [w.shape for w in NETWORKS[recipe.network]().get_weights()]:
        raise ConfigError(f"{path} is not of the network {recipe.network!r}; set the one that it is of")
    return network


__all__ = ["sampled", "train_run"]

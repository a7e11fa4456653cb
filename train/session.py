"""A whole run: read the data that a recipe asks for, fit, and leave the network and its record in the run's folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from common.datasets import Faces, join, load
from common.photos import photo_faces
from edge.errors import ConfigError
from train.architectures import ARCHITECTURES, load_network
from train.copies import make_copies
from train.distributed import folder_of_worker, strategy_of_cluster
from train.fit import fit
from train.recipe import Recipe


def train_run(recipe: Recipe, data: Path, photos: Path | None, run: Path) -> keras.Model:
    """Train as the recipe says.

    Args:
        recipe: All settings.
        data: A data set's folder; see ``common.datasets.load``.
        photos: A folder of photos; half of its people are trained on.
        run: Folder of the run.

    Raises:
        ConfigError: The recipe names an unknown architecture, a start or a teacher that is not there, no copies for its
            teachers, a start of another architecture, or rounded kernels in a coarser precision; or the run is
            finished.
        DataError: The data cannot be trained on.
    """
    if recipe.architecture not in ARCHITECTURES:
        raise ConfigError(f"no architecture {recipe.architecture!r}; there are {', '.join(ARCHITECTURES)}")
    if recipe.rounded and recipe.precision != "float32":
        raise ConfigError(f"rounded = true needs precision = float32; got {recipe.precision}")
    if (run / "model.keras").is_file() and not (run / "state.npz").is_file():
        raise ConfigError(f"the run {run} is finished; name another --run, or delete it to train anew")
    strategy = strategy_of_cluster()
    run = folder_of_worker(run)
    _check_teachers(recipe)
    start = _start(recipe)
    if recipe.sample:
        train, valid = sample(load(data, "train", size=recipe.size, stray=recipe.stray), recipe)
    else:
        train = load(data, "train", size=recipe.size, stray=recipe.stray)
        valid = load(data, "valid", size=recipe.size, stray=recipe.stray)
    if photos:
        train = join([train, photo_faces(photos, "train", size=recipe.size, balance=recipe.photo_balance)])
    copies = make_copies(train, recipe, run / "copies") if recipe.distill.teachers else []
    trained = fit(recipe, train, valid, run, start=start, copies=copies, strategy=strategy)
    shutil.rmtree(run / "copies", ignore_errors=True)
    return trained


def sample(faces: Faces, recipe: Recipe) -> tuple[Faces, Faces]:
    """Draw as many pictures of each class as the recipe says, or as there are: 80 % to train on, 20 % to watch."""
    random = np.random.default_rng(recipe.seed)
    kept, watched = [], []
    for label, wanted in enumerate(recipe.sample):
        rows = random.permutation(np.flatnonzero(faces.labels == label))[:wanted]
        cut = round(len(rows) * 0.8)
        kept.append(rows[:cut])
        watched.append(rows[cut:])
    return faces.pick(np.concatenate(kept)), faces.pick(np.concatenate(watched))


def _start(recipe: Recipe) -> list[NDArray[np.float32]] | None:
    """The weights that a recipe starts from, if it names any."""
    if not recipe.start:
        return None
    path = Path(recipe.start)
    weights = load_network(path).get_weights()
    if [w.shape for w in weights] != [w.shape for w in ARCHITECTURES[recipe.architecture]().get_weights()]:
        raise ConfigError(f"{path} is not of the architecture {recipe.architecture!r}; set the one that it is of")
    return list(weights)


def _check_teachers(recipe: Recipe) -> None:
    if recipe.distill.teachers and recipe.distill.copies < 1:
        raise ConfigError(f"distill.copies is {recipe.distill.copies}; teachers need at least 1 copy to answer")
    for path in map(Path, recipe.distill.teachers):
        if not path.is_file():
            raise ConfigError(f"no teacher at {path}; train it first (make teachers), or use the recipe 'plain'")


__all__ = ["sample", "train_run"]

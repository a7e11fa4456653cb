"""A whole run: read the data that a recipe asks for, fit, and leave the network and its record in the run's folder."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from edge.errors import ConfigError
from train.architectures import ARCHITECTURES
from train.data import Faces, join, load
from train.distributed import folder_of_worker, strategy_of_cluster
from train.fit import fit
from train.photos import photo_faces
from train.recipe import Recipe


def train_run(recipe: Recipe, data: Path, photos: Path | None, run: Path) -> keras.Model:
    """Train as the recipe says.

    Args:
        recipe: All settings.
        data: A data set's folder; see ``train.data.load``.
        photos: A folder of photos; half of its people are trained on.
        run: Folder of the run.

    Raises:
        ConfigError: The recipe names an unknown architecture or a teacher that is not there, or the run is finished.
        DataError: The data cannot be trained on.
    """
    if recipe.architecture not in ARCHITECTURES:
        raise ConfigError(f"no architecture {recipe.architecture!r}; there are {', '.join(ARCHITECTURES)}")
    if (run / "model.keras").is_file() and not (run / "state.npz").is_file():
        raise ConfigError(f"the run {run} is finished; name another --run, or delete it to train anew")
    strategy = strategy_of_cluster()
    run = folder_of_worker(run)
    teachers = [_teacher(Path(path)) for path in recipe.distill.teachers]
    if recipe.sample:
        train, valid = sample(load(data, "train", size=recipe.size, stray=recipe.stray), recipe)
    else:
        train = load(data, "train", size=recipe.size, stray=recipe.stray)
        valid = load(data, "valid", size=recipe.size, stray=recipe.stray)
    if photos:
        train = join([train, photo_faces(photos, "train", size=recipe.size)])
    return fit(recipe, train, valid, run, teachers=teachers, strategy=strategy)


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


def _teacher(path: Path) -> keras.Model:
    if not path.is_file():
        raise ConfigError(
            f"no teacher at {path}; train it first (python -m train fit --recipe teacher), or use the recipe 'plain'"
        )
    return keras.saving.load_model(path)


__all__ = ["sample", "train_run"]

"""Changed copies of the training pictures, each answered by the teachers once, before a network is distilled from them.

Teachers cost far more than the network that learns from them; answers that serve several epochs make distillation
affordable without a GPU.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from common.datasets import Faces
from edge.atomic import atomic_write
from edge.preprocess import to_input
from train.augment import Augmentation
from train.judges import ask_beside
from train.recipe import Recipe

logger = logging.getLogger(__name__)


def make_copies(faces: Faces, recipe: Recipe, folder: Path) -> list[Path]:
    """Write the copies that a recipe asks for, or keep those that an interrupted run has written already.

    Args:
        faces: The training pictures.
        recipe: Its ``augment`` says how copies are changed, its ``distill`` who answers them and how many there are.
        folder: Where they go; made when missing.

    Returns:
        One file a copy, for ``read_copy``.

    Raises:
        ModelError: A teacher cannot be asked.
    """
    teachers = [Path(path) for path in recipe.distill.teachers]
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(recipe.distill.copies):
        path, origin = folder / f"{number}.npz", _origin(faces, recipe, teachers, number)
        if not _is_of(path, origin):
            images = _changed(faces.images, recipe, number)
            answers = _answers(teachers, images, number, recipe)
            with atomic_write(path) as file:
                np.savez(file, images=images, answers=answers, origin=np.array(origin))
            logger.info("copy %d of %d answered by %d teachers", number + 1, recipe.distill.copies, len(teachers))
        made.append(path)
    return made


def read_copy(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The changed pictures, uint8 (N, H, W, C), and the teachers' mean softened probabilities, float32 (N, 5)."""
    with np.load(path) as kept:
        return kept["images"], kept["answers"]


def _origin(faces: Faces, recipe: Recipe, teachers: Sequence[Path], number: int) -> str:
    """All that a copy depends on."""
    settings = recipe.to_dict()
    told = {
        "number": number,
        "seed": recipe.seed,
        "augment": settings["augment"],
        "temperature": recipe.distill.temperature,
        "pictures": hashlib.sha256(np.ascontiguousarray(faces.images)).hexdigest(),
        "teachers": [hashlib.sha256(path.read_bytes()).hexdigest() for path in teachers],
    }
    return json.dumps(told, sort_keys=True)


def _is_of(path: Path, origin: str) -> bool:
    if not path.is_file():
        return False
    with np.load(path) as kept:
        return str(kept["origin"]) == origin


def _changed(images: NDArray[np.uint8], recipe: Recipe, number: int) -> NDArray[np.uint8]:
    change = Augmentation(recipe.augment, recipe.seed * 1000 + number)
    parts = [change(images[i : i + 500], training=True) for i in range(0, len(images), 500)]
    return np.concatenate([np.rint(keras.ops.convert_to_numpy(part) * 255).astype(np.uint8) for part in parts])


def _answers(teachers: Sequence[Path], images: NDArray[np.uint8], number: int, recipe: Recipe) -> NDArray[np.float32]:
    """Mean softened answer; where pictures may be mirrored, every other teacher sees the mirrored one."""
    rgb = np.repeat(images, 3 // images.shape[-1], axis=-1)
    asked = [rgb[:, :, ::-1] if recipe.augment.flip and (number + i) % 2 else rgb for i in range(len(teachers))]
    told = [_ask(teacher, seen) for teacher, seen in zip(teachers, asked, strict=True)]
    softened = [probabilities ** (1 / recipe.distill.temperature) for probabilities in told]
    return np.mean([p / p.sum(axis=1, keepdims=True) for p in softened], axis=0, dtype=np.float32)


def _ask(teacher: Path, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, 5) probabilities of one teacher."""
    if teacher.suffix == ".keras":
        network = keras.saving.load_model(teacher, compile=False)
        if rgb.shape[1:3] != network.input_shape[1:3]:
            rgb = np.stack([to_input(picture, network.input_shape[1:3], 3) for picture in rgb])
        parts = [network.predict_on_batch(rgb[i : i + 250].astype(np.float32) / 255) for i in range(0, len(rgb), 250)]
        return np.concatenate(parts).astype(np.float32)
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:  # the runtime and TensorFlow must not be in one process
        return np.concatenate(list(pool.map(partial(ask_beside, teacher), np.array_split(rgb, cores))))


__all__ = ["make_copies", "read_copy"]

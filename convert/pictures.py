"""The pictures a conversion needs: some of the training split to calibrate with, the validation split to measure on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from edge.preprocess import to_input
from train.data import Faces, load

LABEL_RULE = "the class with most votes among the five; pictures without a single one are left out"
SEED = 20


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures in the form a model takes.

    Attributes:
        calibration: uint8 (n, height, width, 3) RGB, the same number of each class, of the training split.
        measured: uint8 (N, height, width, 3) RGB, of the validation split.
        labels: int64 (N,), index of the right class of each measured picture.
        source: What the data is, in words.
        measured_on: What was measured on, in words.
    """

    calibration: NDArray[np.uint8]
    measured: NDArray[np.uint8]
    labels: NDArray[np.int64]
    source: str
    measured_on: str


def read(data: Path, size: tuple[int, int], samples: int, limit: int | None = None) -> Pictures:
    """Read a data set of any layout that training reads.

    Args:
        data: Its folder.
        size: Height and width in pixels that the model takes.
        samples: Calibration pictures, over all classes.
        limit: Measure on at most this many pictures, balanced; all if None.

    Raises:
        ConversionError: There are no calibration pictures of some class, or none to measure on.
        DataError: The folder is not a data set.
    """
    training, validation = load(data, "train"), load(data, "valid")
    empty = [name for name, count in training.counts().items() if count == 0]
    if empty:
        raise ConversionError(
            f"{data} has no training pictures of {', '.join(empty)}; calibration needs some of every class"
        )
    if not len(validation):
        raise ConversionError(f"{data} has no validation pictures to measure on; give a data set of more pictures")
    chosen = training.pick(balanced(training.labels, samples))
    judged = validation.pick(balanced(validation.labels, limit)) if limit else validation
    counts = ", ".join(f"{name} {count}" for name, count in training.counts().items())
    return Pictures(
        calibration=_resized(chosen, size),
        measured=_resized(judged, size),
        labels=judged.labels,
        source=f"{data.resolve().name}, training split: {len(training)} pictures ({counts})",
        measured_on=f"{data.resolve().name}, validation split: {len(judged)} pictures; right is {LABEL_RULE}",
    )


def balanced(labels: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Indices of about ``total`` rows, as evenly over the classes as they allow; the same every time."""
    random = np.random.default_rng(SEED)
    shuffled = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    share = -(-total // len(shuffled))
    return np.sort(np.concatenate([rows[:share] for rows in shuffled]))


def _resized(faces: Faces, size: tuple[int, int]) -> NDArray[np.uint8]:
    rgb = np.repeat(faces.images, 3, axis=3) if faces.images.shape[3] == 1 else faces.images
    return np.stack([to_input(picture, size, 3) for picture in rgb])


__all__ = ["LABEL_RULE", "Pictures", "balanced", "read"]

"""The pictures a conversion needs: some of the training split to calibrate with, the validation split to measure on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.datasets import label_rules, load
from edge.preprocess import InputSpec

SEED = 20


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures in the form a model takes.

    Attributes:
        calibration: uint8 (n, size, size, 3) RGB, the same number of each class, of the training split.
        measured: uint8 (N, size, size, 3) RGB, of the validation split.
        labels: int64 (N,), index of the right class of each measured picture.
        source: What the data is, in words.
        measured_on: What was measured on, in words.
    """

    calibration: NDArray[np.uint8]
    measured: NDArray[np.uint8]
    labels: NDArray[np.int64]
    source: str
    measured_on: str


def read(data: Path, spec: InputSpec, samples: int, limit: int | None = None) -> Pictures:
    """Read a data set of any layout that training reads.

    Args:
        data: Its folder.
        spec: How the model wants its faces.
        samples: Calibration pictures, over all classes.
        limit: Measure on at most this many pictures, balanced; all if None.

    Raises:
        DataError: The folder is not a data set, or a split lacks pictures of a class.
    """
    training, validation = (load(data, split, spec) for split in ("train", "valid"))
    chosen = training.pick(balanced(training.labels, samples))
    kept = validation.pick(balanced(validation.labels, limit)) if limit else validation
    counts = ", ".join(f"{name} {count}" for name, count in training.counts().items())
    name, rules = data.resolve().name, label_rules(data)
    rule = rules.get("plurality") or rules["label"]
    return Pictures(
        calibration=chosen.images,
        measured=kept.images,
        labels=kept.labels,
        source=f"{name}, training split: {len(training)} pictures ({counts})",
        measured_on=f"{name}, validation split: {len(kept)} pictures; label: {rule}",
    )


def balanced(labels: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Indices of about ``total`` rows, as evenly over the classes as they allow; the same every time."""
    random = np.random.default_rng(SEED)
    shuffled = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    share = -(-total // len(shuffled))
    return np.sort(np.concatenate([rows[:share] for rows in shuffled]))


__all__ = ["Pictures", "balanced", "read"]

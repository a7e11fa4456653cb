"""The weights in a .keras file, read without Keras."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray


def weights_of(path: Path) -> dict[str, NDArray[np.float32]]:
    """Name to values of every weight."""
    found = {}

    def keep(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as file:
        h5py.File(file).visititems(keep)
    return found

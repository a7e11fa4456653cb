"""The mean of several rounds' weights, which is often better than each (stochastic weight averaging, Izmailov 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from edge.errors import ConfigError
from train.architectures import load_network


def average(paths: Sequence[Path]) -> keras.Model:
    """One network with the mean of others' weights, the statistics of batch normalization among them.

    Args:
        paths: `.keras` files of rounds that went on from each other: the mean of strangers answers at random.

    Raises:
        ConfigError: One cannot be read, or they are not of one architecture.
    """
    networks = [load_network(path) for path in paths]
    weights = [network.get_weights() for network in networks]
    for path, others in zip(paths, weights, strict=True):
        if [w.shape for w in others] != [w.shape for w in weights[0]]:
            raise ConfigError(f"{path} is of another architecture than {paths[0]}; name rounds of one network")
    networks[0].set_weights([np.mean(of_all, axis=0) for of_all in zip(*weights, strict=True)])
    return networks[0]


__all__ = ["average"]

"""Make confidences mean what they say, after training: the last layer is scaled, so the device pays nothing."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from train.data import Faces


def calibrate(
    network: keras.Model, valid: Faces, frequency: NDArray[np.float64], balance: float
) -> tuple[float, list[float]]:
    """Fold class offsets and a temperature into the network's head, in place.

    The offsets give rare classes back what their rarity took (logit adjustment, Menon et al. 2021); the temperature
    is the one of least cross-entropy on the validation labels (Guo et al. 2017). On pictures that most people agree on
    a network should be surer than on all; the temperature lies between, for these count twice.

    Args:
        network: Its last weighted layer, ``head`` or ``logits``, has a kernel and a bias.
        valid: Pictures to calibrate on, of the network's input size.
        frequency: (5,) share of each class in the training pictures.
        balance: Exponent of the inverse frequency: 0 keeps the answers as they are.

    Returns:
        The temperature and the offsets that were folded in.
    """
    images = np.repeat(valid.images, 3 // valid.images.shape[-1], axis=-1)
    answers = keras.Model(network.input, network.get_layer("logits").output).predict(
        images.astype(np.float32) / 255, batch_size=500, verbose=0
    )
    offsets = -balance * np.log(frequency)
    offsets -= offsets.mean()
    clear = valid.majority

    def loss(temperature: float) -> float:
        logits = (answers + offsets) / temperature
        agreed = cross_entropy(logits[clear], valid.labels[clear]) if clear.any() else 0.0
        return cross_entropy(logits, valid.labels) + agreed

    temperature = float(min(np.arange(0.4, 3.0, 0.01), key=loss))
    head = head_of(network)
    kernel, bias = head.get_weights()
    head.set_weights([kernel / temperature, (bias + offsets) / temperature])
    return temperature, [round(float(offset), 4) + 0.0 for offset in offsets]  # no -0.0


def head_of(network: keras.Model) -> keras.Layer:
    """The last layer with weights, which gives the logits."""
    return network.get_layer("head" if any(layer.name == "head" for layer in network.layers) else "logits")


def log_softmax(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    """(N, 5) logits -> logarithms of their probabilities."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def cross_entropy(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Mean negative log-probability of the right classes; logits (N, 5)."""
    return -float(log_softmax(logits)[np.arange(len(labels)), labels].mean())


__all__ = ["calibrate", "cross_entropy", "head_of", "log_softmax"]

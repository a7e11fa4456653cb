"""Make confidences mean what they say, after training: the last layer is scaled, so the device pays nothing."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from train.networks import predict

TEMPERATURES = np.arange(0.4, 3.0, 0.01)


def calibrate(
    network: keras.Model, pictures: NDArray[np.uint8], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> float:
    """Divide the logits by the temperature that makes labels most likely (Guo et al. 2017), in the head's weights.

    Args:
        network: Its last weighted layer, ``head`` or ``logits``, has a kernel and a bias.
        pictures: uint8 (N, H, W, 1 or 3), as the network reads them; not trained on.
        labels: int64 (N,), indices of EMOTIONS.
        weights: float64 (N,), how much each picture counts.

    Returns:
        The temperature.
    """
    logits = predict(network, pictures, "logits").astype(np.float64)

    def surprise(temperature: float) -> float:
        rows = log_softmax(logits / temperature)
        return -float(weights @ rows[np.arange(len(labels)), labels])

    temperature = float(min(TEMPERATURES, key=surprise))
    head = network.get_layer("head" if any(layer.name == "head" for layer in network.layers) else "logits")
    head.set_weights([weights / temperature for weights in head.get_weights()])
    return temperature


def log_softmax(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    """(N, 5) logits -> logarithms of their probabilities."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


__all__ = ["calibrate", "log_softmax"]

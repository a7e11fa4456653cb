"""Make confidences mean what they say, after training: the last layer is scaled, so the device pays nothing."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from common.datasets import Faces

STEPS = 256  # of an int8 probability
LEAST = 1e-4  # what a probability that int8 rounds to 0 may have been


def calibrate(
    network: keras.Model,
    valid: Faces,
    frequency: NDArray[np.float64],
    balance: float,
    told: NDArray[np.float32] | None = None,
) -> tuple[float, list[float]]:
    """Fold class offsets and a temperature into the network's head, in place.

    The offsets give rare classes back what their rarity took (logit adjustment, Menon et al. 2021). The temperature
    (Guo et al. 2017) brings mean confidence near to how often answers are right, on all pictures and on those that most
    people agree on. No one temperature suits both: it is as far too sure on the ones as too unsure on the others.

    Args:
        network: Its last weighted layer, ``head`` or ``logits``, has a kernel and a bias.
        valid: Pictures to calibrate on, of the network's input size.
        frequency: (5,) share of each class in the training pictures.
        balance: Exponent of the inverse frequency: 0 keeps the answers as they are.
        told: (N, 5) what the int8 file made of ``network`` answers, which is surer than the network itself; by default
            the network is asked.

    Returns:
        The temperature and the offsets that were folded in.
    """
    if told is None:
        images = np.repeat(valid.images, 3 // valid.images.shape[-1], axis=-1)
        answers = keras.Model(network.input, network.get_layer("logits").output).predict(
            images.astype(np.float32) / 255, batch_size=500, verbose=0
        )
    else:
        answers = np.log(np.maximum(told, LEAST))
    offsets = -balance * np.log(frequency)
    offsets -= offsets.mean()
    logits = answers + offsets
    right = logits.argmax(axis=1) == valid.labels
    kinds = [kind for kind in (np.ones_like(right), valid.majority) if kind.any()]

    def gap(temperature: float) -> float:
        sure = in_steps(np.exp(log_softmax(logits / temperature))).max(axis=1)
        return max(abs(float(sure[kind].mean() - right[kind].mean())) for kind in kinds)

    temperature = float(min(np.arange(0.4, 3.0, 0.01), key=gap))
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


def in_steps(probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    """(N, 5) probabilities as an int8 file gives them: whole 256ths, which the runtime makes sum to 1."""
    steps = np.minimum(np.rint(probabilities * STEPS), STEPS - 1)
    return steps / steps.sum(axis=1, keepdims=True)


__all__ = ["calibrate", "head_of", "in_steps", "log_softmax"]

"""What training minimises, and the graph that it minimises it in."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from edge.labels import EMOTIONS
from train.augment import Augmentation
from train.recipe import Recipe

CLASSES = len(EMOTIONS)


def training_graph(network: keras.Model, recipe: Recipe, channels: int) -> keras.Model:
    """Raw uint8 pictures -> logits, with the augmentation between them unless the pictures come changed."""
    size, height = recipe.size, network.input_shape[1]
    image = keras.Input((size, size, channels), dtype="uint8", name="picture")
    if recipe.distill.teachers:
        x = layers.Rescaling(1 / 255, dtype="float32")(image)
    else:
        x = Augmentation(recipe.augment, recipe.seed)(image)
    if channels == 1:
        x = layers.Concatenate(dtype="float32")([x, x, x])
    if size != height:
        x = layers.Resizing(height, height, dtype="float32")(x)
    logits = keras.Model(network.input, network.get_layer("logits").output, name="network")(x)
    return keras.Model(image, layers.Activation("linear", dtype="float32", name="float_logits")(logits))


class Objective(keras.losses.Loss):
    """Cross-entropy with the votes, mixed with that to the teachers' softened answer (Hinton et al. 2015)."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(name="objective")
        self.share = recipe.distill.share
        self.temperature = recipe.distill.temperature

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Targets against (N, 5) logits.

        (N, 5) are people's alone, of watched pictures; in (N, 10) the logits' offsets stand behind them, in (N, 15)
        the teachers' probabilities behind both.
        """
        people, offsets, told = (y_true[:, start : start + CLASSES] for start in (0, CLASSES, 2 * CLASSES))
        if offsets.shape[-1]:
            y_pred = y_pred + offsets
        loss = -ops.sum(people * ops.log_softmax(y_pred), axis=-1)
        if not told.shape[-1]:
            return loss
        soft = -ops.sum(told * ops.log_softmax(y_pred / self.temperature), axis=-1)
        return (1 - self.share) * loss + self.share * self.temperature**2 * soft


def accuracy(y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
    """Whether the most probable class is the one most people named."""
    return ops.cast(ops.equal(ops.argmax(y_true[:, :CLASSES], axis=-1), ops.argmax(y_pred, axis=-1)), "float32")


def sample_weights(targets: NDArray[np.float32], exponent: float) -> NDArray[np.float32]:
    """Weight of each picture, mean 1: its classes' inverse frequency to the power of ``exponent``.

    Args:
        targets: float32 (N, 5) distributions.
        exponent: 0 weighs all the same, 0.5 is the square root, 1 balances the classes fully.
    """
    frequency = np.maximum(targets.mean(axis=0), 1e-6)
    weights = targets @ (frequency**-exponent)
    return (weights / weights.mean()).astype(np.float32)


__all__ = ["CLASSES", "Objective", "accuracy", "sample_weights", "training_graph"]

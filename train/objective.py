"""What training minimises, and the graph that it minimises it in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from edge.labels import EMOTIONS
from train.augment import Augmentation
from train.recipe import Recipe

CLASSES = len(EMOTIONS)


class Frozen(layers.Layer):
    """The mean softened answer of trained networks, which stay as they are.

    (N, H, W, 3) -> (N, 5) probabilities at the given temperature.
    """

    def __init__(self, networks: Sequence[keras.Model], temperature: float, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.networks = [keras.Model(n.input, n.get_layer("logits").output) for n in networks]
        for network in self.networks:
            network.trainable = False
        self.temperature = temperature

    def call(self, image: keras.KerasTensor) -> keras.KerasTensor:
        """Average the networks' probabilities."""
        answers = [ops.softmax(ops.cast(n(image, training=False), "float32") / self.temperature) for n in self.networks]
        return ops.stop_gradient(sum(answers) / len(answers))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        """One row of class probabilities a picture."""
        return input_shape[0], CLASSES


def training_graph(network: keras.Model, recipe: Recipe, channels: int, teachers: Sequence[keras.Model]) -> keras.Model:
    """Raw uint8 pictures -> logits, followed by the teachers' probabilities when there are any.

    Augmentation is part of the graph, so teachers and network see the very same changed picture.
    """
    size, height = recipe.size, network.input_shape[1]
    image = keras.Input((size, size, channels), dtype="uint8", name="picture")
    x = Augmentation(recipe.augment, recipe.seed)(image)
    if channels == 1:
        x = layers.Concatenate(dtype="float32")([x, x, x])
    if size != height:
        x = layers.Resizing(height, height, dtype="float32")(x)
    logits = keras.Model(network.input, network.get_layer("logits").output, name="network")(x)
    logits = layers.Activation("linear", dtype="float32", name="float_logits")(logits)
    if not teachers:
        return keras.Model(image, logits)
    return keras.Model(
        image, layers.Concatenate()([logits, Frozen(teachers, recipe.distill.temperature, dtype="float32")(x)])
    )


class Objective(keras.losses.Loss):
    """Cross-entropy with the votes, mixed with that to the teachers' softened answer (Hinton et al. 2015)."""

    def __init__(self, recipe: Recipe, *, distilled: bool) -> None:
        super().__init__(name="objective")
        self.share = recipe.distill.share if distilled else 0.0
        self.temperature = recipe.distill.temperature

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """(N, 5) targets against (N, 5) logits, or (N, 10) with the teachers' probabilities behind."""
        logits = y_pred[:, :CLASSES]
        loss = -ops.sum(y_true * ops.log_softmax(logits), axis=-1)
        if not self.share:
            return loss
        soft = -ops.sum(y_pred[:, CLASSES:] * ops.log_softmax(logits / self.temperature), axis=-1)
        return (1 - self.share) * loss + self.share * self.temperature**2 * soft


def accuracy(y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
    """Whether the most probable class is the one most people named."""
    return ops.cast(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred[:, :CLASSES], axis=-1)), "float32")


def sample_weights(targets: NDArray[np.float32], exponent: float) -> NDArray[np.float32]:
    """Weight of each picture, mean 1: its classes' inverse frequency to the power of ``exponent``.

    Args:
        targets: float32 (N, 5) distributions.
        exponent: 0 weighs all the same, 0.5 is the square root, 1 balances the classes fully.
    """
    frequency = np.maximum(targets.mean(axis=0), 1e-6)
    weights = targets @ (frequency**-exponent)
    return (weights / weights.mean()).astype(np.float32)


__all__ = ["CLASSES", "Frozen", "Objective", "accuracy", "sample_weights", "training_graph"]

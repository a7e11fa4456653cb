"""Let the last layer name rare emotions as readily as others in photos, and answer the training faces as before.

Among photos a few emotions are rare, and a network learns that as well; offsets of its logits make up for it (logit
adjustment, Menon et al. 2021). The same offsets on all pictures would cost accuracy on the training faces, whose
classes are less uneven. But what comes before the last layer tells the two kinds of pictures apart, so a last layer is
found that follows the offsets in the one and not in the other. The device pays nothing.
"""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from common.datasets import Faces
from train.calibrate import head_of, log_softmax

RIDGE = 1e-6  # holds weights near what they were where the pictures leave them free
STEPS = 30
ENOUGH = 1e-5  # largest change of a weight in the last step

Array = NDArray[np.float64]


def refit(network: keras.Model, faces: Faces, photos: Faces, weight: float) -> tuple[float, float]:
    """Change the weights of the network's head, in place. Nobody's labels are asked: the answers are its own.

    Args:
        network: Its last weighted layer, ``head`` or ``logits``, has a kernel and a bias; calibrated.
        faces: Pictures that are to be answered as before, of the network's input size.
        photos: Pictures that are to be answered as if without their ``offsets``, of that size too.
        weight: What all photos count beside all faces.

    Returns:
        Mean Kullback-Leibler divergence from the wanted answers, before and after; the ridge, which is tiny, included.
    """
    head = head_of(network)
    seen = keras.Model(network.input, [head.input, network.get_layer("logits").output])
    parts = []
    mirrored = photos.images[:, :, ::-1]  # photos are few
    for pictures, images, share in (
        (faces, faces.images, 1.0),
        (photos, photos.images, weight / 2),
        (photos, mirrored, weight / 2),
    ):
        features, logits = _ask(seen, images)
        parts.append((features, logits, logits - pictures.offsets, np.full(len(images), share / len(images))))
    features, logits, wanted, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    targets = np.exp(log_softmax(wanted))
    change, losses = solve(features, logits, targets, weights)
    kernel, bias = head.get_weights()
    head.set_weights([kernel + change[:-1].reshape(kernel.shape), bias + change[-1]])
    least = -float(weights @ (targets * log_softmax(wanted)).sum(axis=1))
    return (losses[0] - least) / (1 + weight), (losses[-1] - least) / (1 + weight)


def solve(features: Array, logits: Array, targets: Array, weights: Array) -> tuple[Array, list[float]]:
    """The change of a linear layer whose answers come nearest to given ones, by Newton's method.

    Args:
        features: (N, K) inputs of the layer; the last column is 1, for the bias.
        logits: (N, 5) what it says now.
        targets: (N, 5) probabilities that it should say.
        weights: (N,) what each picture counts.

    Returns:
        (K, 5) what to add to its weights, and the weighted cross-entropy, with the ridge, of every step.
    """
    size, classes = features.shape[1], logits.shape[1]
    change = np.zeros((size, classes))

    def loss(change: Array) -> float:
        told = log_softmax(logits + features @ change)
        return float(-weights @ (targets * told).sum(axis=1) + RIDGE / 2 * (change**2).sum())

    losses = [loss(change)]
    for _ in range(STEPS):
        shares = np.exp(log_softmax(logits + features @ change))
        slope = features.T @ (weights[:, None] * (shares - targets)) + RIDGE * change
        curve = np.zeros((size, classes, size, classes))
        for a in range(classes):
            for b in range(classes):
                bend = weights * shares[:, a] * ((a == b) - shares[:, b])
                curve[:, a, :, b] = features.T @ (features * bend[:, None])
        curve = curve.reshape(change.size, change.size) + RIDGE * np.eye(change.size)
        step = np.linalg.solve(curve, slope.ravel()).reshape(change.shape)
        while loss(change - step) > losses[-1] and np.abs(step).max() > ENOUGH:
            step /= 2  # too far for a curve that is only true here
        change -= step
        losses.append(loss(change))
        if np.abs(step).max() <= ENOUGH:
            break
    return change, losses


def _ask(seen: keras.Model, images: NDArray[np.uint8]) -> tuple[Array, Array]:
    """What the head reads, with a column of ones, and the logits that it gives; one batch at a time in memory."""
    features, logits = [], []
    for first in range(0, len(images), 500):
        batch = np.repeat(images[first : first + 500], 3 // images.shape[-1], axis=-1).astype(np.float32) / 255
        read, told = (keras.ops.convert_to_numpy(part).astype(np.float64) for part in seen.predict_on_batch(batch))
        features.append(np.column_stack([read.reshape(len(batch), -1), np.ones(len(batch))]))
        logits.append(told)
    return np.concatenate(features), np.concatenate(logits)


__all__ = ["refit", "solve"]

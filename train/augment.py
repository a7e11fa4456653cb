"""Random changes of training pictures that imitate cameras, light and a detector's uneven boxes."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from train.recipe import Augment


class Augmentation(keras.layers.Layer):
    """uint8 pictures -> float32 in [0, 1], changed at random while training and only scaled otherwise.

    Input and output (N, H, W, C). Every picture draws its own changes; see ``Augment`` for their ranges.
    """

    def __init__(self, settings: Augment, seed: int, **kwargs: Any) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.settings = settings
        self.seeds = keras.random.SeedGenerator(seed)

    def call(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """Scale to [0, 1]; change at random when training."""
        x = ops.cast(images, "float32") / 255.0
        if not training:
            return x
        x = self._move(x)
        x = self._light(x)
        if self.settings.blur:
            x = self._blur(x)
        if self.settings.noise:
            level = self._uniform((ops.shape(x)[0], 1, 1, 1), 0.0, self.settings.noise)
            x = x + level * keras.random.normal(ops.shape(x), seed=self.seeds)
        if self.settings.cutout:
            x = self._cutout(x)
        return ops.clip(x, 0.0, 1.0)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Same as the input."""
        return input_shape

    def _uniform(self, shape: Any, low: float, high: float) -> keras.KerasTensor:
        return keras.random.uniform(shape, low, high, seed=self.seeds)

    def _move(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Flip, rotate, zoom (each axis a little differently) and shift in one bilinear resampling."""
        n, height, width = ops.shape(x)[0], x.shape[1], x.shape[2]
        s = self.settings
        angle = self._uniform((n,), -s.rotation, s.rotation) * (3.14159265 / 180)
        zoom = ops.exp(self._uniform((n,), -s.zoom, s.zoom))
        aspect = ops.exp(self._uniform((n,), -s.aspect, s.aspect))
        mirror = ops.where(self._uniform((n,), 0.0, 1.0) < 0.5, -1.0, 1.0) if s.flip else ops.ones((n,))
        dx = self._uniform((n,), -s.shift, s.shift) * width
        dy = self._uniform((n,), -s.shift, s.shift) * height
        # Maps an output point to where it is read from, around the centre of the picture.
        a, b = mirror * zoom * aspect * ops.cos(angle), -zoom / aspect * ops.sin(angle)
        c, d = mirror * zoom * aspect * ops.sin(angle), zoom / aspect * ops.cos(angle)
        cx, cy = (width - 1) / 2, (height - 1) / 2
        zero = ops.zeros_like(a)
        transform = ops.stack([a, b, cx - a * cx - b * cy + dx, c, d, cy - c * cx - d * cy + dy, zero, zero], axis=1)
        return ops.image.affine_transform(x, transform, interpolation="bilinear", fill_mode="nearest")

    def _light(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Contrast around the picture's mean, brightness as exposure, then gamma."""
        s, shape = self.settings, (ops.shape(x)[0], 1, 1, 1)
        mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
        x = mean + (x - mean) * ops.exp(self._uniform(shape, -s.contrast, s.contrast))
        x = x * ops.exp(self._uniform(shape, -s.exposure, s.exposure / 2))
        x = x + self._uniform(shape, -s.brightness, s.brightness)
        gamma = ops.exp(self._uniform(shape, -s.gamma, s.gamma))
        return ops.power(ops.clip(x, 1e-4, 1.0), gamma)

    def _blur(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Mix with a blurred copy: a soft lens, or a small face that was enlarged."""
        soft = ops.average_pool(x, 3, strides=1, padding="same")
        share = ops.maximum(self._uniform((ops.shape(x)[0], 1, 1, 1), -1.0, 1.0), 0.0) * self.settings.blur
        return x + share * (soft - x)

    def _cutout(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Cover one square with a random grey in half of the pictures."""
        n, height, width = ops.shape(x)[0], x.shape[1], x.shape[2]
        shape = (n, 1, 1, 1)
        side = self._uniform(shape, 0.0, self.settings.cutout) * ops.cast(self._uniform(shape, 0, 1) < 0.5, "float32")
        rows = ops.reshape(ops.arange(height, dtype="float32") / height, (1, height, 1, 1))
        columns = ops.reshape(ops.arange(width, dtype="float32") / width, (1, 1, width, 1))
        inside = ops.logical_and(
            ops.abs(rows - self._uniform(shape, 0.0, 1.0)) < side / 2,
            ops.abs(columns - self._uniform(shape, 0.0, 1.0)) < side / 2,
        )
        return ops.where(inside, self._uniform(shape, 0.0, 1.0), x)


__all__ = ["Augmentation"]

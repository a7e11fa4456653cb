"""Quantization-aware training of kernels: rounded as the converter will round them, so that int8 loses nothing by it.

The converter gives every output channel of a convolution 255 steps, symmetric around zero. Batch normalization scales
whole channels, so a kernel on these steps before it is folded in is on them afterwards too.
"""

from __future__ import annotations

import keras
from keras import layers, ops

STEPS = 127  # from zero to the largest weight of a channel


class QuantizedConv2D(layers.Conv2D):
    """A convolution that computes with its rounded kernel and passes the gradient on as if it were not."""

    def convolution_op(self, inputs: keras.KerasTensor, kernel: keras.KerasTensor) -> keras.KerasTensor:
        """(N, H, W, C) -> (N, H, W, filters), as ``Conv2D``."""
        return super().convolution_op(inputs, kernel + ops.stop_gradient(fake_quantized(kernel) - kernel))


def fake_quantized(kernel: keras.KerasTensor) -> keras.KerasTensor:
    """The nearest values that int8 can give; (height, width, in, out), each output channel on its own steps."""
    step = ops.max(ops.abs(kernel), axis=(0, 1, 2), keepdims=True) / STEPS
    step = ops.where(step > 0, step, ops.ones_like(step))
    return ops.round(kernel / step) * step


def quantization_aware(network: keras.Model) -> keras.Model:
    """The same network with ``QuantizedConv2D`` for every convolution; weights are new, in the same order."""

    def clone(layer: keras.Layer) -> keras.Layer:
        kind = QuantizedConv2D if type(layer) is layers.Conv2D else type(layer)
        return kind.from_config(layer.get_config())

    return keras.models.clone_model(network, clone_function=clone)


def quantize_kernels(network: keras.Model) -> None:
    """Set the kernels that were learned to their rounded values."""
    for layer in network.layers:
        if isinstance(layer, layers.Conv2D) and layer.trainable:
            layer.kernel.assign(fake_quantized(layer.kernel))


__all__ = ["QuantizedConv2D", "fake_quantized", "quantization_aware", "quantize_kernels"]

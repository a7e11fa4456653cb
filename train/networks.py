"""The networks: Keras functional models from an RGB crop in [0, 1] to the probabilities of the five emotions.

Every network takes float32 (N, H, W, 3), red first, and has a layer ``logits`` before its softmax. Code is neutral to
the Keras backend.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from edge.errors import ConfigError, OutputError
from edge.labels import EMOTIONS

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, what OpenCV's RGB to grey uses


def reference(dropout: float = 0.25) -> keras.Model:
    """The described baseline: four VALID convolution blocks and a large dense layer; 128x128, 2,751,173 parameters."""
    image = keras.Input((128, 128, 3), name="image")
    x: keras.KerasTensor = image
    for filters in (32, 64, 128, 256):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(dropout)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(len(EMOTIONS), name="logits")(x)
    return keras.Model(image, layers.Softmax(name="probabilities", dtype="float32")(x), name="reference")


def residual(
    widths: Sequence[int],
    blocks: Sequence[int],
    *,
    stem: int,
    size: int = 48,
    dropout: float = 0.2,
    mirror: bool = False,
    name: str = "residual",
) -> keras.Model:
    """A plain residual network of dense 3x3 convolutions that is indifferent to colour.

    A fixed luma step comes first, so that a tinted picture and its grey copy give the same answer. Convolution,
    BatchNorm, ReLU in that order, which the converter folds into one operation; a 1x1 convolution after global pooling
    instead of a dense layer, which older interpreters load in every number format.

    Args:
        widths: Channels of each stage; every stage halves the picture.
        blocks: Residual blocks of each stage after its strided one.
        stem: Channels of the first convolution, at full size.
        size: Height and width of the input in pixels.
        dropout: Rate before the last layer, while training.
        mirror: Also read the picture's mirror image, and answer by the mean of the features of both: twice the
            arithmetic with the same weights.
        name: Name of the model.

    Returns:
        (N, size, size, 3) -> (N, 5).
    """
    image = keras.Input((size, size, 3), name="image")
    x = layers.Conv2D(1, 1, use_bias=False, trainable=False, name="luma")(image)
    if mirror:  # one below the other, then as two pictures
        x = ops.reshape(layers.Concatenate(axis=1)([x, x[:, :, ::-1]]), (-1, size, size, 1))
    x = _conv(x, stem)
    for width, count in zip(widths, blocks, strict=True):
        x = _block(x, width, stride=2)
        for _ in range(count):
            x = _block(x, width, stride=1)
    if mirror:
        x = ops.reshape(x, (-1, 2 * x.shape[1], *x.shape[2:]))
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Conv2D(len(EMOTIONS), 1, name="head")(x)
    x = layers.Reshape((len(EMOTIONS),), name="logits")(x)
    model = keras.Model(image, layers.Softmax(name="probabilities", dtype="float32")(x), name=name)
    model.get_layer("luma").set_weights([np.array(LUMA, "float32").reshape(1, 1, 3, 1)])
    return model


def _conv(x: keras.KerasTensor, width: int, stride: int = 1, *, relu: bool = True) -> keras.KerasTensor:
    x = layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x) if relu else x


def _block(x: keras.KerasTensor, width: int, stride: int) -> keras.KerasTensor:
    shortcut = x
    if stride != 1 or x.shape[-1] != width:
        shortcut = layers.AveragePooling2D(stride)(shortcut) if stride != 1 else shortcut
        shortcut = layers.Conv2D(width, 1, use_bias=False, kernel_initializer="he_normal")(shortcut)
        shortcut = layers.BatchNormalization()(shortcut)
    x = _conv(x, width, stride)
    x = _conv(x, width, relu=False)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def compact(*, mirror: bool = False) -> keras.Model:
    """What the device runs: ``residual`` with most of its arithmetic at 24x24 and below; 379,876 parameters."""
    return residual((22, 46, 96), (1, 1, 1), stem=12, dropout=0.0, mirror=mirror, name="compact")


NETWORKS: dict[str, Callable[..., keras.Model]] = {"compact": compact, "reference": reference}


def load_network(path: Path) -> keras.Model:
    """A trained network.

    Raises:
        ConfigError: There is no such file, or it is not one that Keras wrote.
    """
    if not path.is_file():
        raise ConfigError(f"there is no network at {path}; give a .keras file")
    try:
        return keras.saving.load_model(path, compile=False)
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path} is not a network that training wrote; give its model.keras") from error


def save_network(network: keras.Model, path: Path) -> None:
    """Write a .keras file, and its folder if it is missing; what was there before stays until all is written.

    Raises:
        OutputError: It cannot be written there.
    """
    unfinished = path.with_name(f"unfinished-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        network.save(unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}; name another place") from error


def predict(network: keras.Model, pictures: NDArray[np.uint8], layer: str = "probabilities") -> NDArray[np.float32]:
    """What a layer gives for pictures, uint8 (N, H, W, 1 or 3), a batch at a time: float32 (N, 5)."""
    part = keras.Model(network.input, network.get_layer(layer).output)
    made = []
    for first in range(0, len(pictures), 256):
        rgb = np.repeat(pictures[first : first + 256], 3 // pictures.shape[-1], axis=-1)
        made.append(keras.ops.convert_to_numpy(part.predict_on_batch(rgb.astype(np.float32) / 255)))
    return np.concatenate(made).astype(np.float32)


def macs(model: keras.Model) -> int:
    """Multiply-accumulate operations of one picture in convolution and dense layers."""
    one = keras.Input(batch_shape=(1, *model.input_shape[1:]))
    total = 0
    for layer in keras.models.clone_model(model, input_tensors=one).layers:
        if isinstance(layer, layers.Conv2D):
            views, height, width, _ = layer.output.shape
            total += views * height * width * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total


__all__ = [
    "LUMA",
    "NETWORKS",
    "compact",
    "load_network",
    "macs",
    "predict",
    "reference",
    "residual",
    "save_network",
]

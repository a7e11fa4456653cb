"""Makes what the conversion tests convert: a picture folder per class and small Keras models. Runs as a program.

The pictures are patches of five patterns that a network of a few thousand weights learns in seconds.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from edge.labels import EMOTIONS

if TYPE_CHECKING:
    import keras

SIZE = 24
EACH = 40


def patterns() -> dict[str, np.ndarray]:
    """Label to uint8 (EACH, SIZE, SIZE): stripes lying, standing and sloping, a disc, and a light gradient."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(float)
    made = {}
    for label, wave in zip(EMOTIONS, (x, y, x + y, np.hypot(x - SIZE / 2, y - SIZE / 2) * 1.5, None), strict=True):
        rows = []
        for _ in range(EACH):
            value = x / SIZE if wave is None else np.sin(wave * 1.2 + random.uniform(0, 6)) * 0.4 + 0.5
            rows.append(np.clip(value * 235 + random.normal(10, 6, x.shape), 0, 255).astype(np.uint8))
        made[label] = np.stack(rows)
    return made


def write_pictures(folder: Path) -> None:
    for label, pictures in patterns().items():
        (folder / label).mkdir(parents=True)
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / label / f"{number:03d}.png")


def write_models(folder: Path) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)

    def network(classes: int = 5) -> keras.Model:
        image = keras.Input((SIZE, SIZE, 3), name="image")
        x = layers.Conv2D(1, 1, use_bias=False, trainable=False, kernel_initializer="ones", name="luma")(image)
        for width in (8, 16):
            x = layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.8)(x))
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        x = layers.Flatten()(layers.Conv2D(classes, 1)(x))
        return keras.Model(image, layers.Softmax(name="probabilities")(x))

    model = network()
    model.get_layer("luma").set_weights([np.array([0.299, 0.587, 0.114], "float32").reshape(1, 1, 3, 1)])
    pictures = np.concatenate(list(patterns().values()))
    scaled = np.repeat(pictures[..., None], 3, axis=3).astype("float32") / 255
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(scaled, np.repeat(np.arange(5), EACH), batch_size=20, epochs=12, verbose=0)
    model.save(folder / "tiny.keras")
    network(classes=7).save(folder / "seven.keras")
    keras.Model(model.input, model.layers[-2].output).save(folder / "no-softmax.keras")
    fragile(model).save(folder / "fragile.keras")
    meter().save(folder / "meter.keras")
    for made in (residual(), sequential()):
        made.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
        made.fit(scaled, np.repeat(np.arange(5), EACH), batch_size=20, epochs=12, verbose=0)
        made.save(folder / f"{made.name}.keras")


def residual() -> keras.Model:
    """A network with sums: one of two convolutions, one of a convolution and what came before it."""
    import keras
    from keras import layers

    def convolve(x: keras.KerasTensor, width: int, size: int, strides: int = 1) -> keras.KerasTensor:
        x = layers.Conv2D(width, size, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(momentum=0.8)(x)

    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.ReLU()(layers.Add()([convolve(image, 12, 3, strides=2), convolve(image, 12, 1, strides=2)]))
    x = layers.ReLU()(layers.Add()([convolve(x, 12, 3), x]))
    x = layers.Conv2D(5, 1)(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return keras.Model(image, layers.Softmax()(layers.Flatten()(x)), name="residual")


def sequential() -> keras.Model:
    """As tutorials write it: a sequential model with the softmax as the last layer's activation."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Conv2D(12, 3, strides=2, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(5, activation="softmax"),
        ],
        name="sequential",
    )


def fragile(model: keras.Model) -> keras.Model:
    """The same answers, by way of a layer in which one huge channel takes all of int8's steps from the others."""
    import keras
    from keras import layers

    features, head = model.layers[-4].output, model.layers[-3]
    count = features.shape[-1]
    widen, narrow = layers.Conv2D(count + 1, 1, use_bias=False), layers.Conv2D(5, 1)
    made = keras.Model(model.input, layers.Softmax()(layers.Flatten()(narrow(widen(features)))))
    kernel, bias = head.get_weights()
    widen.set_weights([np.concatenate([np.eye(count), np.full((count, 1), 1000)], axis=1, dtype="float32")[None, None]])
    narrow.set_weights([np.pad(kernel, ((0, 0), (0, 0), (0, 1), (0, 0))), bias])
    return made


def meter() -> keras.Model:
    """Logits: of the second class ten times the mean brightness, of the first a half, of the others zero."""
    import keras
    from keras import layers

    image = keras.Input((SIZE, SIZE, 3), name="image")
    head = layers.Conv2D(5, 1)
    x = head(layers.GlobalAveragePooling2D(keepdims=True)(image))
    kernel = np.zeros((1, 1, 3, 5), "float32")
    kernel[0, 0, :, 1] = 10 / 3
    head.set_weights([kernel, np.array([0.5, 0, 0, 0, 0], "float32")])
    return keras.Model(image, layers.Softmax()(layers.Flatten()(x)))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    write_pictures(target / "faces")
    write_models(target)

"""Writes tiny untrained models of many forms into a folder; alone, since TensorFlow and tflite-runtime clash.

Run as ``python make_models.py DIR``; with ``reference`` behind it, the described network alone, as it was trained.
Every file lacks labels; the tests add what they need.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf

SIZE = 24
REFERENCE = Path(__file__).parents[2] / "models" / "reference" / "model.keras"


def network(channels=3, classes=5, activation="softmax", batch=1, size=SIZE):
    """A convolution, pooling and a dense layer; the same weights for the same form."""
    keras.utils.set_random_seed(7)
    picture = keras.Input(batch_shape=(batch, size, size, channels))
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(picture)
    x = keras.layers.GlobalAveragePooling2D()(x)
    strong = keras.initializers.RandomNormal(stddev=6, seed=1)  # untrained, yet it shall tell things apart
    return keras.Model(picture, keras.layers.Dense(classes, activation=activation, kernel_initializer=strong)(x))


def convert(model, dtype=None):
    """Content of the .tflite file: float32, or quantized with input and output of ``dtype``."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if dtype:
        shape = (1, *model.input_shape[1:])
        random = np.random.default_rng(0)

        def pictures():
            for corner in np.ndindex((2,) * shape[-1]):  # flat pictures reach the widest range of values
                values = np.full(shape, corner, np.float32) * random.random(shape, dtype=np.float32) ** 0.1
                values.flat[:2] = 0, 1
                yield [values]

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = pictures
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = dtype
    return converter.convert()


def mean_color(total=1.0):
    """Three outputs are a third of the mean red, green and blue, the fourth what is left to ``total``."""
    picture = keras.Input(batch_shape=(1, SIZE, SIZE, 3))
    weights = np.zeros((3, 5), np.float32)
    weights[[0, 1, 2], [0, 1, 2]] = 1 / 3
    weights[:, 3] = -1 / 3
    dense = keras.layers.Dense(5)
    model = keras.Model(picture, dense(keras.layers.GlobalAveragePooling2D()(picture)))
    dense.set_weights([weights, np.array([0, 0, 0, total, 0], np.float32)])
    return model


def two_outputs():
    """A model with two outputs."""
    model = network()
    return keras.Model(model.input, [model.output, keras.layers.GlobalMaxPooling2D()(model.input)])


def flat_input():
    """A model that reads a row of numbers."""
    numbers = keras.Input(batch_shape=(1, 30))
    return keras.Model(numbers, keras.layers.Dense(5, activation="softmax")(numbers))


def reference():
    """The described network, 128x128, trained; it takes one picture."""
    trained = keras.models.load_model(REFERENCE)
    model = keras.models.clone_model(trained, keras.Input(batch_shape=(1, *trained.input_shape[1:])))
    model.set_weights(trained.get_weights())
    return model


def main(folder):
    """Write every small model."""
    models = {
        "uint8": convert(network(), tf.uint8),
        "int8": convert(network(), tf.int8),
        "float32": convert(network()),
        "mean_color": convert(mean_color()),
        "sum_0.8": convert(mean_color(0.8)),
        "sum_1.2": convert(mean_color(1.2)),
        "grey": convert(network(channels=1), tf.uint8),
        "seven": convert(network(classes=7)),
        "logits": convert(network(activation=None)),
        "four_channels": convert(network(channels=4)),
        "batch_2": convert(network(batch=2)),
        "two_outputs": convert(two_outputs()),
        "flat": convert(flat_input()),
    }
    for name, content in models.items():
        (folder / f"{name}.tflite").write_bytes(content)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    if sys.argv[2:] == ["reference"]:
        (place / "reference.tflite").write_bytes(convert(reference()))
    else:
        main(place)

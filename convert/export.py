"""From a Keras model to `.tflite` bytes, one function of the format. The only file here that imports TensorFlow."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from convert import portable
from convert.errors import ConversionError
from convert.flatbuffer import pack, shorten_names, unpack
from convert.ranges import set_ranges
from edge.errors import ModelError
from edge.labels import EMOTIONS

if TYPE_CHECKING:
    import keras

FORMATS = ("int8", "float32", "float16", "dynamic", "int16x8")


def check_file(path: Path) -> None:
    """Refuse what cannot be a Keras model, before the seconds that TensorFlow takes to load.

    Raises:
        ModelError: The file is missing or is not a `.keras` archive.
    """
    wanted = "wanted a .keras file as `python -m train fit` writes it"
    if not path.exists():
        raise ModelError(f"model {path} does not exist; train one with `python -m train fit`, or name another")
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"model {path} is not a Keras file ({error}); {wanted}") from error
    if not {"config.json", "model.weights.h5"} <= names:
        raise ModelError(f"model {path} is an archive without config.json and model.weights.h5; {wanted}")


def load(path: Path) -> keras.Model:
    """Load a trained classifier with a batch of one: a free batch size adds operators that switch XNNPACK off.

    Args:
        path: A `.keras` file.

    Returns:
        The model, input (1, height, width, 3) float32 in [0, 1], output (1, 5) probabilities.

    Raises:
        ModelError: The file does not load, or is not a classifier of our five emotions.
    """
    check_file(path)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    with quiet():
        import keras

        try:
            model = keras.saving.load_model(path, compile=False)
        except Exception as error:  # Keras raises whatever its layers raise
            raise ModelError(f"model {path} does not load: {_first_line(error)}") from error
    _check_shape(path, model)
    fixed = keras.models.clone_model(
        keras.Model(model.inputs[0], model.outputs[0]),  # a sequential model too becomes a functional one
        input_tensors=keras.Input(batch_shape=(1, *model.input_shape[1:]), dtype="float32", name="image"),
        clone_function=portable.pooling,
    )
    fixed.set_weights(model.get_weights())
    return fixed


def _check_shape(path: Path, model: keras.Model) -> None:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            f"model {path} has {len(model.inputs)} inputs, {len(model.outputs)} outputs; wanted one of each"
        )
    taken, given = tuple(model.inputs[0].shape), tuple(model.outputs[0].shape)
    if len(taken) != 4 or taken[3] != 3 or None in taken[1:] or taken[1] != taken[2]:
        raise ModelError(f"model {path} takes {taken}; wanted square RGB of a fixed size (batch, size, size, 3)")
    if given[1:] != (len(EMOTIONS),):
        raise ModelError(
            f"model {path} gives {given}; wanted {len(EMOTIONS)} classes ({', '.join(EMOTIONS)}): train it on these"
        )


def export(model: keras.Model, form: str, calibration: NDArray[np.uint8]) -> bytes:
    """Convert a model to one format.

    Args:
        model: From :func:`load`.
        form: One of :data:`FORMATS`. ``int8`` has uint8 in and out, every other one float32.
        calibration: Training pictures (N, height, width, 3) uint8 RGB; read by ``int8`` and ``int16x8``.

    Returns:
        A `.tflite` file, without our metadata.

    Raises:
        ConversionError: The converter failed.
    """
    import tensorflow as tf
    from tensorflow.lite.python.convert import mlir_quantize

    scaled = reach_ends(calibration)
    if form == "int8":
        model = portable.without_signs(model, scaled)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if form != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    match form:
        case "float16":
            converter.target_spec.supported_types = [tf.float16]
        case "dynamic":
            # Per-channel weights in dense layers need an operator version that tflite-runtime 2.14 does not have.
            converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        case "int8" | "int16x8":
            seen = scaled[:1] if form == "int8" else scaled  # ranges of int8 are ours
            converter.representative_dataset = lambda: ([picture[None]] for picture in seen)
            if form == "int8":
                converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
                converter._experimental_calibrate_only = True
            else:
                converter.target_spec.supported_ops = [
                    tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
                ]
    with quiet(), redirect_stdout(io.StringIO()):
        try:
            result: bytes = converter.convert()
            if form == "int8":
                ranged = set_ranges(result, scaled)
                result = mlir_quantize(ranged, input_data_type=tf.uint8, output_data_type=tf.int8)
        except Exception as error:  # the converter raises RuntimeError, ValueError, ConverterError...
            raise ConversionError(f"TensorFlow cannot convert this model to {form}: {_first_line(error)}") from error
    tree = unpack(result)
    if form == "int8":
        portable.end_in_softmax(tree)
    shorten_names(tree)
    return pack(tree)


def reach_ends(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pictures in [0, 1] with one black and one white pixel in each, so that the input scale is exactly 1/255.

    Then raw bytes are the quantized input. Two corner pixels are all that changes.
    """
    scaled = pictures.astype(np.float32) / np.float32(255)
    scaled[:, 0, 0] = 0.0
    scaled[:, -1, -1] = 1.0
    return scaled


def predict(model: keras.Model, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities (N, 5) of uint8 RGB pictures (N, height, width, 3) by the Keras model itself."""
    import tensorflow as tf

    call = tf.function(lambda picture: model(picture, training=False))
    scaled = (picture[None].astype(np.float32) / np.float32(255) for picture in pictures)
    return np.concatenate([call(tf.constant(picture)).numpy() for picture in scaled])


def versions() -> dict[str, str]:
    """Versions of what made the file."""
    import keras
    import tensorflow as tf

    return {"tensorflow": tf.__version__, "keras": keras.__version__}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the converter's native chatter off standard error, unless something goes wrong."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


def _first_line(error: BaseException) -> Any:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


__all__ = ["FORMATS", "check_file", "export", "load", "predict", "reach_ends", "versions"]

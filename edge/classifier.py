"""Reads the emotion of face crops with a TFLite model; everything it needs to know stands in the model file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.labels import EMOTIONS
from edge.metadata import ModelMetadata, read_metadata
from edge.preprocess import InputSpec
from edge.runtime import load

_DTYPES = (np.uint8, np.int8, np.float32)


def default_model_path() -> Path:
    """The shipped model: inside the package when installed, in ``models/`` of a checkout."""
    packaged = Path(__file__).parent / "models" / "emotion.tflite"
    return packaged if packaged.is_file() else Path(__file__).parent.parent / "models" / "emotion.tflite"


class Classifier:
    """A conforming model, ready to run. Not safe to share between threads: make one a thread.

    A conforming model has one input (1, height, width, 1 or 3) of uint8, int8 or float32 that means RGB scaled to
    [0, 1], one output (1, 5) of probabilities, and carries the five labels, in any order, in its metadata.

    Args:
        path: The ``.tflite`` file; by default the shipped one.
        threads: Threads for one inference; by default cores minus one.

    Attributes:
        path: The model file.
        metadata: What the file says about itself.
        runtime: Interpreter, its name, version and delegate.
        labels: Output labels in the model's order.
        input_spec: How it wants its faces: size, channels, crop margin, brightening.
        threshold: Confidence below which a prediction is not confident.

    Raises:
        ModelError: The file is missing, damaged or does not conform.
        RuntimeMissingError: There is no interpreter that works.
    """

    def __init__(self, path: Path | str | None = None, *, threads: int | None = None) -> None:
        self.path = Path(path) if path is not None else default_model_path()
        content = _read_model(self.path)
        self.metadata = _read_conforming(content, self.path)
        self.labels = self.metadata.labels
        self.threshold = self.metadata.threshold
        try:
            self.runtime = load(content, threads)
            self._interpreter = self.runtime.interpreter
            self._bind()
        except ModelError as error:
            raise ModelError(f"{self.path}: {error}") from error

    def classify(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Probabilities of face crops, which are brightened and resized as the model file states.

        Args:
            crops: RGB face crops, each uint8 (H, W, 3), of any size.

        Returns:
            float32 (N, labels); each row sums to 1.
        """
        return self.predict([self.input_spec.prepare(crop) for crop in crops])

    def predict(self, inputs: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Probabilities of prepared faces.

        Args:
            inputs: What ``input_spec.prepare`` gives, each uint8 (height, width, channels).

        Returns:
            float32 (N, labels); each row sums to 1.
        """
        result = np.zeros((len(inputs), len(self.labels)), np.float32)
        for row, pixels in zip(result, inputs, strict=True):
            row[:] = self._run(pixels)
        return result

    def _run(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self._table is None:
            data: NDArray[Any] = pixels
        else:
            data = self._table[pixels]
        self._interpreter.set_tensor(self._input, data[np.newaxis])
        self._interpreter.invoke()
        values = self._interpreter.get_tensor(self._output)[0].astype(np.float32)
        if self._out_zero:
            values -= self._out_zero
        values *= self._out_scale
        total = float(values.sum())
        if not 0.9 < total < 1.1 or (self._may_be_negative and values.min() < -0.01):
            raise ModelError(f"{self.path}: outputs are not probabilities (sum {total:.3g}); wanted a softmax output")
        if self._may_be_negative:
            values = np.maximum(values, 0)
        values /= total
        return np.asarray(values, np.float32)

    def _bind(self) -> None:
        """Check the model's form, keep its tensors' numbers and quantization, and run it once."""
        source, sink = (
            _only(self._interpreter.get_input_details(), "input"),
            _only(self._interpreter.get_output_details(), "output"),
        )
        shape, dtype = tuple(int(n) for n in source["shape"]), source["dtype"]
        if len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3) or min(shape[1:3]) < 8:
            raise ModelError(f"input has shape {shape}; wanted (1, height, width, 3) or (1, height, width, 1)")
        if dtype not in _DTYPES or sink["dtype"] not in _DTYPES:
            raise ModelError(
                f"input is {np.dtype(dtype).name}, output {np.dtype(sink['dtype']).name}; wanted uint8, int8 or float32"
            )
        out_shape = tuple(int(n) for n in sink["shape"])
        if out_shape != (1, len(self.labels)):
            raise ModelError(f"output has shape {out_shape}; wanted (1, {len(self.labels)}), one value a label")
        self.input_spec = InputSpec(*shape[1:], self.metadata.crop_margin, self.metadata.brighten)
        self._input, self._output = source["index"], sink["index"]
        self._table = _input_table(dtype, *source["quantization"])
        scale, self._out_zero = sink["quantization"]
        self._out_scale = np.float32(scale or 1.0)
        whole = sink["dtype"] != np.float32
        self._may_be_negative = not (whole and self._out_zero <= np.iinfo(sink["dtype"]).min)
        self._run(np.full(shape[1:], 128, np.uint8))


def _input_table(dtype: Any, scale: float, zero_point: int) -> NDArray[Any] | None:
    """What each of the 256 pixel values becomes in the model's input; None when bytes go in as they are."""
    unit = np.arange(256, dtype=np.float32) / np.float32(255)
    if dtype == np.float32:
        return unit
    if not scale:
        raise ModelError(f"input is {np.dtype(dtype).name} without a quantization scale; wanted one such as 1/255")
    limits = np.iinfo(dtype)
    table = np.clip(np.round(unit / scale) + zero_point, limits.min, limits.max).astype(dtype)
    if dtype == np.uint8 and np.array_equal(table, np.arange(256)):
        return None
    return np.asarray(table)


def _only(details: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    if len(details) != 1:
        raise ModelError(f"the model has {len(details)} {kind}s; wanted one")
    return details[0]


def _read_model(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"model {path} cannot be read: {error.strerror or error}; name another with --model"
        ) from error
    if content[4:8] != b"TFL3":
        raise ModelError(f"{path} is not a TensorFlow Lite model ({len(content)} bytes, no TFL3 mark)")
    return content


def _read_conforming(content: bytes, path: Path) -> ModelMetadata:
    """Metadata with the five labels; checked before the interpreter sees it, as tflite-runtime dies on half a file."""
    try:
        metadata = read_metadata(content)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    if not metadata.labels:
        raise ModelError(
            f"{path} carries no labels: it is cut off, or was written without metadata; "
            "wanted labels.txt inside the file, as `python -m convert` writes it"
        )
    if sorted(metadata.labels) != sorted(EMOTIONS):
        raise ModelError(f"{path} has the labels {', '.join(metadata.labels)}; wanted {', '.join(EMOTIONS)}")
    return metadata


__all__ = ["Classifier", "default_model_path"]

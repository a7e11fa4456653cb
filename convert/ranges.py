"""What int8's 255 steps are spread over: the values that nine of ten pictures keep within.

Spread over every value that any calibration picture gave, the steps would be as wide as the rarest one asks for, and
every output less exact. TensorFlow's own calibration does that, so its ranges are replaced before it quantizes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convert.flatbuffer import pack, unpack

SHARE = 0.9  # of the pictures


def span(lowest: Sequence[float], highest: Sequence[float]) -> tuple[float, float]:
    """The range of a tensor, from the lowest and the highest value in each picture; zero is always in it."""
    return min(float(np.quantile(lowest, 1 - SHARE)), 0.0), max(float(np.quantile(highest, SHARE)), 0.0)


def set_ranges(calibrated: bytes, pictures: NDArray[np.float32]) -> bytes:
    """Replace the ranges that the converter has found.

    Args:
        calibrated: A float `.tflite` file in which the tensors to quantize have a range.
        pictures: Calibration pictures (N, height, width, 3) float32 in [0, 1].

    Returns:
        The same file with the :func:`span` of each of these tensors over the pictures.
    """
    import tensorflow as tf

    tree = unpack(calibrated)
    ranged = [
        (index, tensor.quantization)
        for index, tensor in enumerate(tree.subgraphs[0].tensors)
        if tensor.quantization is not None and tensor.quantization.min is not None
    ]
    interpreter = tf.lite.Interpreter(model_content=calibrated, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    (image,) = interpreter.get_input_details()
    seen = []
    for picture in pictures:
        interpreter.set_tensor(image["index"], picture[None])
        interpreter.invoke()
        values = (interpreter.get_tensor(index) for index, _ in ranged)
        seen.append([(float(value.min()), float(value.max())) for value in values])
    for (_, quantization), ends in zip(ranged, np.moveaxis(np.array(seen), 0, -1), strict=True):
        low, high = span(*ends)
        quantization.min, quantization.max = np.array([low], np.float32), np.array([high], np.float32)
    return pack(tree)


__all__ = ["SHARE", "set_ranges", "span"]

"""A small network of our own that tells a face, also half of one, from what resembles one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.detectors.view import around
from edge.preprocess import to_gray
from edge.runtime import load
from edge.types import Box

SPAN, SIDE_PX = 1.25, 40  # of what it is shown: widths of the face, and pixels
LIFT = 12.0  # of the log odds in the file: runtimes round what is negative in two ways
CONTRAST, LEAST = 40.0, 4.0  # standard deviation of what it is shown, and the least that counts as one


class Likeness:
    """How much a part of a picture looks like a face. Not safe to share between threads: make one a thread.

    It was trained by ``benchmarks/closer_network.py``.

    Raises:
        RuntimeMissingError: There is no interpreter that works.
    """

    def __init__(self) -> None:
        self._interpreter = load(Path(__file__).with_name("closer.tflite"), threads=1).interpreter
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def log_odds(self, image: NDArray[np.uint8], box: Box, roll_deg: float = 0.0) -> float:
        """The log odds that there is a face.

        Args:
            image: uint8 (H, W, 3) RGB or (H, W) grey.
            box: Where, in pixels of ``image``.
            roll_deg: By how much the head is rotated clockwise, in degrees.
        """
        shown = around(image, box, SPAN, SIDE_PX, roll_deg).image
        self._interpreter.set_tensor(self._input, prepared(shown if shown.ndim == 2 else to_gray(shown))[None])
        self._interpreter.invoke()
        return float(self._interpreter.get_tensor(self._output)[0, 0]) - LIFT


def prepared(gray: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.uint8]:
    """Grey (40, 40) with mean 128 and standard deviation 40, as the network takes it: uint8 (40, 40, 1)."""
    values = gray.astype(np.float32)
    scale = CONTRAST / max(float(values.std()), LEAST)
    return np.asarray(((values - values.mean()) * scale + 128.5).clip(0, 255)[..., None], np.uint8)


__all__ = ["LIFT", "SIDE_PX", "SPAN", "Likeness", "prepared"]

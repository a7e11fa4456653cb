"""A picture file to its result, whatever is wrong with it: `predict` and `bulk` read through this."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.classifier import Classifier
from edge.decoding import MAX_BYTES, MAX_PIXELS
from edge.detectors import DetectorName
from edge.errors import ImageError
from edge.images import open_image
from edge.naming import unicode_name
from edge.opencv import cv2
from edge.pipeline import Pipeline
from edge.types import FrameResult


class PictureReader:
    """Reads files as the options of ``edge.cli.options.reading_options`` say. Not safe to share between threads.

    Args:
        model: A ``.tflite`` file; None for the shipped model.
        threads: Threads for one inference; None for the cores minus one.
        max_megapixels: Larger pictures are refused before they are decoded.
        max_decode_mb: So are pictures that take more memory to decode, in megabytes.
        no_detect: Each picture already is the crop of one face.
        detector: What finds faces; see ``Pipeline``.
        **settings: Passed on to ``Pipeline``.

    Raises:
        EdgeError: The model or what it runs on cannot be used.
    """

    def __init__(
        self,
        *,
        model: str | Path | None = None,
        threads: int | None = None,
        max_megapixels: float = MAX_PIXELS / 1e6,
        max_decode_mb: float = MAX_BYTES / 1e6,
        no_detect: bool = False,
        detector: DetectorName = "auto",
        **settings: Any,
    ) -> None:
        self.pipeline = Pipeline(Classifier(model, threads=threads), "none" if no_detect else detector, **settings)
        self._limits = {"max_pixels": round(max_megapixels * 1e6), "max_bytes": round(max_decode_mb * 1e6)}

    def read(self, picture: str | bytes, source: str | None = None) -> tuple[FrameResult, NDArray[np.uint8] | None]:
        """Read one picture.

        Args:
            picture: A file's path, or the encoded picture itself.
            source: Name that the result carries; by default the path.

        Returns:
            The result, with ``error`` where the picture cannot be read, and the picture, uint8 (H, W, 3) RGB and
            perhaps reduced, or None.
        """
        name = source if source is not None else unicode_name(picture) if isinstance(picture, str) else ""
        started = perf_counter()
        try:
            image = open_image(picture, **self._limits)
        except ImageError as error:
            return FrameResult(name, 0, 0, error=str(error)), None
        decoded = perf_counter()
        try:
            result = self.pipeline.analyze(image, source=name)
        except (cv2.error, MemoryError) as error:
            return FrameResult(
                name, 0, 0, error=f"cannot be searched at {image.width}x{image.height} pixels: {error}"
            ), None
        return replace(result, timing_ms={"decode": (decoded - started) * 1e3, **result.timing_ms}), image.rgb


__all__ = ["PictureReader"]

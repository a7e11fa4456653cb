"""Where detector, preprocessing and classifier meet: one picture in, its faces and their emotions out."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.classifier import Classifier
from edge.detector import Detector
from edge.preprocess import brighten, crop_face, to_gray
from edge.types import Box, Face, FrameResult

FaceChoice = Literal["all", "largest"]


class Pipeline:
    """Finds the faces of a picture and reads each.

    Args:
        classifier: The model.
        detector: Finds the faces; None when every picture already is one face.
        threshold: Confidence below which an answer counts as a guess.
        faces: Every face, or the one of largest area, cropped exactly at its box whatever margin the model asks for.
    """

    def __init__(
        self,
        classifier: Classifier,
        detector: Detector | None,
        *,
        threshold: float = 0.35,
        faces: FaceChoice = "all",
    ) -> None:
        self.classifier = classifier
        self.detector = detector
        self.threshold = threshold
        self.faces = faces

    def analyze(self, image_rgb: NDArray[np.uint8], *, source: str = "") -> FrameResult:
        """Read one picture.

        Args:
            image_rgb: uint8 (H, W, 3).
            source: Name that the result carries.

        Returns:
            Faces, largest first. Without one, the whole picture stands in and ``fallback`` is true.
        """
        height, width = image_rgb.shape[:2]
        whole = Box(0, 0, width, height)
        started = perf_counter()
        boxes = [whole] if self.detector is None else self.detector.detect(to_gray(image_rgb))
        found = perf_counter()
        fallback = not boxes
        if fallback:
            boxes = [whole]
        elif self.faces == "largest":
            boxes = boxes[:1]
        faces = self.read_faces(image_rgb, boxes)
        timing = {"detect": (found - started) * 1e3, "classify": (perf_counter() - found) * 1e3}
        return FrameResult(source, width, height, faces, fallback, timing_ms=timing)

    def read_faces(self, image_rgb: NDArray[np.uint8], boxes: Sequence[Box]) -> tuple[Face, ...]:
        """Classify known faces.

        Args:
            image_rgb: uint8 (H, W, 3).
            boxes: Where the faces are, in pixels of ``image_rgb``.

        Returns:
            One face a box, in the same order.
        """
        if self.faces == "largest":  # the described pipeline, to the letter
            crops = [crop_face(image_rgb, box) for box in boxes]
        else:
            crops = [brighten(crop_face(image_rgb, box, self.classifier.crop_margin)) for box in boxes]
        rows = self.classifier.classify(crops)
        return tuple(self._face(box, row) for box, row in zip(boxes, rows, strict=True))

    def _face(self, box: Box, row: NDArray[np.float32]) -> Face:
        best = int(row.argmax())
        confidence = float(row[best])
        probabilities = dict(zip(self.classifier.labels, row.tolist(), strict=True))
        return Face(box, self.classifier.labels[best], confidence, confidence >= self.threshold, probabilities)


__all__ = ["FaceChoice", "Pipeline"]

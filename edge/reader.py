"""The one place where a known face is read: crop, brighten, resize, classify, compare with the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.classifier import Classifier
from edge.types import Detection, Face


class FaceReader:
    """Reads faces whose boxes are known; pictures, streams and the kiosk all read through it.

    Args:
        classifier: The model, which states how faces are cropped and brightened.
        threshold: Confidence from which a prediction is confident, 0 to 1; None for the model's own.
    """

    def __init__(self, classifier: Classifier, threshold: float | None = None) -> None:
        self.classifier = classifier
        self.threshold = classifier.threshold if threshold is None else float(threshold)

    def probabilities(self, rgb: NDArray[np.uint8], faces: Sequence[Detection] | None) -> NDArray[np.float32]:
        """Classify the faces of one picture.

        Args:
            rgb: uint8 (H, W, 3).
            faces: Where they are, in pixels of ``rgb``; None when the picture already is the crop of one face.

        Returns:
            float32 (N, labels), a row a face; each sums to 1.
        """
        prepare = self.classifier.input_spec.prepare
        if faces is None:
            return self.classifier.predict([prepare(rgb)])
        return self.classifier.predict([prepare(rgb, face.box, face.roll_deg) for face in faces])

    def face(
        self,
        found: Detection,
        size: tuple[int, int],
        probabilities: NDArray[Any],
        *,
        emotion: int | None = None,
        track: int | None = None,
        raw: NDArray[Any] | None = None,
        fallback: bool = False,
    ) -> Face:
        """A face from its probabilities.

        Args:
            found: Where it is, in pixels of its picture.
            size: The picture's width and height in pixels; the face's box is clipped to it.
            probabilities: float (labels,), in the model's order.
            emotion: Index of the label that is shown; by default the most probable one.
            track: Its identity across frames.
            raw: This frame's own probabilities, float (labels,), where the others are smoothed.
            fallback: No face was found, and ``box`` is the whole picture: that is never confident.
        """
        labels = self.classifier.labels
        shown = int(np.argmax(probabilities)) if emotion is None else emotion
        return Face(
            box=found.box.clipped(*size),
            emotion=labels[shown],
            confidence=float(probabilities[shown]),
            # By the largest: a shown label that is about to give way says nothing about how sure the answer is.
            confident=float(probabilities.max()) >= self.threshold and not fallback,
            probabilities=dict(zip(labels, probabilities.tolist(), strict=True)),
            track=track,
            raw=None if raw is None else dict(zip(labels, raw.tolist(), strict=True)),
            roll_deg=found.roll_deg,
            landmarks=found.landmarks,
        )


__all__ = ["FaceReader"]

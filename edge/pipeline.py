"""Pictures or frames in, their faces and what they show out: the door for programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from edge.classifier import Classifier
from edge.detectors import Detector, DetectorName, detector_name, make_detector
from edge.images import Picture, as_image
from edge.reader import FaceReader
from edge.types import Box, Detection, FrameResult

FaceChoice = Literal["all", "largest"]


class Pipeline:
    """Finds the faces of pictures or frames and reads each. Not safe to share between threads: make one a thread.

    Args:
        model: A ``.tflite`` file or a ``Classifier``; None for the shipped model.
        detector: Finds the faces: "yunet", "haar" (the described cascade), "auto" (YuNet where it can run, else the
            cascade), an object that finds them, or "none" when every picture already is the crop of one face.
        detector_model: Another file of YuNet.
        min_face: Smallest face that counts, as a share of the picture's height, 0 to 1; None finds faces of 24 pixels
            in a picture of 640x480.
        threshold: Confidence from which a prediction is confident, 0 to 1; None for the model's own.
        faces: Every face, or only the one of largest area.
        fallback: Read the whole picture where no face is found; without, such a picture has no faces.

    Raises:
        ModelError: The model is missing, damaged or does not conform.
        RuntimeMissingError: There is no interpreter that works, or OpenCV lacks what the detector needs.
    """

    def __init__(
        self,
        model: str | Path | Classifier | None = None,
        detector: DetectorName | Literal["none"] | Detector = "auto",
        *,
        detector_model: str | Path | None = None,
        min_face: float | None = None,
        threshold: float | None = None,
        faces: FaceChoice = "all",
        fallback: bool = True,
    ) -> None:
        self.classifier = model if isinstance(model, Classifier) else Classifier(model)
        self.reader = FaceReader(self.classifier, threshold)
        self.detector: Detector | None = None
        if detector != "none":
            self.detector = make_detector(detector, detector_model) if isinstance(detector, str) else detector
        self.min_face = min_face
        # Streams use the cascade in a quicker way than the described one.
        by_name = isinstance(detector, str) and detector_name(self.detector) == "haar"
        self._streamed: Detector | DetectorName = "haar" if by_name else self.detector or "auto"
        self.faces = faces
        self.fallback = fallback

    @property
    def detector_facts(self) -> str:
        """Name of the detector, and for YuNet the SHA-256 of its file: predictions depend on both."""
        content = getattr(self.detector, "sha256", "")
        return f"{detector_name(self.detector)} {content}".strip()

    def analyze(self, picture: Picture, *, bgr: bool = False, source: str | None = None) -> FrameResult:
        """Read one picture.

        Args:
            picture: A file's path, an encoded picture as bytes, a PIL image, or a uint8 array: (H, W) grey or
                (H, W, 3) RGB.
            bgr: An array's colours are in OpenCV's order, blue first.
            source: Name that the result carries; by default the path.

        Returns:
            Faces, largest first; boxes are in pixels of the upright picture, also where a reduced copy was read. Where
            none is found, the whole picture stands in: ``fallback`` is then true, and that is never ``confident``.

        Raises:
            ImageError: The picture is missing, damaged, or of another form.
        """
        image = as_image(picture, bgr=bgr)
        image_rgb = image.rgb
        height, width = image_rgb.shape[:2]
        started = perf_counter()
        detections = None
        if self.detector is not None:
            from edge.detectors.pictures import find_faces  # not needed for crops of faces

            detections = find_faces(self.detector, image_rgb, self.min_face)
        found = perf_counter()
        if self.faces == "largest" and detections:
            detections = detections[:1]
        whole = not detections and (detections is None or self.fallback)
        fallback = detections == [] and whole
        shown = [Detection(Box(0, 0, width, height))] if whole else detections or []
        rows = self.reader.probabilities(image_rgb, None if whole else shown)
        size = image.width, image.height
        faces = tuple(
            self.reader.face(image.place(one), size, row, fallback=fallback)
            for one, row in zip(shown, rows, strict=True)
        )
        timing = {"detect": (found - started) * 1e3, "classify": (perf_counter() - found) * 1e3}
        name = source if source is not None else str(picture) if isinstance(picture, str | Path) else ""
        used = detector_name(self.detector)
        return FrameResult(name, *size, faces, fallback=fallback, timing_ms=timing, detector=used)

    def follow(self, source: str | Path | int, **settings: Any) -> Iterator[FrameResult]:
        """Follow the faces of a video, camera, folder or network stream.

        Args:
            source: What ``emotion-edge stream --source`` takes; a camera's number and a path as such, too.
            **settings: Passed on to ``Stream``: smooth_s, hold_s, detect_every, timeout_s, retries...

        Yields:
            A result a frame: its faces carry their ``track``, its ``image`` is the frame. Leaving the loop closes the
            source. Results without a frame, which say that a camera is away or a video has ended, are left out;
            ``Stream.results`` has them.

        Raises:
            SourceError: The source cannot be opened, or was lost and did not come back.
        """
        from edge.sources import open_source
        from edge.stream import Stream

        stream = Stream(
            open_source(str(source)),
            self._streamed,
            self.classifier,
            threshold=self.reader.threshold,
            faces=self.faces,
            min_face=self.min_face,
            **settings,
        )
        with closing(stream.results()) as results:
            yield from (result for result in results if result.image is not None)


__all__ = ["FaceChoice", "Pipeline"]

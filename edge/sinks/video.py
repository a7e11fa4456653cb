"""Pictures with the results drawn in: as a video file, or as MJPEG on standard output."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.annotate import annotate
from edge.errors import OutputError
from edge.opencv import cv2
from edge.types import FrameResult

log = logging.getLogger(__name__)


class VideoSink:
    """Writes an annotated video; a picture of another size starts another file (``name-2.mp4``).

    Args:
        path: ``.mp4``, ``.avi`` or ``.mkv``.
        fps: Frames a second to play it with.
    """

    def __init__(self, path: Path, *, fps: float = 25.0) -> None:
        if path.suffix.lower() not in _CODECS:
            raise OutputError(f"cannot write {path} as a video; wanted a name that ends in {', '.join(_CODECS)}")
        if not path.parent.is_dir():
            raise OutputError(f"cannot write {path}: {path.parent} is no folder; make it first")
        self._path = path
        self._fps = fps
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._parts = 0

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Add one picture with its faces marked."""
        if rgb is None:
            return
        size = rgb.shape[1], rgb.shape[0]
        if self._writer is None or size != self._size:
            self._start(size)
        if self._writer is not None:
            self._writer.write(cv2.cvtColor(annotate(rgb, result), cv2.COLOR_RGB2BGR))

    def reopen(self) -> None:
        """A video cannot be continued elsewhere: nothing happens."""

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None

    def _start(self, size: tuple[int, int]) -> None:
        self.close()
        self._parts += 1
        self._size = size
        path = self._path if self._parts == 1 else self._path.with_stem(f"{self._path.stem}-{self._parts}")
        codec = cv2.VideoWriter.fourcc(*_CODECS[path.suffix.lower()])
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, codec, self._fps, size)
        if not writer.isOpened():
            raise OutputError(f"cannot write the video {path}; give a place that can be written")
        self._writer = writer


class MjpegSink:
    """Writes annotated pictures to standard output, JPEG after JPEG.

    Args:
        quality: JPEG quality, 1 to 100.
    """

    def __init__(self, *, quality: int = 85) -> None:
        self._quality = quality

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Write one picture; raises BrokenPipeError when nobody reads."""
        if rgb is None:
            return
        bgr = cv2.cvtColor(annotate(rgb, result), cv2.COLOR_RGB2BGR)
        good, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        if good:
            left = memoryview(data.tobytes())
            while left:
                left = left[os.write(sys.stdout.fileno(), left) :]

    def reopen(self) -> None:
        """Nothing to open anew."""

    def close(self) -> None:
        """Standard output stays open."""


_CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "mp4v"}

__all__ = ["MjpegSink", "VideoSink"]

"""Video files, cameras that Linux knows (V4L2), and network streams, all read through OpenCV."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np

from edge.errors import CameraLostError, SourceError
from edge.opencv import cv2
from edge.sources.base import Frame, SourceBase


class VideoSource(SourceBase):
    """A recording: every frame, at the times its frame rate gives.

    Args:
        path: Any file that OpenCV's FFmpeg reads.
    """

    live = False

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self.name = str(path)
        self._capture: cv2.VideoCapture | None = None
        self._next = 0
        self._fps = 0.0

    def open(self) -> None:
        """Open the file; raises SourceError."""
        if not self._path.is_file():
            raise SourceError(f"no such video: {self._path}; give an existing file, a camera number or an address")
        capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise SourceError(f"cannot read {self._path} as a video; give a file that FFmpeg can decode")
        fps = capture.get(cv2.CAP_PROP_FPS)
        self._capture, self._next = capture, 0
        self._fps = fps if 0 < fps <= 1000 else 25.0

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, or None after the last."""
        if self._capture is None:
            raise SourceError(f"{self.name} is not open")
        started = time.perf_counter()
        good, bgr = self._capture.read()
        if not good or bgr is None:
            if self._next == 0:
                raise CameraLostError(f"{self.name} holds no frame that can be decoded")
            return None
        rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
        time_s = self._next / self._fps
        self._next += 1
        return Frame(rgb, time_s, read_ms=(time.perf_counter() - started) * 1000)

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


class CameraSource(SourceBase):
    """A camera or a network stream: live, the newest frame counts.

    Args:
        address: Camera number, device path, or rtsp:// or http:// address.
        size: Wanted width and height in pixels, for cameras; they may deliver another.
        fps: Wanted frames a second, for cameras.
        timeout_s: Limit for opening and for each read of network streams.
    """

    live = True

    def __init__(
        self,
        address: int | str,
        *,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        self._address = address
        self._size = size
        self._fps = fps
        self._timeout_s = timeout_s
        self.name = without_password(str(address))
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> None:
        """Open the camera or connect; raises SourceError."""
        network = isinstance(self._address, str) and "://" in self._address
        if network:
            limit_ms = int(self._timeout_s * 1000)
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit_ms]
            capture = cv2.VideoCapture(str(self._address), cv2.CAP_FFMPEG, limits)
        elif isinstance(self._address, str) and not Path(self._address).exists():
            raise SourceError(f"no camera at {self._address}; plug it in or give another --source")
        else:
            capture = cv2.VideoCapture(self._address, cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            what = "connect to" if network else "open camera"
            raise SourceError(f"cannot {what} {self.name}; check that it is there and that no other program uses it")
        if not network:
            self._ask_for(capture)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._capture = capture

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame; raises CameraLostError when there is none."""
        if self._capture is None:
            raise CameraLostError(f"{self.name} is not open")
        good, bgr = self._capture.read()
        if not good or bgr is None:
            raise CameraLostError(f"{self.name} stopped delivering frames")
        now = time.monotonic()
        color = cv2.COLOR_GRAY2RGB if bgr.ndim == 2 else cv2.COLOR_BGR2RGB
        rgb = np.asarray(cv2.cvtColor(bgr, color), dtype=np.uint8)
        return Frame(rgb, now, captured_s=now)

    def close(self) -> None:
        """Let the camera go."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _ask_for(self, capture: cv2.VideoCapture) -> None:
        if self._size is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
        if self._fps is not None:
            capture.set(cv2.CAP_PROP_FPS, self._fps)


def without_password(address: str) -> str:
    """An address fit for logs and results: ``rtsp://user:secret@host/x`` becomes ``rtsp://user@host/x``."""
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1@", address)


__all__ = ["CameraSource", "VideoSource", "without_password"]

"""Cameras that Linux knows (V4L2) and network streams, read through OpenCV."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import CameraLostError, SourceError
from edge.opencv import cv2
from edge.sources.address import is_address, without_password
from edge.sources.base import Frame, SourceBase

if TYPE_CHECKING:
    from edge.sources.snapshot import Snapshots


class CameraSource(SourceBase):
    """A camera or a network stream: live, the newest frame counts.

    An address that gives one picture at a time (``image/jpeg``) is asked again and again.

    Args:
        address: Camera number, device path, or an address such as rtsp:// or http://.
        size: Wanted width and height in pixels, for cameras; they may deliver another.
        fps: Wanted frames a second, for cameras and single pictures.
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
        self._wanted_fps = fps
        self._timeout_s = timeout_s
        self.name = without_password(str(address))
        self._capture: cv2.VideoCapture | None = None
        self._snapshots: Snapshots | None = None
        self._frames = 0

    def open(self) -> None:
        """Open the camera or connect; raises SourceError, which names the cause."""
        self._frames = 0
        self._capture = self._connect(str(self._address)) if is_address(self.name) else self._start(self._address)
        if self._capture is not None:
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame; raises CameraLostError when there is none."""
        if self._snapshots is not None:
            return self._snapshots.read()
        if self._capture is None:
            raise CameraLostError(f"{self.name} is not open")
        good, bgr = self._capture.read()
        if not good or bgr is None:
            # FFmpeg shows the picture of a snapshot address as a stream of one frame.
            if self._frames <= 1 and self._poll() and self._snapshots is not None:
                return self._snapshots.read()
            raise CameraLostError(f"{self.name} stopped delivering frames")
        self._frames += 1
        now = time.monotonic()
        color = cv2.COLOR_GRAY2RGB if bgr.ndim == 2 else cv2.COLOR_BGR2RGB
        rgb = np.asarray(cv2.cvtColor(bgr, color), dtype=np.uint8)
        return Frame(rgb, now, captured_s=now)

    def close(self) -> None:
        """Let the camera go."""
        self._snapshots = None
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _connect(self, address: str) -> cv2.VideoCapture | None:
        limit_ms = int(self._timeout_s * 1000)
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit_ms]
        capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)
        if capture.isOpened():
            return capture
        capture.release()
        if self._poll():
            return None
        from edge.sources.causes import network_cause

        raise SourceError(f"cannot connect to {self.name}: {network_cause(address, self._timeout_s)}")

    def _start(self, camera: int | str) -> cv2.VideoCapture:
        path = Path(f"/dev/video{camera}" if isinstance(camera, int) else camera)
        # A path that is not there would make OpenCV look for other things by that name.
        if path.exists():
            capture = cv2.VideoCapture(camera, cv2.CAP_V4L2)
            if capture.isOpened():
                self._ask_for(capture)
                return capture
            capture.release()
        from edge.sources.causes import camera_cause

        raise SourceError(camera_cause(path, self.name))

    def _ask_for(self, capture: cv2.VideoCapture) -> None:
        # Raw pictures above 640x480 do not fit through USB 2 at full rate. It comes first, as it resets the rest.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        if self._size is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
        if self._wanted_fps is not None:
            capture.set(cv2.CAP_PROP_FPS, self._wanted_fps)

    def _poll(self) -> bool:
        """Whether the address gives single pictures; they are asked for from here on."""
        from edge.sources.snapshot import Snapshots, gives_pictures

        address = str(self._address)
        if not gives_pictures(address, self._timeout_s):
            return False
        self.close()
        self._snapshots = Snapshots(address, self.name, fps=self._wanted_fps, timeout_s=self._timeout_s)
        return True


__all__ = ["CameraSource"]

"""Which camera, video or demonstration a kiosk looks at."""

from __future__ import annotations

import copy
import logging
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from edge.errors import RecordingError
from edge.kiosk.settings import KioskSettings
from edge.sources import SourceOptions, open_source
from edge.sources.base import Frame, FrameSource, SourceBase
from edge.sources.paced import PacedSource

log = logging.getLogger(__name__)

DEMO = "synthetic:2"


class LoopedSource(SourceBase):
    """A recording that starts over at its end, also at an early one; its clock goes on.

    Args:
        source: The recording.
    """

    live = False

    def __init__(self, source: FrameSource) -> None:
        self.name = source.name
        self._source = source
        self._offset_s = self._last_s = self._step_s = 0.0

    def __copy__(self) -> LoopedSource:
        return LoopedSource(copy.copy(self._source))

    def open(self) -> None:
        """Open the recording."""
        self._source.open()
        self._offset_s = self._last_s = self._step_s = 0.0

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame; after the last the first."""
        frame = self._next(timeout_s)
        if frame is None:
            self._source.close()
            self._source.open()
            frame = self._source.read(timeout_s)
            self._offset_s = self._last_s + self._step_s
        if frame is None:
            return None
        time_s = self._offset_s + frame.time_s
        self._last_s, self._step_s = time_s, time_s - self._last_s
        return replace(frame, time_s=time_s)

    def _next(self, timeout_s: float) -> Frame | None:
        try:
            return self._source.read(timeout_s)
        except RecordingError as error:
            if self._last_s == 0:
                raise
            log.warning("%s; starting over", error)
            return None

    def close(self) -> None:
        """Close the recording."""
        self._source.close()


def choose_source(config: KioskSettings) -> FrameSource | None:
    """The source that the settings mean, not opened yet; None for the upload page alone.

    Raises:
        SourceError: The word means nothing.
    """
    if config.source == "none":
        return None
    spec = find_camera() if config.source == "auto" else DEMO if config.source == "demo" else config.source
    options = SourceOptions(size=config.size, rotate=config.rotate, flip=config.flip)
    source = open_source(spec, options)
    return source if source.live else PacedSource(LoopedSource(source))


def find_camera(devices: Path = Path("/dev")) -> str:
    """``picamera`` where libcamera knows a camera, else the first video device, else the demonstration."""
    with suppress(Exception):  # without Picamera2, or where it cannot be used
        from picamera2 import Picamera2

        # libcamera lists USB cameras too, which V4L2 serves better (MJPEG, hence full rate at full size).
        own = [info for info in Picamera2.global_camera_info() if "/usb" not in str(info.get("Id", ""))]
        if own:
            number = int(own[0].get("Num", 0))
            return f"picamera:{number}" if number else "picamera"
    device = next(iter(sorted(devices.glob("video[0-9]"))), None)
    if device is not None:
        return str(device)
    log.warning("no camera was found: showing drawn faces instead; name a camera or a video with --source")
    return DEMO


__all__ = ["DEMO", "LoopedSource", "choose_source", "find_camera"]

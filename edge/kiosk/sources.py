"""Which camera, video or demonstration a kiosk looks at."""

from __future__ import annotations

import copy
import logging
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from edge.kiosk.config import KioskConfig
from edge.sources import SourceOptions, open_source
from edge.sources.base import Frame, FrameSource, SourceBase
from edge.sources.paced import PacedSource

log = logging.getLogger(__name__)

DEMO = "synthetic:2"


class LoopedSource(SourceBase):
    """A recording that starts over at its end; its clock goes on.

    Args:
        source: The recording.
    """

    live = False

    def __init__(self, source: FrameSource) -> None:
        self.name = source.name
        self._source = source
        self._offset_s = self._last_s = 0.0

    def __copy__(self) -> LoopedSource:
        return LoopedSource(copy.copy(self._source))

    def open(self) -> None:
        """Open the recording."""
        self._source.open()
        self._offset_s = self._last_s = 0.0

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame; after the last the first."""
        frame = self._source.read(timeout_s)
        if frame is None:
            self._source.close()
            self._source.open()
            frame = self._source.read(timeout_s)
            self._offset_s = self._last_s + 0.04
        if frame is None:
            return None
        self._last_s = self._offset_s + frame.time_s
        return replace(frame, time_s=self._last_s)

    def close(self) -> None:
        """Close the recording."""
        self._source.close()


def choose_source(config: KioskConfig) -> FrameSource | None:
    """The source that the settings mean, not opened yet; None for the upload page alone.

    Raises:
        SourceError: The word means nothing.
    """
    if config.source == "none":
        return None
    spec = find_camera() if config.source == "auto" else DEMO if config.source == "demo" else config.source
    options = SourceOptions(size=config.camera_size, rotate=config.rotate, flip=config.flip)
    source = open_source(spec, options)
    return source if source.live else PacedSource(LoopedSource(source))


def find_camera(devices: Path = Path("/dev")) -> str:
    """``picamera`` where libcamera knows a camera, else the first video device, else the demonstration."""
    with suppress(Exception):  # without Picamera2, or where it cannot be used
        from picamera2 import Picamera2

        if Picamera2.global_camera_info():
            return "picamera"
    device = next(iter(sorted(devices.glob("video[0-9]"))), None)
    if device is not None:
        return str(device)
    log.warning("no camera was found: showing drawn faces instead; name a camera or a video with --source")
    return DEMO


__all__ = ["DEMO", "LoopedSource", "choose_source", "find_camera"]

"""Where pictures and frames come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import SourceError
from edge.sources.address import without_password

if TYPE_CHECKING:
    from edge.sources.base import FrameSource
    from edge.sources.pipe import PipeFormat


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What to ask of a source; what one cannot do, it ignores.

    Attributes:
        size: Width and height in pixels, for cameras, raw frames on standard input and the synthetic source.
        fps: Frames a second.
        rotate: Clockwise rotation of the picture in degrees: 0, 90, 180 or 270.
        flip: ``none``, ``horizontal``, ``vertical`` or ``both``, before rotation.
        exposure_us: Exposure time in microseconds, for Picamera2; None for automatic.
        realtime: Play recordings in real time.
        pipe_format: What comes on standard input.
        timeout_s: Limit for connecting to network streams and for each read.
    """

    size: tuple[int, int] | None = None
    fps: float | None = None
    rotate: int = 0
    flip: str = "none"
    exposure_us: int | None = None
    realtime: bool = False
    pipe_format: PipeFormat = "mjpeg"
    timeout_s: float = 5.0


def open_source(spec: str, options: SourceOptions | None = None) -> FrameSource:
    """The source that a word on a command line means; it is not opened yet.

    Args:
        spec: ``picamera`` or ``picamera:1``; a camera number or ``/dev/video0``; a video file; a folder of pictures;
            an ``rtsp://`` or ``http://`` address; ``-`` for standard input; ``synthetic`` or ``synthetic:2`` for drawn
            faces.
        options: What to ask of it.

    Raises:
        SourceError: The word means nothing, or lacks an option it needs.
    """
    options = options or SourceOptions()
    source = _camera(spec, options) or _recording(spec, options)
    if source is None:
        raise SourceError(
            f"no such source: {without_password(spec)!r}; give picamera, a camera number, an existing "
            "video or folder of pictures, an rtsp:// or http:// address, - or synthetic"
        )
    if options.realtime and not source.live:
        from edge.sources.paced import PacedSource

        source = PacedSource(source)
    if (options.rotate or options.flip != "none") and not spec.startswith("picamera"):
        from edge.sources.rotated import RotatedSource

        source = RotatedSource(source, options.rotate, options.flip)
    return source


def _camera(spec: str, options: SourceOptions) -> FrameSource | None:
    numbered = re.fullmatch(r"(picamera|synthetic)(?::(\d+))?", spec)
    if numbered and numbered[1] == "picamera":
        from edge.sources.picamera import PicameraOptions, PicameraSource

        size = options.size or (640, 480)
        wanted = PicameraOptions(size, options.fps, options.rotate, options.flip, options.exposure_us)
        return PicameraSource(int(numbered[2] or 0), wanted)
    if numbered:
        from edge.sources.synthetic import SyntheticSource

        return SyntheticSource(int(numbered[2] or 1), size=options.size or (640, 480), fps=options.fps or 25.0)
    network = re.match(r"(rtsps?|https?|rtmps?|udp|tcp|rtp|srt)://", spec, re.IGNORECASE)
    if re.fullmatch(r"[0-9]+", spec) or spec.startswith("/dev/") or network:
        from edge.sources.camera import CameraSource

        address = int(spec) if spec.isdecimal() else spec
        return CameraSource(address, size=options.size, fps=options.fps, timeout_s=options.timeout_s)
    return None


def _recording(spec: str, options: SourceOptions) -> FrameSource | None:
    if spec == "-":
        from edge.sources.pipe import PipeSource

        return PipeSource(options.pipe_format, size=options.size, fps=options.fps)
    if spec and Path(spec).is_dir():
        from edge.sources.folder import FolderSource

        return FolderSource(spec, fps=options.fps or 25.0)
    if Path(spec).is_file():
        from edge.sources.video import VideoSource

        return VideoSource(spec)
    return None


__all__ = ["SourceOptions", "open_source"]

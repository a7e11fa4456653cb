"""The Raspberry Pi's camera, through Picamera2 (Debian: ``python3-picamera2``).

Two streams leave the camera's image processor: ``main`` in colour for the crops and the picture, and a small ``lores``
one whose luma plane is a grey picture for the face detector that costs nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import CameraLostError, ConfigError, SourceError
from edge.opencv import cv2
from edge.sources.base import Frame, SourceBase

# Byte order in memory of what libcamera calls by the order in a little-endian word: its "RGB888" is B, G, R in memory.
_RGB = {"BGR888": (3, False), "RGB888": (3, True), "XBGR8888": (4, False), "XRGB8888": (4, True)}
_YUV = {"YUV420": cv2.COLOR_YUV2RGB_I420, "YVU420": cv2.COLOR_YUV2RGB_YV12, "NV12": cv2.COLOR_YUV2RGB_NV12}
OLDEST_S = 2.0


@dataclass(frozen=True, slots=True)
class PicameraOptions:
    """What to ask of the camera.

    Attributes:
        size: Width and height of the colour picture in pixels.
        fps: Frames a second; None for the camera's own choice.
        rotate: 0, 90, 180 or 270 degrees clockwise.
        flip: ``none``, ``horizontal``, ``vertical`` or ``both``, before rotation.
        exposure_us: Exposure time in microseconds; None for automatic.
        gain: Analogue gain; None for automatic.
        gray_width: Width of the grey picture in pixels.
    """

    size: tuple[int, int] = (640, 480)
    fps: float | None = None
    rotate: int = 0
    flip: str = "none"
    exposure_us: int | None = None
    gain: float | None = None
    gray_width: int = 320

    def controls(self) -> dict[str, float | int]:
        """Picamera2's controls."""
        chosen = {"FrameRate": self.fps, "ExposureTime": self.exposure_us, "AnalogueGain": self.gain}
        return {name: value for name, value in chosen.items() if value is not None}

    def transform(self) -> dict[str, bool]:
        """Flips that the sensor does; half a turn is both."""
        half = self.rotate == 180
        return {
            "hflip": (self.flip in ("horizontal", "both")) != half,
            "vflip": (self.flip in ("vertical", "both")) != half,
        }


class PicameraSource(SourceBase):
    """A camera that libcamera knows.

    Args:
        index: Which camera, from 0.
        options: What to ask of it.
    """

    live = True

    def __init__(self, index: int = 0, options: PicameraOptions | None = None) -> None:
        self.name = "picamera" if index == 0 else f"picamera:{index}"
        self._index = index
        self._options = options or PicameraOptions()
        self._camera: Any = None
        self._streams: dict[str, dict[str, Any]] = {}

    def open(self) -> None:
        """Configure and start the camera; raises SourceError, or ConfigError where Picamera2 is not installed."""
        try:
            from libcamera import Transform
            from picamera2 import Picamera2
        except ImportError as error:
            raise ConfigError(
                f"Picamera2 is missing ({error}); on a Raspberry Pi: sudo apt install python3-picamera2, "
                "and a virtual environment made with --system-site-packages; for a USB camera give --source 0"
            ) from error
        options = self._options
        width, height = options.size
        small = options.gray_width, max(round(options.gray_width * height / width / 2) * 2, 2)
        try:
            self._camera = Picamera2(self._index)
            configuration = self._camera.create_video_configuration(
                main={"size": options.size, "format": "BGR888"},
                lores={"size": small, "format": "YUV420"} if options.gray_width <= width else None,
                transform=Transform(**options.transform()),
                controls=options.controls(),
                buffer_count=4,
                queue=False,
            )
            self._camera.configure(configuration)
            actual = self._camera.camera_configuration()
            self._streams = {name: actual[name] for name in ("main", "lores") if actual.get(name)}
            self._camera.start()
        except Exception as error:  # libcamera raises IndexError, RuntimeError and others of its own
            self.close()
            raise SourceError(
                f"cannot open camera {self._index}: {error or type(error).__name__}; "
                "check its cable and that no other program uses it"
            ) from error

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame; raises CameraLostError when none comes in time."""
        if self._camera is None:
            raise CameraLostError(f"{self.name} is not open")
        try:
            request = self._camera.capture_request(wait=timeout_s)
        except TimeoutError as error:
            raise CameraLostError(f"{self.name} delivered no frame for {timeout_s:g} s") from error
        except Exception as error:
            raise CameraLostError(f"{self.name} failed: {error or type(error).__name__}") from error
        started = time.perf_counter()
        try:
            rgb = to_rgb(request.make_buffer("main"), self._streams["main"])
            gray = to_luma(request.make_buffer("lores"), self._streams["lores"]) if "lores" in self._streams else None
            stamp = request.get_metadata().get("SensorTimestamp")
        finally:
            request.release()
        now = time.monotonic()
        # The sensor's clock counts from boot like ours; one that does not is not believed.
        captured_s = stamp / 1e9 if stamp and 0 <= now - stamp / 1e9 < OLDEST_S else now
        turns = {90: 3, 270: 1}.get(self._options.rotate, 0)
        if turns:
            rgb = np.ascontiguousarray(np.rot90(rgb, turns))
            gray = None if gray is None else np.ascontiguousarray(np.rot90(gray, turns))
        read_ms = (time.perf_counter() - started) * 1000
        return Frame(rgb, captured_s, gray=gray, captured_s=captured_s, read_ms=read_ms)

    def close(self) -> None:
        """Stop and release the camera."""
        camera, self._camera = self._camera, None
        if camera is not None:
            try:
                camera.stop()
            finally:
                camera.close()


def to_rgb(buffer: NDArray[np.uint8], stream: dict[str, Any]) -> NDArray[np.uint8]:
    """A camera buffer as a picture of its own.

    Args:
        buffer: (bytes,) uint8, rows padded to the stride.
        stream: Picamera2's ``format``, ``size`` and ``stride`` of it.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    form, (width, height), stride = str(stream["format"]), stream["size"], int(stream["stride"])
    if form in _RGB:
        channels, swapped = _RGB[form]
        rows = buffer[: stride * height].reshape(height, stride)[:, : width * channels]
        pixels = rows.reshape(height, width, channels)[:, :, :3]
        return np.ascontiguousarray(pixels[:, :, ::-1] if swapped else pixels).copy()
    if form in _YUV:
        packed = np.ascontiguousarray(_planes(buffer, form, width, height, stride))
        return np.asarray(cv2.cvtColor(packed, _YUV[form]), dtype=np.uint8)
    raise CameraLostError(f"the camera delivers {form}; wanted one of {', '.join([*_RGB, *_YUV])}")


def to_luma(buffer: NDArray[np.uint8], stream: dict[str, Any]) -> NDArray[np.uint8]:
    """The grey picture in a YUV420, YVU420 or NV12 buffer: (h, w) uint8; arguments as for ``to_rgb``."""
    form, (width, height), stride = str(stream["format"]), stream["size"], int(stream["stride"])
    if form not in _YUV:
        raise CameraLostError(f"the camera's small stream is {form}; wanted one of {', '.join(_YUV)}")
    return buffer[: stride * height].reshape(height, stride)[:, :width].copy()


def _planes(buffer: NDArray[np.uint8], form: str, width: int, height: int, stride: int) -> NDArray[np.uint8]:
    """Luma and chroma without row padding, as OpenCV wants them: (H * 3 / 2, W) uint8."""
    luma = buffer[: stride * height].reshape(height, stride)[:, :width]
    rest = buffer[stride * height : stride * height * 3 // 2]
    if form == "NV12":
        chroma = rest.reshape(height // 2, stride)[:, :width]
    else:
        chroma = rest.reshape(height, stride // 2)[:, : width // 2].reshape(height // 2, width)
    return np.concatenate([luma, chroma])


__all__ = ["PicameraOptions", "PicameraSource", "to_luma", "to_rgb"]

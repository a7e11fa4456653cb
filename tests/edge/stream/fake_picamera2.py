"""A fast stand-in for picamera2 and libcamera: the calls our source makes, with real buffers and strides."""

from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

FORMATS = {"RGB888": (3, (2, 1, 0)), "BGR888": (3, (0, 1, 2)), "XBGR8888": (4, (0, 1, 2)), "XRGB8888": (4, (2, 1, 0))}


def encode(rgb: np.ndarray, form: str, stride: int) -> np.ndarray:
    """A picture as libcamera lays it out in memory: (bytes,) uint8 with padded rows."""
    height, width = rgb.shape[:2]
    if form in FORMATS:
        channels, order = FORMATS[form]
        rows = np.full((height, stride), 77, np.uint8)
        pixels = np.full((height, width, channels), 255, np.uint8)
        pixels[:, :, :3] = rgb[:, :, order]
        rows[:, : width * channels] = pixels.reshape(height, -1)
        return rows.ravel()
    planar = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    luma = np.full((height, stride), 77, np.uint8)
    luma[:, :width] = planar[:height]
    u, v = (part.reshape(height // 2, width // 2) for part in np.split(planar[height:].ravel(), 2))
    if form == "NV12":
        chroma = np.full((height // 2, stride), 77, np.uint8)
        chroma[:, :width] = np.dstack([u, v]).reshape(height // 2, width)
        return np.concatenate([luma.ravel(), chroma.ravel()])
    planes = (u, v) if form == "YUV420" else (v, u)
    padded = [np.pad(plane, ((0, 0), (0, stride // 2 - width // 2)), constant_values=77) for plane in planes]
    return np.concatenate([luma.ravel(), *(plane.ravel() for plane in padded)])


class Request:
    """One completed frame."""

    def __init__(self, camera: FakePicamera2) -> None:
        self._camera = camera
        self._buffers: list[np.ndarray] = []

    def make_buffer(self, name: str) -> np.ndarray:
        stream = self._camera.configuration[name]
        rgb = cv2.resize(self._camera.picture, stream["size"], interpolation=cv2.INTER_AREA)
        self._buffers.append(encode(rgb, stream["format"], stream["stride"]))
        return self._buffers[-1]

    def get_metadata(self) -> dict[str, Any]:
        return {"SensorTimestamp": time.monotonic_ns() - 30_000_000}

    def release(self) -> None:
        """The camera writes its next frame into these buffers."""
        self._camera.pending -= 1
        for buffer in self._buffers:
            buffer[:] = 77


class FakePicamera2:
    """Delivers ``picture``; class attributes set what it does."""

    picture = np.zeros((480, 640, 3), np.uint8)
    main_format: str | None = None  # what it delivers, whatever is asked
    absent = False
    silent = False
    opened: ClassVar[list[FakePicamera2]] = []

    def __init__(self, index: int = 0) -> None:
        if self.absent:
            raise IndexError("list index out of range")
        self.index, self.started, self.closed, self.pending = index, False, False, 0
        self.configuration: dict[str, Any] = {}
        self.opened.append(self)

    def create_video_configuration(self, main: Any, lores: Any, **rest: Any) -> dict[str, Any]:
        return {"main": main, "lores": lores, **rest}

    def configure(self, configuration: dict[str, Any]) -> None:
        main, lores = dict(configuration["main"]), configuration["lores"] and dict(configuration["lores"])
        main["format"] = self.main_format or main["format"]
        for stream in (main, lores):
            if stream:
                step = FORMATS.get(stream["format"], (1, ()))[0]
                stream["stride"] = -(-stream["size"][0] * step // 64) * 64
        self.configuration = {**configuration, "main": main, "lores": lores}

    def camera_configuration(self) -> dict[str, Any]:
        return self.configuration

    def start(self) -> None:
        self.started = True

    def capture_request(self, wait: float | None = None) -> Request:
        assert wait is not None, "a capture without a time-out may block for ever"
        if self.silent:
            raise TimeoutError
        self.pending += 1
        return Request(self)

    def stop(self) -> None:
        self.started = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> type[FakePicamera2]:
    """Make `import picamera2` find a fresh stand-in."""

    class Camera(FakePicamera2):
        opened: ClassVar[list[FakePicamera2]] = []

    picamera2, libcamera = ModuleType("picamera2"), ModuleType("libcamera")
    picamera2.Picamera2 = Camera  # type: ignore[attr-defined]
    libcamera.Transform = dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", picamera2)
    monkeypatch.setitem(sys.modules, "libcamera", libcamera)
    return Camera

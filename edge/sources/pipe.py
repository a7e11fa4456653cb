"""Frames on standard input: a run of JPEG pictures, or raw pixels."""

from __future__ import annotations

import os
import select
import sys
import time
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.errors import CameraLostError, ImageError, SourceError
from edge.images import load_image
from edge.sources.base import Frame, SourceBase
from edge.sources.jpeg import JpegSplitter

PipeFormat = Literal["mjpeg", "rgb24", "bgr24", "gray8"]
CHANNELS = {"rgb24": 3, "bgr24": 3, "gray8": 1}
LARGEST_JPEG = 32 << 20


class PipeSource(SourceBase):
    """Reads every frame that is written to us; whoever writes waits while we work.

    Args:
        form: ``mjpeg``, or raw pixels: ``rgb24``, ``bgr24`` or ``gray8``.
        size: Width and height in pixels; raw pixels need it.
        fps: Frames a second that the frames stand for; None takes the times they arrive at.
        descriptor: File descriptor to read; None for standard input.
    """

    live = False

    def __init__(
        self,
        form: PipeFormat = "mjpeg",
        *,
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        descriptor: int | None = None,
    ) -> None:
        if form != "mjpeg" and size is None:
            raise SourceError(f"raw frames ({form}) on standard input need their size; give --size 640x480")
        self.name = "-"
        self._form = form
        self._size = size or (0, 0)
        self._fps = fps
        self._descriptor = descriptor
        self._held = bytearray()
        self._pictures = JpegSplitter()
        self._got = b""
        self._ended = False
        self._next = 0
        self._began_s = 0.0

    def open(self) -> None:
        """Start to count time."""
        self._began_s = time.monotonic()
        if self._descriptor is None:
            self._descriptor = sys.stdin.fileno()

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, or None when the writer is done."""
        rgb = self._jpeg(timeout_s) if self._form == "mjpeg" else self._raw(timeout_s)
        if rgb is None:
            if self._next == 0:
                raise CameraLostError(f"standard input ended without a frame; wanted {self._form}, see --stdin-format")
            return None
        now = time.monotonic()
        time_s = now - self._began_s if self._fps is None else self._next / self._fps
        self._next += 1
        return Frame(rgb, time_s, captured_s=now)

    def _raw(self, timeout_s: float) -> NDArray[np.uint8] | None:
        width, height = self._size
        channels = CHANNELS[self._form]
        length = width * height * channels
        while len(self._held) < length:
            if not self._more(timeout_s):
                self._end(len(self._held))
                return None
            self._held += self._got
        pixels = np.frombuffer(bytes(self._held[:length]), np.uint8).reshape(height, width, channels)
        del self._held[:length]
        if channels == 1:
            return np.repeat(pixels, 3, axis=2)
        return pixels if self._form == "rgb24" else np.ascontiguousarray(pixels[:, :, ::-1])

    def _jpeg(self, timeout_s: float) -> NDArray[np.uint8] | None:
        try:
            while (data := self._pictures.next()) is None:
                if self._pictures.waiting > LARGEST_JPEG:
                    raise CameraLostError(
                        f"no end of a JPEG picture in {LARGEST_JPEG >> 20} MiB; wanted MJPEG on standard input"
                    )
                if not self._more(timeout_s):
                    self._end(self._pictures.waiting)
                    return None
                self._pictures.feed(self._got)
            return load_image(data)
        except (ValueError, ImageError) as error:
            raise SourceError(f"standard input, after {self._next} frames: {error}") from error

    def _end(self, left: int) -> None:
        """The writer is done; part of a frame that it left is a SourceError, once."""
        if left > 2 and not self._ended:
            self._ended = True
            raise SourceError(f"standard input ended within a frame, after {self._next} whole ones")

    def _more(self, timeout_s: float) -> bool:
        """Wait for more bytes, in ``_got``; False at the end."""
        if self._descriptor is None:
            raise SourceError("standard input is not open")
        if self._ended:
            return False
        ready, _, _ = select.select([self._descriptor], [], [], timeout_s)
        if not ready:
            raise CameraLostError(f"nothing came on standard input for {timeout_s:g} s")
        self._got = os.read(self._descriptor, 1 << 20)
        return bool(self._got)


__all__ = ["PipeFormat", "PipeSource"]

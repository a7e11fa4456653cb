"""The live picture as JPEG: encoded once for all viewers, and only while someone watches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edge.kiosk.broadcast import Broadcast
from edge.opencv import cv2
from edge.sources.base import Frame

MAX_WIDTH = 960
BOUNDARY = "frame"
CONTENT_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
# So few pixels remain of a blurred picture, on its longer side, that no face can be told from another.
BLUR_PIXELS = 16


def encode(rgb: NDArray[np.uint8], *, blur: bool = False, quality: int = 80) -> bytes:
    """A picture as JPEG, at most 960 pixels wide.

    Args:
        rgb: (H, W, 3) uint8, red first; not changed.
        blur: Keep only what is left at 16 pixels on the longer side.
        quality: JPEG quality, 1 to 100.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, MAX_WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture: NDArray[np.uint8] = rgb
    if blur:
        part = BLUR_PIXELS / max(width, height)
        tiny = max(1, round(width * part)), max(1, round(height * part))
        picture = cv2.resize(cv2.resize(rgb, tiny, interpolation=cv2.INTER_AREA), size, interpolation=cv2.INTER_CUBIC)  # type: ignore[assignment]
    elif scale < 1:
        picture = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of shape {rgb.shape} could not be encoded")
    return data.tobytes()


class Video:
    """Turns the newest picture into JPEG for any number of viewers.

    Args:
        mode: ``on``, ``blur`` or ``off``; with ``off`` no picture is ever kept or encoded.
        fps: Pictures a second, at most.
    """

    def __init__(self, mode: str, fps: float) -> None:
        self.mode = mode
        self.fps_limit: float | None = None
        self.viewers = 0
        self.encoded = 0
        self._fps = fps
        self._frames: Broadcast[Frame] = Broadcast()
        self._parts: Broadcast[bytes] = Broadcast()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="jpeg")
        self._encoder: asyncio.Task[None] | None = None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say which event loop the viewers run in."""
        self._frames.bind(loop)
        self._parts.bind(loop)

    def show(self, frame: Frame) -> None:
        """Take the newest picture, from any thread; costs nothing while nobody watches."""
        if self.viewers and self.mode != "off":
            self._frames.publish(frame)

    async def watch(self) -> AsyncIterator[bytes]:
        """Parts of a ``multipart/x-mixed-replace`` body; each is the newest picture at the time it is asked for.

        ``X-Captured`` is the picture's ``Frame.captured_s``, by which a page finds the result that belongs to it.
        """
        if self.mode == "off":
            return
        self.viewers += 1
        try:
            if self._encoder is None or self._encoder.done():
                self._encoder = asyncio.create_task(self._encode_while_watched())
            async for part in self._parts.follow():
                yield part
        finally:
            self.viewers -= 1
            if self.viewers == 0 and self._encoder is not None:
                self._encoder.cancel()
                self._encoder = None

    def stop(self) -> None:
        """Let the viewers go."""
        self._frames.close()
        self._parts.close()

    async def close(self) -> None:
        """End the encoder."""
        self.stop()
        if self._encoder is not None:
            self._encoder.cancel()
            with suppress(asyncio.CancelledError):
                await self._encoder
        self._pool.shutdown(wait=False)

    async def _encode_while_watched(self) -> None:
        loop, blur = asyncio.get_running_loop(), self.mode == "blur"
        async for frame in self._frames.follow():
            began = time.monotonic()
            jpeg = await loop.run_in_executor(self._pool, partial(encode, frame.rgb, blur=blur))
            self.encoded += 1
            self._parts.publish(_part(jpeg, frame.captured_s))
            del frame  # or its picture would live on until the next one
            rest = 1 / min(self._fps, self.fps_limit or self._fps) - (time.monotonic() - began)
            if rest > 0:
                await asyncio.sleep(rest)


def _part(jpeg: bytes, captured_s: float) -> bytes:
    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\nX-Captured: {captured_s:.4f}\r\n"
    return f"--{BOUNDARY}\r\n{head}\r\n".encode() + jpeg + b"\r\n"


__all__ = ["CONTENT_TYPE", "Video", "encode"]

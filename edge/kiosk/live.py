"""Where the loop's results enter the kiosk: the sink of the stream and the tap on its source."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edge.kiosk.broadcast import Broadcast
from edge.kiosk.health import Health
from edge.kiosk.metrics import Metrics
from edge.kiosk.systemd import Notifier
from edge.kiosk.video import Video
from edge.sources.base import Frame, FrameSource
from edge.types import FrameResult


class Tap:
    """A source that shows every frame to the video before the pipeline gets it.

    So the picture keeps the camera's pace when inference is slower, or slowed down because the device is hot.
    """

    def __init__(self, source: FrameSource, video: Video) -> None:
        self.name, self.live = source.name, source.live
        self._source, self._video = source, video

    def __copy__(self) -> Tap:
        return Tap(copy.copy(self._source), self._video)

    def open(self) -> None:
        """Open the source."""
        self._source.open()

    def read(self, timeout_s: float) -> Frame | None:
        """The source's next frame."""
        frame = self._source.read(timeout_s)
        if frame is not None:
            self._video.show(frame)
        return frame

    def close(self) -> None:
        """Close the source."""
        self._source.close()


class Update:
    """All that a page needs to know at one moment; turned into JSON at most once, however many read it.

    Args:
        health: How the kiosk is, with the newest result.
    """

    def __init__(self, health: Health) -> None:
        self._health = health

    @cached_property
    def event(self) -> bytes:
        """The message as a server-sent event; ``captured_s`` tells which of the pictures the result belongs to."""
        result = self._health.stream.result if self._health.stream else None
        captured_s = result.captured_s if result else None
        data = {
            "result": result.to_dict() if result else None,
            "captured_s": captured_s and round(captured_s, 4),
            "status": self._health.brief(),
        }
        return f"data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class LiveView:
    """The sink that feeds the pages, the metrics and the watchdog.

    Args:
        video: Where pictures go.
        metrics: Where timings go.
        notifier: The watchdog; fed by each fresh frame that went through the whole pipeline, and by nothing else.
        health: How the kiosk is now.

    Attributes:
        updates: What the pages get.
    """

    def __init__(self, video: Video, metrics: Metrics, notifier: Notifier, health: Callable[[], Health]) -> None:
        self.video = video
        self.updates: Broadcast[Update] = Broadcast()
        self._metrics, self._notifier, self._health = metrics, notifier, health

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Take one result from the loop."""
        self.tell()
        self._metrics.observe(result)
        if rgb is not None:
            self._notifier.feed()

    def reopen(self) -> None:
        """Nothing to open anew."""

    def close(self) -> None:
        """The loop ended; the pages stay open for the next one."""

    def stop(self) -> None:
        """Let every page go."""
        self.updates.close()
        self.video.stop()

    def tell(self) -> None:
        """Let the pages know how the kiosk is doing, also while no frame comes."""
        self.updates.publish(Update(self._health()))

    async def watch(self, fps: float = 15.0) -> AsyncIterator[bytes]:
        """Server-sent events, at most ``fps`` a second; each is the newest at the time it is asked for."""
        yield b"retry: 1000\n\n"
        async for update in self.updates.follow():
            yield update.event
            await asyncio.sleep(1 / fps)


__all__ = ["LiveView", "Tap", "Update"]

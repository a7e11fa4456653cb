"""Where the loop's results enter the kiosk: the sink of the stream and the tap on its source."""

from __future__ import annotations

import asyncio
import copy
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.kiosk.broadcast import Broadcast
from edge.kiosk.metrics import Metrics
from edge.kiosk.systemd import Notifier
from edge.kiosk.thermal import FULL, Pace
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
            self._video.show(frame.rgb)
        return frame

    def close(self) -> None:
        """Close the source."""
        self._source.close()


class Update:
    """All that a page needs to know at one moment; turned into JSON at most once, however many read it.

    Args:
        result: The newest result, or None before the first.
        status: What the kiosk says about itself.
    """

    def __init__(self, result: FrameResult | None, status: Mapping[str, Any]) -> None:
        self._result, self._status = result, status

    @cached_property
    def event(self) -> bytes:
        """The message as a server-sent event."""
        data = {"result": self._result.to_dict() if self._result else None, "status": self._status}
        return f"data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class LiveView:
    """The sink that feeds the pages, the metrics and the watchdog.

    Args:
        video: Where pictures go.
        metrics: Where timings go.
        notifier: The watchdog; fed by each fresh frame that went through the whole pipeline, and by nothing else.
        clock: Seconds that only go forward.

    Attributes:
        updates: What the pages get.
        describe: Gives what the kiosk says about itself.
        latest: The newest result.
        state: Its state, or ``starting``.
        pace: How fast the loop may go.
        watchers: Pages that follow.
    """

    def __init__(
        self, video: Video, metrics: Metrics, notifier: Notifier, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.video = video
        self.updates: Broadcast[Update] = Broadcast()
        self.describe: Callable[[], Mapping[str, Any]] = dict
        self.watchers = 0
        self.latest: FrameResult | None = None
        self.state = "starting"
        self.pace: Pace = FULL
        self._metrics, self._notifier, self._clock = metrics, notifier, clock
        self._status: Mapping[str, Any] = {}
        self._fresh_s: float | None = None
        self._closing = threading.Event()

    @property
    def age_s(self) -> float | None:
        """Seconds since a fresh frame went through the pipeline, or None before the first."""
        return None if self._fresh_s is None else self._clock() - self._fresh_s

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Take one result from the loop; when the device is hot, let it wait for its next one."""
        changed = result.state != self.state or self._fresh_s is None
        self.state, self.latest = result.state, result
        if rgb is not None:
            self._fresh_s = self._clock()
        if changed:
            self._status = self.describe()
        self.updates.publish(Update(result, self._status))
        if rgb is None:
            return
        self._notifier.feed()
        self._metrics.observe(result.timing_ms, len(result.faces))
        if self.pace.inference_fps:
            self._closing.wait(1 / self.pace.inference_fps)

    def reopen(self) -> None:
        """Nothing to open anew."""

    def close(self) -> None:
        """The loop ended; the pages stay open for the next one."""

    def stop(self) -> None:
        """Let every page and a waiting loop go."""
        self._closing.set()
        self.updates.close()
        self.video.stop()

    def tell(self) -> None:
        """Let the pages know how the kiosk is doing, also while no frame comes."""
        self._status = self.describe()
        self.updates.publish(Update(self.latest, self._status))

    async def watch(self, fps: float = 15.0) -> AsyncIterator[bytes]:
        """Server-sent events, at most ``fps`` a second; each is the newest at the time it is asked for."""
        self.watchers += 1
        try:
            yield b"retry: 1000\n\n"
            async for update in self.updates.follow():
                yield update.event
                await asyncio.sleep(1 / fps)
        finally:
            self.watchers -= 1


__all__ = ["LiveView", "Tap", "Update"]

"""What a stream measures about itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from edge.types import FrameResult

COUNTERS = ("captured", "processed", "skipped", "bad_frames", "reconnects")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A stream at one moment.

    Attributes:
        result: The newest result, without its picture, which would live as long as the snapshot; None before the first.
        fresh_s: ``time.monotonic()`` when the newest frame had gone through the whole pipeline; None before the first.
        counts: Frames ``captured``, ``processed``, ``skipped``, ``bad_frames``, and ``reconnects``, since the start.
        fps: Frames processed a second, lately.
        timing_ms: Running means of ``capture``, ``detect``, ``classify`` and ``age``, in milliseconds.
        age_max_ms: The greatest age of a frame when its result was ready, in milliseconds.
    """

    result: FrameResult | None = None
    fresh_s: float | None = None
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType(dict.fromkeys(COUNTERS, 0)))
    fps: float = 0.0
    timing_ms: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    age_max_ms: float = 0.0

    @property
    def state(self) -> str:
        """``starting`` before the first result, then its ``ok``, ``dark``, ``reconnecting``, ``lost`` or ``ended``."""
        return self.result.state if self.result else "starting"


class StreamStats:
    """Running figures of one stream. Written by the stream's threads, read by anyone through ``snapshot``.

    Times are exponential averages over about the last second of work, in milliseconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._means: dict[str, float] = {}
        self._counts = dict.fromkeys(COUNTERS, 0)
        self._age_max_ms = 0.0
        self._fps = 0.0
        self._fresh_s: float | None = None
        self._result: FrameResult | None = None

    def count(self, name: str, amount: int = 1) -> None:
        """Add to one of the counters."""
        with self._lock:
            self._counts[name] += amount

    def measure(self, **times_ms: float) -> None:
        """Fold one observation into the averages: capture, detect, classify, age..."""
        with self._lock:
            for name, value in times_ms.items():
                mean = self._means.get(name)
                self._means[name] = value if mean is None else mean + 0.1 * (value - mean)

    def take(self, result: FrameResult) -> None:
        """A result is ready, of a frame where it has a picture, else of a change of state."""
        if result.image is not None:
            self.measure(**result.timing_ms)
        with self._lock:
            self._result = replace(result, image=None)
            if result.image is None:
                return
            now, before = time.monotonic(), self._fresh_s
            self._counts["processed"] += 1
            self._age_max_ms = max(self._age_max_ms, result.timing_ms.get("age", 0.0))
            if before is not None and now > before:
                rate = 1 / (now - before)
                self._fps = self._fps + 0.1 * (rate - self._fps) if self._fps else rate
            self._fresh_s = now

    def snapshot(self) -> Snapshot:
        """All of it at this moment."""
        with self._lock:
            return Snapshot(
                self._result,
                self._fresh_s,
                MappingProxyType(dict(self._counts)),
                round(self._fps, 2),
                MappingProxyType({name: round(value, 2) for name, value in self._means.items()}),
                round(self._age_max_ms, 2),
            )


__all__ = ["Snapshot", "StreamStats"]

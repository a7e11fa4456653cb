"""What a stream measures about itself."""

from __future__ import annotations

import threading
import time
from typing import Any


class StreamStats:
    """Running figures of one stream. Written by the stream's threads, read by anyone through ``snapshot``.

    Times are exponential averages over about the last second of work, in milliseconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._means: dict[str, float] = {}
        self._counts: dict[str, int] = {"captured": 0, "processed": 0, "skipped": 0, "bad_frames": 0, "reconnects": 0}
        self._age_max_ms = 0.0
        self._rate: tuple[float, float] | None = None  # time of the last result, frames a second
        self.state = "starting"
        self.faces = 0

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
                if name == "age":
                    self._age_max_ms = max(self._age_max_ms, value)

    def processed(self, faces: int) -> None:
        """A frame was dealt with."""
        now = time.monotonic()
        with self._lock:
            self._counts["processed"] += 1
            self.faces = faces
            if self._rate is not None and now > self._rate[0]:
                rate = 1 / (now - self._rate[0])
                self._rate = (now, self._rate[1] + 0.1 * (rate - self._rate[1]) if self._rate[1] else rate)
            else:
                self._rate = (now, 0.0)

    def snapshot(self) -> dict[str, Any]:
        """All figures as plain JSON values: state, faces, fps, counters, ``timing_ms`` and ``age_max_ms``."""
        with self._lock:
            return {
                "state": self.state,
                "faces": self.faces,
                "fps": round(self._rate[1], 2) if self._rate else 0.0,
                **self._counts,
                "timing_ms": {name: round(value, 2) for name, value in self._means.items()},
                "age_max_ms": round(self._age_max_ms, 2),
            }


__all__ = ["StreamStats"]

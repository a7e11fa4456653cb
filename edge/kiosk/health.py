"""How the kiosk is at one moment: what `/healthz`, `/metrics` and the page say are functions of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.kiosk.thermal import Thermal
from edge.stream.stats import Snapshot

STALE_S = 5.0
FATES = ("captured", "processed", "skipped")


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change while a kiosk runs.

    Attributes:
        source: What the camera or video is called.
        model: Name and version of the model.
        runtime: Name, version, delegate and threads of the interpreter.
        video: ``on``, ``blur`` or ``off``; None where only uploads are served.
        began_s: ``time.monotonic()`` at its start.
    """

    source: str
    model: Mapping[str, Any]
    runtime: Mapping[str, Any]
    video: str | None
    began_s: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that is known at one moment.

    Attributes:
        facts: What does not change.
        stream: The stream, or None where only uploads are served.
        thermal: The newest reading of the temperature.
        fps: Captured, processed and skipped frames a second, over the last second.
        now_s: ``time.monotonic()`` of the moment.
    """

    facts: Facts
    stream: Snapshot | None
    thermal: Thermal = field(default_factory=Thermal)
    fps: Mapping[str, float] = field(default_factory=dict)
    now_s: float = field(default_factory=time.monotonic)

    @property
    def age_s(self) -> float | None:
        """Seconds since a fresh frame was analysed, or None before the first."""
        return None if self.stream is None or self.stream.fresh_s is None else self.now_s - self.stream.fresh_s

    @property
    def healthy(self) -> bool:
        """Whether fresh frames go through; without a camera, whether there is a reply at all."""
        return self.stream is None or (self.age_s is not None and self.age_s < STALE_S)

    @property
    def state(self) -> str:
        """``ok``, ``dark``, ``starting``, ``no-camera``, ``reconnecting``, ``stalled`` or ``upload-only``."""
        if self.stream is None:
            return "upload-only"
        if self.stream.state in ("ok", "dark"):
            return self.stream.state if self.healthy else "stalled"
        if self.age_s is None:
            return "starting" if self.stream.state == "starting" else "no-camera"
        return "reconnecting"

    def brief(self) -> dict[str, Any]:
        """What the live page shows, as plain JSON values."""
        pace, latency_ms = self.thermal.pace.name, self.stream.timing_ms.get("age") if self.stream else None
        return {
            "status": "failing" if not self.healthy else "hot" if pace != "full" else "ok",
            "state": self.state,
            "frame_age_s": None if self.age_s is None else round(self.age_s, 2),
            "fps": dict(self.fps),
            "latency_ms": None if latency_ms is None else round(latency_ms, 1),
            "temperature_c": self.thermal.temperature_c,
            "pace": pace,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything but the result, as plain JSON values."""
        return self.brief() | {
            "source": self.facts.source,
            "model": dict(self.facts.model),
            "runtime": dict(self.facts.runtime),
            "throttled": None if self.thermal.throttled is None else list(self.thermal.throttled),
            "video": self.facts.video,
            "uptime_s": round(self.now_s - self.facts.began_s, 1),
        }


def rates(before: Mapping[str, int], after: Mapping[str, int], seconds: float) -> dict[str, float]:
    """Captured, processed and skipped frames a second, from the counts of two snapshots."""
    return {fate: round((after[fate] - before[fate]) / seconds, 1) for fate in FATES}


__all__ = ["FATES", "STALE_S", "Facts", "Health", "rates"]

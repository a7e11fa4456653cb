"""Whether the kiosk does its work, in a form for programs and for the page."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.kiosk.live import LiveView
    from edge.kiosk.thermal import Thermal

STALE_S = 5.0


@dataclass(slots=True)
class Health:
    """Puts together what the parts know.

    Attributes:
        live: The live view, or None where only uploads are served.
        source: What the camera or video is called.
        model: Name and version of the model.
        runtime: Name, version and delegate of the interpreter.
        thermal: The newest reading.
        rates: Captured, processed and skipped frames a second.
        latency_ms: Age of a frame when its result is ready.
    """

    live: LiveView | None
    source: str
    model: dict[str, Any]
    runtime: dict[str, Any]
    thermal: Thermal
    rates: dict[str, float] = field(default_factory=dict)
    latency_ms: float | None = None
    began_s: float = field(default_factory=time.monotonic)

    @property
    def age_s(self) -> float | None:
        """Seconds since a fresh frame was analysed."""
        return self.live.age_s if self.live else None

    @property
    def healthy(self) -> bool:
        """Whether fresh frames go through; without a camera, whether there is an answer at all."""
        return self.live is None or (self.age_s is not None and self.age_s < STALE_S)

    @property
    def state(self) -> str:
        """``ok``, ``dark``, ``starting``, ``no-camera``, ``reconnecting``, ``stalled`` or ``upload-only``."""
        if self.live is None:
            return "upload-only"
        if self.live.state in ("ok", "dark"):
            return self.live.state if self.healthy else "stalled"
        if self.age_s is None:
            return "starting" if self.live.state == "starting" else "no-camera"
        return "reconnecting"

    def brief(self) -> dict[str, Any]:
        """What the live page shows, as plain JSON values."""
        hot = self.thermal.pace.name != "full"
        age = self.age_s
        return {
            "status": "failing" if not self.healthy else "hot" if hot else "ok",
            "state": self.state,
            "frame_age_s": None if age is None else round(age, 2),
            "fps": self.rates,
            "latency_ms": None if self.latency_ms is None else round(self.latency_ms, 1),
            "temperature_c": self.thermal.temperature_c,
            "pace": self.thermal.pace.name,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain JSON values."""
        return self.brief() | {
            "source": self.source,
            "model": self.model,
            "runtime": self.runtime,
            "throttled": None if self.thermal.throttled is None else list(self.thermal.throttled),
            "video": self.live.video.mode if self.live else None,
            "uptime_s": round(time.monotonic() - self.began_s, 1),
        }


__all__ = ["STALE_S", "Health"]

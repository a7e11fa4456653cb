"""What the kiosk measures about itself, in a Prometheus registry of its own."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_FLAGS = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")


class Metrics:
    """Gauges, counters and histograms of one kiosk; safe to use from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._frames = Counter(
            "emotion_edge_frames", "Frames by what became of them.", ["fate"], registry=self.registry
        )
        self._fps = Gauge("emotion_edge_fps", "Frames a second over the last second.", ["fate"], registry=self.registry)
        self._stage = Histogram(
            "emotion_edge_stage_seconds",
            "Time spent on one frame.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._faces = Gauge("emotion_edge_faces", "Faces in the newest frame.", registry=self.registry)
        self._viewers = Gauge("emotion_edge_viewers", "Open live connections.", ["kind"], registry=self.registry)
        self._uploads = Counter("emotion_edge_uploads", "Uploads by outcome.", ["outcome"], registry=self.registry)
        self._temperature = Gauge("emotion_edge_cpu_celsius", "Processor temperature.", registry=self.registry)
        self._throttled = Gauge(
            "emotion_edge_throttled", "Whether the firmware holds back now.", ["reason"], registry=self.registry
        )
        self._up = Gauge("emotion_edge_healthy", "1 when /healthz says 200.", registry=self.registry)
        self._counts: dict[str, int] = {}

    def frames(self, counts: Mapping[str, int], seconds: float) -> dict[str, float]:
        """Take in running totals of captured, processed and skipped frames; returns their rates since the last call."""
        rates: dict[str, float] = {}
        for fate in ("captured", "processed", "skipped"):
            total = counts.get(fate, 0)
            grown = max(0, total - self._counts.get(fate, 0))
            self._counts[fate] = total
            self._frames.labels(fate).inc(grown)
            rates[fate] = round(grown / seconds, 1) if seconds > 0 else 0.0
            self._fps.labels(fate).set(rates[fate])
        return rates

    def observe(self, timing_ms: Mapping[str, float], faces: int) -> None:
        """One frame went through the pipeline."""
        for stage, value in timing_ms.items():
            self._stage.labels(stage).observe(value / 1000)
        self._faces.set(faces)

    def viewers(self, kind: str, count: int) -> None:
        """How many connections of a kind (``video``, ``events``) are open."""
        self._viewers.labels(kind).set(count)

    def upload(self, outcome: str) -> None:
        """An upload ended: ``ok``, ``busy``, ``too_large``..."""
        self._uploads.labels(outcome).inc()

    def thermal(self, temperature_c: float | None, throttled: tuple[str, ...] | None) -> None:
        """A reading of temperature and throttling."""
        if temperature_c is not None:
            self._temperature.set(temperature_c)
        if throttled is not None:
            for reason in _FLAGS:
                self._throttled.labels(reason).set(reason in throttled)

    def healthy(self, value: bool) -> None:
        """What ``/healthz`` says."""
        self._up.set(value)

    def render(self) -> bytes:
        """The registry in Prometheus' text form."""
        return generate_latest(self.registry)


__all__ = ["CONTENT_TYPE", "Metrics"]

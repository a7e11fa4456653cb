"""What the kiosk tells Prometheus: what it counted since its start, and how it is at the moment of the question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge.device import THROTTLED
from edge.kiosk.health import FATES, Health
from edge.stream.stats import Snapshot

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Counters and histograms of one kiosk; safe to use from any thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._stage = Histogram(
            "emotion_edge_stage_seconds",
            "Time spent on one frame.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._uploads = Counter("emotion_edge_uploads", "Uploads by outcome.", ["outcome"], registry=self._registry)

    def observe(self, timing_ms: Mapping[str, float]) -> None:
        """One frame went through the pipeline."""
        for stage, value in timing_ms.items():
            self._stage.labels(stage).observe(value / 1000)

    def upload(self, outcome: str) -> None:
        """An upload ended: ``ok``, ``busy``, ``too_large``..."""
        self._uploads.labels(outcome).inc()

    def render(self, health: Health, viewers: Mapping[str, int]) -> bytes:
        """Everything in Prometheus' text form.

        Args:
            health: How the kiosk is now.
            viewers: Open connections by kind, ``video`` and ``events``.
        """
        now = CollectorRegistry()
        now.register(_Now(health, viewers))
        return generate_latest(self._registry) + generate_latest(now)


class _Now(Collector):
    """The figures of one moment."""

    def __init__(self, health: Health, viewers: Mapping[str, int]) -> None:
        self._health, self._viewers = health, viewers

    def collect(self) -> Iterator[Metric]:
        health, stream = self._health, self._health.stream or Snapshot()
        frames = CounterMetricFamily("emotion_edge_frames", "Frames by what became of them.", labels=["fate"])
        fps = GaugeMetricFamily("emotion_edge_fps", "Frames a second over the last second.", labels=["fate"])
        for fate in FATES:
            frames.add_metric([fate], stream.counts[fate])
            fps.add_metric([fate], health.fps.get(fate, 0.0))
        yield from (frames, fps)
        faces = len(stream.result.faces) if stream.result else 0
        yield GaugeMetricFamily("emotion_edge_faces", "Faces in the newest frame.", faces)
        viewers = GaugeMetricFamily("emotion_edge_viewers", "Open live connections.", labels=["kind"])
        for kind, count in self._viewers.items():
            viewers.add_metric([kind], count)
        yield viewers
        yield GaugeMetricFamily("emotion_edge_healthy", "1 when /healthz says 200.", health.healthy)
        if health.thermal.temperature_c is not None:
            yield GaugeMetricFamily("emotion_edge_cpu_celsius", "Processor temperature.", health.thermal.temperature_c)
        if health.thermal.throttled is not None:
            throttled = GaugeMetricFamily(
                "emotion_edge_throttled", "Whether the firmware holds back now.", labels=["reason"]
            )
            for reason in THROTTLED.values():
                throttled.add_metric([reason], reason in health.thermal.throttled)
            yield throttled


__all__ = ["CONTENT_TYPE", "Metrics"]

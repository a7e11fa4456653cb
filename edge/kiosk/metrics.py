"""What the kiosk tells Prometheus: what it counted since its start, and how it is at the moment of the question."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from edge import __version__
from edge.device import THROTTLED
from edge.kiosk.health import FATES, Health
from edge.labels import EMOTIONS, UNCERTAIN
from edge.stream.stats import Snapshot
from edge.types import FrameResult

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
GAP_S = 2.0  # frames that are further apart say nothing about the time between


class Metrics:
    """Counters and histograms of one kiosk; safe to use from any thread.

    Args:
        camera: Whether there is one; without, no metric that only a camera gives is exposed.
    """

    def __init__(self, camera: bool = True) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._time_s: float | None = None
        self._face_seconds: Counter | None = None
        self._visits: Counter | None = None
        if camera:
            self._face_seconds = Counter(
                "emotion_edge_face_seconds",
                "Seconds each emotion was shown, over all faces.",
                ["emotion"],
                registry=self._registry,
            )
            for emotion in (*EMOTIONS, UNCERTAIN):
                self._face_seconds.labels(emotion)
            self._visits = Counter("emotion_edge_visits", "Faces that came.", registry=self._registry)
        self._stage = Histogram(
            "emotion_edge_stage_seconds",
            "Time spent on one frame.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._uploads = Counter("emotion_edge_uploads", "Uploads by outcome.", ["outcome"], registry=self._registry)

    def observe(self, result: FrameResult) -> None:
        """One frame went through the pipeline, or the state changed; from the stream's thread."""
        if self._face_seconds is None or self._visits is None:
            return
        time_s, before_s = result.time_s or 0.0, self._time_s
        self._time_s = time_s
        passed_s = 0.0 if before_s is None else time_s - before_s
        for face in result.faces if 0 < passed_s <= GAP_S else ():
            self._face_seconds.labels(face.emotion if face.confident else UNCERTAIN).inc(passed_s)
        self._visits.inc(sum(event.kind == "new" for event in result.events))
        for stage, value in result.timing_ms.items():
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
        health = self._health
        yield from self._build()
        if health.stream is not None:
            yield from self._camera(health.stream)
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

    def _build(self) -> Iterator[Metric]:
        facts = self._health.facts
        build = InfoMetricFamily("emotion_edge_build", "What runs here.")
        build.add_metric(
            [],
            {
                "version": __version__,
                "model": str(facts.model.get("name", "")),
                "runtime": f"{facts.runtime.get('name', '')} {facts.runtime.get('version', '')}".strip(),
                "python": platform.python_version(),
            },
        )
        yield build

    def _camera(self, stream: Snapshot) -> Iterator[Metric]:
        frames = CounterMetricFamily("emotion_edge_frames", "Frames by what became of them.", labels=["fate"])
        fps = GaugeMetricFamily("emotion_edge_fps", "Frames a second over the last second.", labels=["fate"])
        for fate in FATES:
            frames.add_metric([fate], stream.counts[fate])
            if fate in self._health.fps:
                fps.add_metric([fate], self._health.fps[fate])
        yield from (frames, fps)
        if stream.result is not None and stream.state in ("ok", "dark"):
            yield GaugeMetricFamily("emotion_edge_faces", "Faces in the newest frame.", len(stream.result.faces))
        if self._health.age_s is not None:
            yield GaugeMetricFamily("emotion_edge_frame_age_seconds", "Since the newest frame.", self._health.age_s)
        viewers = GaugeMetricFamily("emotion_edge_viewers", "Open live connections.", labels=["kind"])
        for kind, count in self._viewers.items():
            viewers.add_metric([kind], count)
        yield viewers


__all__ = ["CONTENT_TYPE", "Metrics"]

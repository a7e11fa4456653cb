"""Videos with known faces, made from the bundled photo."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_stage import PLACE, ScriptedDetector
from event_stage import Clock
from stage import Keep, Running, ScriptedSource

from benchmarks.scenes import Actor, heads_from, play
from edge.classifier import Classifier
from edge.stream import Stream
from edge.stream.engine import Engine
from edge.types import Box

Play = Callable[..., Path]
StreamLines = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def heads(photo: Path) -> list[Any]:
    """Three heads: the bundled photo in different colours, each with its face box."""
    return heads_from(photo, count=3)


@pytest.fixture
def make_video(tmp_path: Path) -> Play:
    """Write the video of some actors; returns its path."""

    def make(actors: list[Actor], seconds: float, name: str = "video.mp4") -> Path:
        return play(tmp_path / name, actors, seconds)

    return make


@pytest.fixture
def stream_lines(cli: Callable[..., subprocess.CompletedProcess[bytes]]) -> StreamLines:
    """Run `emotion-edge stream` on a source to its end; its lines as dictionaries."""

    def run(source: Path | str, *words: str) -> list[dict[str, Any]]:
        done = cli("stream", "--source", str(source), *words)
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@pytest.fixture
def clock() -> Clock:
    """Unix time and the monotonic clock of an event log."""
    return Clock()


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    """The shipped model."""
    return Classifier(threads=1)


@pytest.fixture
def run(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Running, Keep]]]:
    """Start a stream on a source; it is stopped at the end. Waits are of hundredths of seconds."""
    monkeypatch.setattr("edge.stream.capture.BACKOFF_FIRST_S", 0.01)
    monkeypatch.setattr("edge.stream.capture.BACKOFF_LAST_S", 0.2)
    started: list[Running] = []

    def start(source: ScriptedSource, *sinks: object, **settings: object) -> tuple[Running, Keep]:
        keep = Keep()
        stream = Stream(source, "auto", classifier, sinks=[keep, *sinks], **settings)  # type: ignore[arg-type, list-item]
        started.append(Running(stream))
        return started[-1], keep

    yield start
    for one in started:
        one.finish()


@pytest.fixture
def engine(make_model: Any) -> Any:
    """Make an engine that is told what it finds, by default one face, and searches every frame."""

    def make(*boxes: Box, **settings: Any) -> tuple[Engine, ScriptedDetector]:
        told = ScriptedDetector(*(boxes or (PLACE,)))
        model = Classifier(make_model("mean_color"))
        return Engine(detector=told, classifier=model, **{"detect_every": 1, **settings}), told

    return make

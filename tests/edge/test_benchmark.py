"""The benchmark runs on whatever device this is and tells all it should; its figures are not judged here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.benchmark.frames import make_frame
from edge.benchmark.limits import RATES, macs_of, measure_limits
from edge.benchmark.measure import FACES, SIZES, launch, repeat, spread
from edge.classifier import Classifier
from edge.detectors import make_detector
from edge.detectors.pictures import find_faces
from edge.errors import OutputError


def test_frames_show_as_many_faces_as_they_say() -> None:
    detector = make_detector()
    for size in SIZES:
        for faces in FACES:
            frame = make_frame(size, faces)
            assert (frame.shape, frame.dtype) == ((size[1], size[0], 3), np.uint8)
            assert len(find_faces(detector, frame)) == faces


def test_tells_everything(cli) -> None:
    done = cli("benchmark", "--format", "json", "--rounds", "1", "--seconds", "0", "--threads", "1")
    assert done.returncode == 0, done.stderr.decode()
    record = json.loads(done.stdout)
    assert record["schema"] == 1
    assert {"path", "sha256", "model_version"} <= set(record["model"])
    assert {"name", "version", "delegate", "threads"} <= set(record["runtime"])
    assert {"model", "cpu", "clock_mhz", "cores", "governor", "memory_mb"} <= set(record["device"])
    for when in ("before", "after"):
        assert set(record[when]) == {"temperature_c", "throttled", "load"}
    first = record["first_result"]
    assert first["seconds"] > 0 < first["peak_rss_mb"]
    assert record["peak_rss_mb"] > 0
    assert record["runtime"]["threads"] == 1
    assert set(record["face"]) == {"median_ms", "p95_ms", "worst_ms", "rounds"}
    cells = [(row["width"], row["height"], row["faces"]) for row in record["pictures"]]
    assert cells == [(*size, faces) for size in SIZES for faces in FACES]
    for row in record["pictures"]:
        assert row["found"] == row["faces"]
        assert row["median_ms"] <= row["p95_ms"] <= row["worst_ms"]
    stages = {row["stage"]: row for row in record["limits"]["stages"]}
    assert list(stages) == ["decode a JPEG", "search, YuNet", "prepare a face", "classify a face"]
    for row in stages.values():
        assert row["bytes"] > 0 < row["ms"]
        assert row["limit_pi5_ms"] <= row["limit_pi4_ms"]


def test_prints_a_table(cli) -> None:
    done = cli("benchmark", "--rounds", "1", "--seconds", "0", "--threads", "1")
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode()
    for word in ("device", "governor", "first result", "one face", "1280x720", "classify a face", "Pi 5 least ms"):
        assert word in text


def test_arithmetic_of_a_network_is_counted() -> None:
    """The shipped one's, as training counted it; and what a Pi needs for it at least is this over its rate."""
    classifier = Classifier(threads=1)
    training = json.loads((Path(__file__).parents[2] / "models" / "training.json").read_text())
    assert macs_of(classifier) == training["macs"]
    (row,) = [
        one for one in measure_limits(classifier, rounds=1, seconds=0)["stages"] if one["macs"] == training["macs"]
    ]
    assert row["limit_pi4_ms"] == pytest.approx(training["macs"] / RATES["pi4"][0] / 1e6, abs=1e-3)


def test_spread_and_repeat() -> None:
    assert spread([1.0, 2.0, 9.0]) == {"median_ms": 2.0, "p95_ms": pytest.approx(8.3), "worst_ms": 9.0, "rounds": 3}
    calls: list[int] = []
    assert len(repeat(lambda: calls.append(1), rounds=10, seconds=0, least=4)) == 4
    assert len(calls) == 5


def test_a_program_that_fails_is_told() -> None:
    with pytest.raises(OutputError, match="failed"):
        launch(["/bin/sh", "-c", "echo broken >&2; exit 3"])

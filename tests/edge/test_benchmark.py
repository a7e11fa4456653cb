"""The benchmark runs on whatever device this is and tells all it should; its figures are not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.benchmark.device import find_peak
from edge.benchmark.frames import make_frame, make_head
from edge.benchmark.measure import FACES, SIZES, count_macs, launch, repeat, spread
from edge.classifier import Classifier
from edge.detector import HaarDetector
from edge.errors import ImageError, OutputError
from edge.images import load_image
from edge.preprocess import to_gray


@pytest.mark.parametrize("real", [False, True])
def test_frames_show_as_many_faces_as_they_say(photo: Path, real: bool) -> None:
    head = make_head(load_image(photo) if real else None)
    detector = HaarDetector()
    for size in SIZES:
        for faces in FACES:
            frame = make_frame(size, faces, head)
            assert (frame.shape, frame.dtype) == ((size[1], size[0], 3), np.uint8)
            assert len(detector.detect(to_gray(frame))) == faces


def test_a_photo_without_a_face_is_refused() -> None:
    with pytest.raises(ImageError, match="no face"):
        make_head(np.full((100, 100, 3), 90, np.uint8))


def test_tells_everything(cli) -> None:
    done = cli("benchmark", "--format", "json", "--rounds", "1", "--seconds", "0", "--threads", "1")
    assert done.returncode == 0, done.stderr.decode()
    record = json.loads(done.stdout)
    assert record["schema"] == 1
    assert {"path", "sha256", "model_version"} <= set(record["model"])
    assert set(record["runtime"]) == {"name", "version", "delegate"}
    assert {"model", "cpu", "clock_mhz", "cores", "governor", "memory_mb"} <= set(record["device"])
    for when in ("before", "after"):
        assert set(record[when]) == {"temperature_c", "throttled", "load"}
    first = record["first_result"]
    assert first["seconds"] > 0 < first["peak_rss_mb"]
    assert record["peak_rss_mb"] > 0
    (alone,) = record["classifier"]
    assert {"threads", "median_ms", "p95_ms", "worst_ms", "rounds", "macs_per_s", "share_of_peak"} == set(alone)
    cells = [(row["width"], row["height"], row["faces"]) for row in record["pipeline"]]
    assert cells == [(*size, faces) for size in SIZES for faces in FACES]
    for row in record["pipeline"]:
        assert row["found"] == row["faces"]
        assert row["median_ms"] <= row["p95_ms"] <= row["worst_ms"]


def test_prints_a_table_and_takes_a_photo(cli, photo: Path) -> None:
    done = cli("benchmark", "--rounds", "1", "--seconds", "0", "--threads", "1", "--photo", photo)
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode()
    for word in ("device", "governor", "first result", "GMAC/s", "1280x720", "pictures/s"):
        assert word in text


def test_says_what_is_wrong_with_the_photo(cli, tmp_path: Path) -> None:
    done = cli("benchmark", "--photo", tmp_path / "none.jpg")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"none.jpg cannot be read" in done.stderr


def test_counts_the_shipped_models_arithmetic(root: Path) -> None:
    """As Keras's layers count it; in another process, as TensorFlow and an interpreter do not go together."""
    pytest.importorskip("keras")
    code = "from train.architectures import compact, macs; print(macs(compact()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert count_macs(Classifier()) == int(done.stdout)


def test_peaks_of_known_boards() -> None:
    flags = "flags\t\t: fpu avx avx2\ncpu MHz\t\t: 2000.0\n"
    assert find_peak("Raspberry Pi 4 Model B Rev 1.5", "").macs_per_s == 8 * 1.5e9
    assert find_peak("Raspberry Pi 5 Model B Rev 1.0", "").macs_per_s == 32 * 2.4e9
    assert find_peak("", flags).macs_per_s == 64 * 2e9
    assert find_peak("Some other board", "Features: asimd") is None


def test_spread_and_repeat() -> None:
    assert spread([1.0, 2.0, 9.0]) == {"median_ms": 2.0, "p95_ms": pytest.approx(8.3), "worst_ms": 9.0, "rounds": 3}
    calls: list[int] = []
    assert len(repeat(lambda: calls.append(1), rounds=10, seconds=0, least=4)) == 4
    assert len(calls) == 5


def test_a_program_that_fails_is_told() -> None:
    with pytest.raises(OutputError, match="failed"):
        launch(["/bin/sh", "-c", "echo broken >&2; exit 3"])

"""Every format of one small model: made, verified, measured, and read back by the edge package."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from convert.runtimes import NEWEST, OLDEST, Job, probe
from edge.classifier import Classifier
from edge.labels import EMOTIONS
from edge.metadata import read_metadata

FORMATS = ("int8", "float32", "float16", "dynamic", "int16x8")

pytestmark = pytest.mark.slow


def place(folder: Path, form: str) -> Path:
    return folder / "emotion.tflite" if form == "int8" else folder / "formats" / f"emotion-{form}.tflite"


@pytest.fixture(scope="module")
def crops() -> list[np.ndarray]:
    y, x = np.mgrid[0:24, 0:24]
    grey = [np.sin(wave * 1.2) * 100 + 128 for wave in (x, y, x + y)]
    return [np.repeat(picture.astype(np.uint8)[..., None], 3, axis=2) for picture in grey]


def test_all_formats_are_made_and_the_table_printed(converted):
    folder, done = converted
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert all(place(folder, form).is_file() for form in FORMATS)
    rows = {line.split("|")[1].strip() for line in done.stdout.splitlines() if line.startswith("|")}
    assert {"format", "trained (Keras)", *FORMATS} <= rows
    assert (folder / "formats.md").read_text() == done.stdout
    assert not list(folder.rglob("*.part"))


def test_json_has_every_figure(converted):
    folder, _ = converted
    tree = json.loads((folder / "formats.json").read_text())
    assert tree["model_version"] == "9.8.7"
    assert "the picture's folder" in tree["measured_on"]
    assert set(tree["formats"]) == set(FORMATS)
    for form, row in tree["formats"].items():
        assert row["refused"] is None
        assert row["sha256"] == hashlib.sha256(place(folder, form).read_bytes()).hexdigest()
        assert len(row["runtimes"]) == 2
        for found in row["runtimes"].values():
            assert found["error"] is None
            assert set(found["ms"]) == {"1", "2"}
            assert set(found["score"]) >= {"accuracy", "macro_recall", "ece", "points_lost", "same_answer"}
    assert tree["formats"]["float32"]["runtimes"]["tflite-runtime 2.14.0"]["score"]["same_answer"] == 1
    pairs = tree["formats"]["int8"]["agreements"]
    assert len(pairs) == 3  # the newest without delegates, and both as they come, against the oldest
    assert [pair["identical"] for pair in pairs[:2]] == [True, True]  # XNNPACK alone rounds differently
    assert all(0 <= pair["largest_step"] < 256 and pair["pictures"] > 0 for pair in pairs)


def test_metadata_says_what_was_ordered(converted):
    folder, _ = converted
    for form in FORMATS:
        content = place(folder, form).read_bytes()
        about = read_metadata(content)
        assert about.labels == EMOTIONS
        assert (about.crop_margin, about.threshold) == (0.05, 0.4)
        assert about.settings["model_version"] == "9.8.7"
        assert about.settings["format"] == form
        assert about.settings["licence"] == "MIT"
        assert about.settings["training_data"] == "stripes and discs"
        assert {"tensorflow", "keras", "numpy", "emotion-edge"} <= set(about.settings["versions"])
        assert about.settings["metrics"]["trained"]["accuracy"] > 0.9
    with zipfile.ZipFile(place(folder, "int8")) as archive:
        assert archive.namelist() == ["labels.txt", "emotion-edge.json"]


def test_int8_takes_raw_bytes_and_gives_256ths(converted):
    classifier = Classifier(place(converted[0], "int8"))
    entry, result = (
        classifier.runtime.interpreter.get_input_details()[0],
        classifier.runtime.interpreter.get_output_details()[0],
    )
    assert entry["dtype"] is np.uint8
    assert result["dtype"] is np.uint8
    assert entry["quantization"] == (pytest.approx(1 / 255), 0)
    assert result["quantization"] == (1 / 256, 0)


def test_edge_reads_every_format_alike(converted, crops):
    answers = {form: Classifier(place(converted[0], form)).classify(crops) for form in FORMATS}
    for form, answer in answers.items():
        assert answer.dtype == np.float32
        assert np.abs(answer - answers["float32"]).max() < 0.1, form
        assert (answer.argmax(axis=1) == answers["float32"].argmax(axis=1)).all(), form


@pytest.mark.parametrize("form", FORMATS)
def test_info_describes_every_format(converted, form):
    path = place(converted[0], form)
    done = subprocess.run(
        [sys.executable, "-c", "from edge.cli import main; main()", "info", "--format", "json", str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    about = json.loads(done.stdout)["model"]
    assert about["labels"] == list(EMOTIONS)
    assert about["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (about["format"], about["model_version"], about["crop_margin"]) == (form, "9.8.7", 0.05)
    assert about["input"].startswith("uint8 1x24x24x3" if form == "int8" else "float32 1x24x24x3")


def test_the_oldest_runtime_runs_every_format(converted, tmp_path, crops):
    pictures = tmp_path / "pictures.npy"
    np.save(pictures, np.stack(crops))
    for form in FORMATS:
        copy = tmp_path / f"{form}.tflite"
        copy.write_bytes(place(converted[0], form).read_bytes())
        for runtime in (OLDEST, NEWEST):
            (ran,) = probe(Job(runtime, copy, pictures))
            assert ran.error is None
            assert ran.probabilities.shape == (3, 5)
            assert ran.probabilities.sum(axis=1) == pytest.approx(1, abs=0.02)

"""The shipped file is the one that the table beside it was measured on, and keeps what conversion promises."""

import hashlib
import json
from pathlib import Path

import pytest

from edge.classifier import default_model_path
from edge.metadata import read_metadata

MODELS = Path(__file__).resolve().parents[2] / "models"
TABLE = MODELS / "formats.json"


@pytest.fixture(scope="module")
def table() -> dict:
    return json.loads(TABLE.read_text())


def test_the_table_is_about_the_shipped_file(table):
    content = default_model_path().read_bytes()
    assert table["formats"]["int8"]["sha256"] == hashlib.sha256(content).hexdigest()
    settings = read_metadata(content).settings
    assert settings["model_version"] == table["model_version"]
    assert settings["format"] == "int8"
    assert len(content) < 800_000


def test_the_version_tells_the_weights_however_often_they_are_saved(tmp_path):
    from convert import export
    from convert.build import weights_hash

    shipped = export.load(MODELS / "emotion.keras")
    shipped.save(tmp_path / "again.keras")
    again = export.load(tmp_path / "again.keras")
    assert (tmp_path / "again.keras").read_bytes() != (MODELS / "emotion.keras").read_bytes()
    assert weights_hash(again) == weights_hash(shipped)
    version = read_metadata(default_model_path().read_bytes()).settings["model_version"]
    assert version.split("+")[1] == weights_hash(shipped)[:8]
    again.set_weights([weight + 1 for weight in again.get_weights()])
    assert weights_hash(again) != weights_hash(shipped)


def test_int8_keeps_what_was_trained_in_both_runtimes(table):
    runtimes = table["formats"]["int8"]["runtimes"]
    assert {name.split()[0] for name in runtimes} == {"tflite-runtime", "ai-edge-litert"}
    for found in runtimes.values():
        assert found["error"] is None
        assert found["score"]["points_lost"] <= 0.5
        assert found["score"]["same_answer"] >= 0.98


def test_every_format_was_measured(table):
    assert set(table["formats"]) == {"int8", "float32", "float16", "dynamic", "int16x8"}
    markdown = (MODELS / "formats.md").read_text()
    for form in table["formats"]:
        assert f"| {form} |" in markdown
    assert table["model_version"] in markdown

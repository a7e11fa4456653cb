"""The evaluate command on drawings and on the real pictures, its table, its figures, and the card made of them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cartoons import write_folders, write_photos

from common.datasets import Faces
from edge.errors import ConfigError
from edge.labels import EMOTIONS
from train.card import model_card
from train.plots import draw_predictions
from train.report import report
from train.robustness import CHANGES

MODEL = Path("models") / "emotion.tflite"
REFERENCE = Path("models") / "reference" / "model.keras"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def train(root: Path, environment: dict[str, str]) -> Run:
    def run(*args: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "train", *map(str, args)]
        env = {**environment, "TF_CPP_MIN_LOG_LEVEL": "3"}
        return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=500, check=False)

    return run


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folders(tmp_path_factory.mktemp("data") / "faces", 25)  # a fifth of them to measure on


@pytest.fixture(scope="module")
def evaluated(train: Run, drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What evaluate printed of the shipped model on a folder per class, and where it left its figures and pictures."""
    where = tmp_path_factory.mktemp("evaluated")
    done = train("evaluate", "--data", drawn, "--output", where / "metrics.json", "--pictures", where)
    assert done.returncode == 0, done.stderr
    return done.stdout, where


def test_a_folder_per_class_gives_accuracy_precision_recall_and_f1(evaluated: tuple[str, Path]) -> None:
    printed, where = evaluated
    tree = json.loads((where / "metrics.json").read_text())
    assert report(tree) == printed
    assert "right is the picture's folder (25 pictures)" in printed
    found = tree["models"]["emotion.tflite"]["scores"]["label"]
    assert [sum(row) for row in found["confusion"]] == [5] * 5
    for name in EMOTIONS:
        assert re.search(rf"\| {name} \| 5 \|( \d+\.\d \(\d+\.\d-\d+\.\d\) \|){{3}}", printed)


def test_the_int8_file_stands_beside_what_it_was_made_from(evaluated: tuple[str, Path], root: Path) -> None:
    tree = json.loads((evaluated[1] / "metrics.json").read_text())
    shipped, trained = tree["models"]["emotion.tflite"], tree["models"]["float"]
    assert shipped["kB"] == round((root / MODEL).stat().st_size / 1000, 1)
    assert shipped["parameters"] == trained["parameters"]
    assert "Keras" in trained["runtime"]
    assert "Keras" not in shipped["runtime"]
    assert shipped["crop_margin"] == trained["crop_margin"]
    assert 0 <= tree["against_float"]["label"]["same_prediction"] <= 1


def test_pictures_are_drawn(evaluated: tuple[str, Path]) -> None:
    names = {path.name for path in evaluated[1].glob("*.png")}
    assert names == {"confusion.png", "classes.png", "reliability.png", "mistakes.png"}
    assert all((evaluated[1] / name).stat().st_size > 5000 for name in names)


def test_a_model_without_a_mistake_can_be_drawn(tmp_path: Path) -> None:
    labels = np.arange(5)
    right = np.eye(5, dtype=np.float32)
    names = tuple(map(str, labels))
    pictures = np.zeros((5, 48, 48, 1), np.uint8)
    draw_predictions(right, Faces(pictures, right, labels, labels > -1, names), tmp_path)
    assert (tmp_path / "mistakes.png").is_file()


def test_the_card_is_made_of_the_records_alone(evaluated: tuple[str, Path], root: Path) -> None:
    card = model_card(evaluated[1])
    tree = json.loads((evaluated[1] / "metrics.json").read_text())
    model = tree["models"]["emotion.tflite"]
    recall = model["scores"]["label"]["classes"]["Sad"]["recall"]
    assert f"{recall['value'] * 100:.1f} ({recall['low'] * 100:.1f}-{recall['high'] * 100:.1f})" in card
    assert f"{model['parameters']:,} parameters" in card
    for part in ("Intended use", "Article 5(1)(f)", "label \\ prediction", "Where it fails", "Licence", "float"):
        assert part in card


def test_the_card_gives_recipe_and_cost_of_the_run(evaluated: tuple[str, Path], tmp_path: Path) -> None:
    shutil.copy(evaluated[1] / "metrics.json", tmp_path)
    record = {
        "recipe": {"start": "", "learning_rate": 0.5, "sample": [], "augment": {"zoom": 0.25}},
        "parameters": 12345,
        "macs": 6e6,
        "faces": {"train": 54321},
        "versions": {"keras": "3.0"},
        "cost": {"epochs": 90, "seconds": 7.2, "device": "abacus"},
    }
    (tmp_path / "training.json").write_text(json.dumps(record))
    (tmp_path / "emotion.toml").write_text('training_data = "a drawer of drawings"\n')
    card = model_card(tmp_path)
    assert "| 12,345 | 6.0 | 54,321 | 90 | 7 | abacus; keras 3.0 |" in card
    assert "Data: a drawer of drawings." in card
    assert "    learning_rate 0.5\n    augment: zoom 0.25\n" in card
    assert "start" not in card.partition("## Training")[2].partition("## Measured")[0]


def test_the_card_of_ones_own_model_tells_of_ones_own_pictures(evaluated: tuple[str, Path], tmp_path: Path) -> None:
    shutil.copy(evaluated[1] / "metrics.json", tmp_path)
    cost = {"epochs": 1, "seconds": 7.2, "device": "abacus"}
    record = {"parameters": 12345, "macs": 6e6, "faces": {"train": 100}, "versions": {}, "cost": cost}
    for start, words in {
        "": "trained from scratch; no pre-trained weights",
        "models/emotion.keras": "go on from those of `models/emotion.keras`, which were trained from scratch",
        "elsewhere/a.keras": "go on from those of `elsewhere/a.keras`; no training pictures",
    }.items():
        (tmp_path / "training.json").write_text(json.dumps(record | {"recipe": {"start": start}}))
        (tmp_path / "emotion.toml").write_text('training_data = "faces (100 pictures); on from what shipped"\n')
        card = model_card(tmp_path)
        assert words in card
        assert "Data: faces (100 pictures); on from what shipped." in card
        assert "FER2013" not in card
        assert "Epoch and temperature were chosen on the pictures" in card
    (tmp_path / "emotion.toml").write_text('training_data = "others (100 pictures)"\n')
    assert "Epoch and temperature" not in model_card(tmp_path)


def test_the_shipped_card_is_up_to_date(root: Path) -> None:
    assert (root / "models" / "MODEL_CARD.md").read_text() == model_card(root / "models")


def test_the_shipped_figures_are_of_the_files_that_are_here(root: Path) -> None:
    models = json.loads((root / "models" / "metrics.json").read_text())["models"]
    files = {MODEL.name: MODEL, "float": MODEL.with_suffix(".keras"), "reference": REFERENCE}
    assert {name: models[name]["sha256"] for name in files} == {  # other seeds are measured and not kept
        name: hashlib.sha256((root / path).read_bytes()).hexdigest() for name, path in files.items()
    }


def test_a_card_without_figures_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no .*metrics\.json; make it with: python -m train evaluate"):
        model_card(tmp_path)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["--data", "nowhere"], 1, "error: no folder nowhere"),
        (["--data", "nowhere", "--model", "none.keras"], 1, "error: no folder nowhere"),
        (["--data", "nowhere", "--compare", "reference"], 2, "--compare takes NAME=FILE"),
        (["--data", "nowhere", "--robustness"], 2, "give them with --photos"),
        (["--data", "nowhere", "--part", "test"], 2, "is not one of 'measure', 'choose', 'all'"),
        ([], 2, "Missing option '--data'"),
    ],
)
def test_wrong_use_is_one_clear_line(train: Run, args: list[str], code: int, said: str) -> None:
    done = train("evaluate", *args)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_every_verb_has_help(train: Run) -> None:
    listed = train("--help").stdout
    for verb in ("fit", "evaluate", "card"):
        assert re.search(rf"^  {verb} +\S", listed, re.MULTILINE)


@pytest.mark.slow
def test_robustness_is_measured_on_photos(train: Run, drawn: Path, photo: Path, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", photo)
    options = ["--photos", photos, "--part", "all", "--robustness", "--output", tmp_path / "metrics.json"]
    done = train("evaluate", "--data", drawn, "--float", "none.keras", *options)
    assert done.returncode == 0, done.stderr
    tree = json.loads((tmp_path / "metrics.json").read_text())
    found = tree["models"]["emotion.tflite"]["robustness"]
    assert list(found["changes"]) == list(CHANGES)
    assert found["changed"] == pytest.approx(np.mean([c["changed"] for c in found["changes"].values()]), abs=1e-4)
    assert tree["sets"]["photos"]["undetected"] in (0, 1)
    assert "| sunglasses |" in done.stdout


@pytest.mark.data
@pytest.mark.slow
def test_the_shipped_model_keeps_its_floors_on_the_real_pictures(train: Run, data_dir: Path, tmp_path: Path) -> None:
    output = tmp_path / "metrics.json"
    done = train("evaluate", "--data", data_dir / "ferplus", "--part", "all", "--output", output)
    assert done.returncode == 0, done.stderr
    tree = json.loads(output.read_text())
    scores = tree["models"]["emotion.tflite"]["scores"]
    for rule, accuracy, recall, pictures in (("majority", 0.89, 0.90, 2801), ("plurality", 0.83, 0.84, 3421)):
        assert scores[rule]["pictures"] == pictures
        assert scores[rule]["accuracy"]["value"] >= accuracy
        assert scores[rule]["macro_recall"]["value"] >= recall
    assert tree["against_float"]["plurality"]["points_lost"] <= 0.5
    assert tree["against_float"]["plurality"]["same_prediction"] >= 0.98

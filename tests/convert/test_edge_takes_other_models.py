"""The edge package runs any conforming classifier, and says of any other what it has and what is wanted."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convert.metadata import embed
from edge.classifier import Classifier
from edge.errors import ModelError
from edge.labels import EMOTIONS

pytestmark = pytest.mark.slow


@pytest.fixture
def other(workshop, tmp_path):
    """A classifier that was converted elsewhere, with standard metadata."""

    def other(name: str, labels: tuple[str, ...] = EMOTIONS) -> Path:
        content = (workshop.folder / "others" / f"{name}.tflite").read_bytes()
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(embed(content, labels, {}))
        return path

    return other


@pytest.fixture(scope="module")
def crops() -> list[np.ndarray]:
    y, x = np.mgrid[0:24, 0:24]
    return [
        np.repeat((np.sin(wave * 1.2) * 100 + 128).astype(np.uint8)[..., None], 3, axis=2) for wave in (x, y, x + y)
    ]


@pytest.mark.parametrize(("name", "channels"), [("int8", 3), ("grey", 1)])
def test_a_conforming_classifier_runs(other, crops, name, channels):
    classifier = Classifier(other(name))
    assert (classifier.input_size, classifier.channels) == ((24, 24), channels)
    assert (classifier.crop_margin, classifier.threshold) == (0.0, 0.35)
    answers = classifier.classify(crops)
    assert answers.shape == (3, 5)
    assert answers.argmax(axis=1).tolist() == [0, 1, 2]  # lying, standing and sloping stripes
    assert answers.sum(axis=1) == pytest.approx(1)


def test_labels_in_another_order_come_from_the_file(other, crops):
    turned = EMOTIONS[::-1]
    classifier = Classifier(other("grey", turned))
    assert classifier.labels == turned
    assert [turned[i] for i in classifier.classify(crops).argmax(axis=1)] == ["Surprise", "Sad", "Neutral"]


@pytest.mark.parametrize(
    ("name", "labels", "words"),
    [
        ("two-inputs", EMOTIONS, ("2 inputs", "wanted one")),
        ("batch-of-four", EMOTIONS, ("(4, 24, 24, 3)", "wanted (1, height, width, 3)")),
        ("logits", EMOTIONS, ("not probabilities", "softmax")),
        ("grey", EMOTIONS[:4], ("Angry, Happy, Neutral, Sad;", "wanted Angry, Happy, Neutral, Sad, Surprise")),
        ("grey", ("cat", "dog", "fox", "owl", "pig"), ("cat, dog", "wanted Angry")),
        ("grey", (), ("no labels", "labels.txt")),
    ],
    ids=["two-inputs", "batch-of-four", "logits", "four-labels", "other-labels", "no-labels"],
)
def test_another_model_is_refused(other, name, labels, words):
    path = other(name, labels)
    done = subprocess.run(
        [sys.executable, "-c", "from edge.cli import main; main()", "info", "--model", str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert str(path) in line
    for word in words:
        assert word in line
    with pytest.raises(ModelError):
        Classifier(path)

"""A real client of the standard metadata: MediaPipe Tasks loads the shipped file as it is and answers alike."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edge.classifier import Classifier, default_model_path
from edge.detectors.haar import HaarDetector
from edge.images import load_image
from edge.labels import EMOTIONS
from edge.preprocess import crop_face, to_gray

ROOT = Path(__file__).resolve().parents[2]
SURE = 0.1  # Two runtimes round int8 differently; an answer this far ahead of the next cannot change.


@pytest.fixture(scope="module")
def ask(mediapipe_python, tmp_path_factory):
    """Ask MediaPipe's ImageClassifier about crops of the model's own size."""

    def ask(crops: list[np.ndarray]) -> dict:
        folder = tmp_path_factory.mktemp("crops")
        np.save(folder / "crops.npy", np.stack(crops))
        script = Path(__file__).with_name("mediapipe_client.py")
        done = subprocess.run(
            [str(mediapipe_python), str(script), str(default_model_path()), str(folder / "crops.npy")],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def assert_same_answers(classifier: Classifier, said: dict, crops: list[np.ndarray]) -> None:
    ours = classifier.predict(crops)
    theirs = np.array([[row[label] for label in classifier.labels] for row in said["answers"]])
    assert np.abs(ours - theirs).max() < SURE
    ranked = np.sort(ours, axis=1)
    sure = ranked[:, -1] - ranked[:, -2] > SURE
    assert sure.any()
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1))[sure].all()


def test_it_reads_our_metadata(ask):
    said = ask([np.zeros((48, 48, 3), np.uint8)])
    about = said["metadata"]
    assert about["name"] == "emotion-edge"
    assert about["licence"] == "MIT"
    assert about["min_parser_version"] == "1.0.0"
    assert about["files"] == ["emotion-edge.json"]
    assert about["input"] == {"color": 1, "size": [48, 48], "mean": [0.0], "std": [255.0], "min": [0.0], "max": [1.0]}
    assert about["labels"] == [["labels.txt", 2]]
    assert set(said["answers"][0]) == set(EMOTIONS)


def test_it_answers_as_edge_does(ask):
    classifier = Classifier()
    random = np.random.default_rng(11)
    portrait = load_image(ROOT / "examples" / "astronaut.jpg")
    crops = [crop_face(portrait, face.box) for face in HaarDetector().detect(to_gray(portrait))]
    assert crops
    crops += [portrait, portrait[:200, :200], np.full((48, 48, 3), 255, np.uint8)]
    crops += list(random.integers(0, 256, (10, 48, 48, 3), np.uint8))
    crops = [classifier.input_spec.prepare(crop) for crop in crops]
    assert_same_answers(classifier, ask(crops), crops)


@pytest.mark.data
@pytest.mark.skipif("EMOTION_DATA" not in os.environ, reason="EMOTION_DATA does not point to the development data")
def test_it_answers_as_edge_does_on_photos(ask):
    classifier, detector = Classifier(), HaarDetector()
    crops = []
    for path in sorted((Path(os.environ["EMOTION_DATA"]) / "photos" / "images").iterdir())[::20]:
        picture = load_image(path)
        crops += [classifier.input_spec.prepare(picture, face.box) for face in detector.detect(to_gray(picture))]
    assert len(crops) > 50
    assert_same_answers(classifier, ask(crops), crops)

"""The pipeline against straight-line OpenCV code, and its answer where there is no face."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from edge.classifier import Classifier
from edge.detector import HaarDetector
from edge.images import load_image
from edge.pipeline import Pipeline
from edge.preprocess import brighten, crop_face
from edge.types import Box


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier()


def described(path: Path, classifier: Classifier) -> tuple[list[int], np.ndarray]:
    """The described pipeline in a straight line, its own decoding and interpreter calls included."""
    rgb = np.asarray(Image.open(path).convert("RGB"))
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    faces = cascade.detectMultiScale(gray, 1.1, 5, minSize=(60, 60))
    if len(faces):
        x, y, w, h = max(faces, key=lambda face: face[2] * face[3])
    else:
        x, y, w, h = 0, 0, rgb.shape[1], rgb.shape[0]
    crop = rgb[y : y + h, x : x + w]
    height, width = classifier.input_size
    shrinks = crop.shape[0] >= height and crop.shape[1] >= width
    face = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    scaled = face.astype(np.float32) / 255
    interpreter = classifier.runtime.interpreter
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = source["quantization"]
    interpreter.set_tensor(source["index"], np.round(scaled / scale + zero_point).astype(source["dtype"])[None])
    interpreter.invoke()
    scale, zero_point = sink["quantization"]
    raw = (interpreter.get_tensor(sink["index"])[0].astype(np.float32) - zero_point) * scale
    return [int(x), int(y), int(w), int(h)], raw / raw.sum()


def check_equal(path: Path, classifier: Classifier) -> bool:
    """Compare one picture; returns whether a face was found."""
    box, probabilities = described(path, classifier)
    result = Pipeline(classifier, HaarDetector(), faces="largest").analyze(load_image(path))
    (face,) = result.faces
    assert face.box.to_list() == box
    assert np.allclose(list(face.probabilities.values()), probabilities, atol=1e-6)
    assert face.emotion == classifier.labels[int(probabilities.argmax())]
    return not result.fallback


def test_largest_is_the_described_pipeline(photo: Path, classifier: Classifier, tmp_path: Path) -> None:
    assert check_equal(photo, classifier)
    faceless = tmp_path / "sky.png"
    Image.fromarray(np.random.default_rng(1).integers(90, 140, (120, 200, 3), np.uint8)).save(faceless)
    assert not check_equal(faceless, classifier)


@pytest.mark.data
def test_largest_is_the_described_pipeline_on_photos(data_dir: Path, classifier: Classifier) -> None:
    found = [check_equal(path, classifier) for path in sorted((data_dir / "photos" / "images").iterdir())[::60]]
    assert set(found) == {True, False}


def test_all_faces_largest_first(photo: Path, classifier: Classifier) -> None:
    rgb = load_image(photo)
    small = cv2.resize(rgb, None, fx=0.8, fy=0.8)
    scene = np.full((512, 512 + small.shape[1], 3), 128, np.uint8)
    scene[: small.shape[0], : small.shape[1]] = small
    scene[:, small.shape[1] :] = rgb
    both = Pipeline(classifier, HaarDetector()).analyze(scene, source="two.png")
    assert len(both.faces) == 2
    assert both.faces[0].box.area > both.faces[1].box.area
    assert (both.source, both.width, both.height, both.fallback) == ("two.png", scene.shape[1], 512, False)
    largest = Pipeline(classifier, HaarDetector(), faces="largest").analyze(scene)
    assert largest.faces == both.faces[:1]


def test_no_face_reads_the_whole_picture_and_says_so(classifier: Classifier) -> None:
    result = Pipeline(classifier, HaarDetector()).analyze(np.full((100, 150, 3), 90, np.uint8))
    assert result.fallback
    assert [face.box for face in result.faces] == [Box(0, 0, 150, 100)]


def test_without_a_detector_the_picture_is_the_face(classifier: Classifier, photo: Path) -> None:
    rgb = load_image(photo)[67:159, 178:270]
    result = Pipeline(classifier, None).analyze(rgb)
    assert not result.fallback
    assert [face.box for face in result.faces] == [Box(0, 0, 92, 92)]
    assert set(result.timing_ms) == {"detect", "classify"}


def test_threshold_decides_what_is_a_guess(classifier: Classifier, photo: Path) -> None:
    rgb = load_image(photo)
    (face,) = Pipeline(classifier, HaarDetector(), threshold=0.0).analyze(rgb).faces
    assert face.confident
    assert face.confidence == max(face.probabilities.values())
    at = Pipeline(classifier, HaarDetector(), threshold=face.confidence).analyze(rgb)
    assert at.faces[0].confident
    if face.confidence < 1:
        above = Pipeline(classifier, HaarDetector(), threshold=1.0).analyze(rgb)
        assert not above.faces[0].confident
        assert above.faces[0].emotion == face.emotion


def test_margin_of_the_model_is_applied(classifier: Classifier, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rgb = load_image(photo)
    monkeypatch.setattr(classifier, "crop_margin", 0.5)
    (face,) = Pipeline(classifier, HaarDetector()).analyze(rgb).faces
    box = face.box
    wide = rgb[box.y - 46 : box.y + 92 + 46, box.x - 46 : box.x + 92 + 46]
    assert np.allclose(list(face.probabilities.values()), classifier.classify([wide])[0], atol=1e-6)


def test_a_dark_face_is_brightened_before_it_is_read(photo: Path) -> None:
    classifier = Classifier()
    dark = load_image(photo) // 6
    whole = Box(0, 0, dark.shape[1], dark.shape[0])  # the network is less sure of it than of the face alone
    (face,) = Pipeline(classifier, HaarDetector()).read_faces(dark, [whole])
    crop = crop_face(dark, whole, classifier.crop_margin)
    lifted, raw = classifier.classify([brighten(crop), crop])
    told = list(face.probabilities.values())
    assert told == lifted.tolist()
    assert told != raw.tolist()

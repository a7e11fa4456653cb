"""The door for programs: what it takes, what it gives, and that it reads a face as the model file states."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from edge import EdgeError, Pipeline
from edge.classifier import Classifier
from edge.errors import ImageError, SourceError
from edge.images import load_image
from edge.preprocess import brighten, crop_face, to_input
from edge.reader import FaceReader
from edge.types import Box, Detection, Face


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier()


@pytest.fixture(scope="module")
def crowd(rgb: np.ndarray) -> np.ndarray:
    """Three times the bundled photo's head, of different size, light and colour, at different places."""
    scene = np.full((512, 900, 3), 120, np.uint8)
    scene[:, :512] = rgb
    small = cv2.resize(rgb[20:320, 90:390], (240, 240), interpolation=cv2.INTER_AREA)
    scene[250:490, 560:800] = (small * [0.35, 0.3, 0.45]).astype(np.uint8)
    return scene


class FixedDetector:
    """Finds what it was made with, and counts its calls."""

    def __init__(self, *boxes: Box) -> None:
        self.boxes, self.calls = list(boxes), 0

    def detect(self, image: np.ndarray) -> list[Detection]:
        self.calls += 1
        return [Detection(box) for box in self.boxes]


def colour_of(face: Face) -> np.ndarray:
    """Mean RGB, 0 to 255, of the picture that the model `mean_color` saw."""
    return np.array(list(face.probabilities.values())[:3]) * 3 * 255


# One way to read a face


def test_largest_only_chooses(crowd: np.ndarray, classifier: Classifier) -> None:
    both = Pipeline(classifier).analyze(crowd)
    assert [face.box.area for face in both.faces] == sorted((face.box.area for face in both.faces), reverse=True)
    assert len({face.box.w for face in both.faces}) == len(both.faces) == 2
    largest = Pipeline(classifier, faces="largest").analyze(crowd)
    assert largest.faces == both.faces[:1]


def test_largest_reads_with_the_margin_and_brightening_that_the_model_states(make_model: Any) -> None:
    scene = np.full((100, 100, 3), (10, 20, 30), np.uint8)
    scene[40:60, 40:60] = (40, 20, 10)
    box = Box(40, 40, 20, 20)
    model = Classifier(make_model("mean_color", settings={"crop_margin": 0.5, "brighten": True}))
    seen = to_input(brighten(crop_face(scene, box, 0.5)), (24, 24)).mean(axis=(0, 1))
    for faces in ("all", "largest"):
        (face,) = Pipeline(model, FixedDetector(box), faces=faces).analyze(scene).faces
        assert colour_of(face) == pytest.approx(seen, abs=0.5)
    plain = Classifier(make_model("mean_color"))
    for faces in ("all", "largest"):
        (face,) = Pipeline(plain, FixedDetector(box), faces=faces).analyze(scene).faces
        assert colour_of(face) == pytest.approx((40, 20, 10), abs=0.5)


def described(path: Path, classifier: Classifier) -> tuple[list[int], np.ndarray]:
    """The described pipeline in a straight line, its own decoding and interpreter calls included."""
    picture = np.asarray(Image.open(path).convert("RGB"))
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    faces = cascade.detectMultiScale(gray, 1.1, 5, minSize=(60, 60))
    if len(faces):
        x, y, w, h = max(faces, key=lambda face: face[2] * face[3])
    else:
        x, y, w, h = 0, 0, picture.shape[1], picture.shape[0]
    crop = picture[y : y + h, x : x + w]
    interpreter = classifier.runtime.interpreter
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    height, width = source["shape"][1:3]
    shrinks = crop.shape[0] >= height and crop.shape[1] >= width
    face = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    scaled = face.astype(np.float32) / 255
    interpreter.set_tensor(source["index"], scaled[None])
    interpreter.invoke()
    raw = interpreter.get_tensor(sink["index"])[0]
    return [int(x), int(y), int(w), int(h)], raw / raw.sum()


def check_described(path: Path, classifier: Classifier) -> bool:
    """Compare one picture with the described pipeline; returns whether a face was found."""
    box, probabilities = described(path, classifier)
    result = Pipeline(classifier, "haar", faces="largest").analyze(path)
    (face,) = result.faces
    assert face.box.to_list() == box
    assert np.allclose(list(face.probabilities.values()), probabilities, atol=1e-6)
    return not result.fallback


def test_a_model_that_states_nothing_is_read_as_described(photo: Path, make_model: Any, tmp_path: Path) -> None:
    plain = Classifier(make_model("float32"))
    assert check_described(photo, plain)
    dim = tmp_path / "dim.png"
    Image.fromarray(load_image(photo) // 3).save(dim)
    assert check_described(dim, plain)
    faceless = tmp_path / "sky.png"
    Image.fromarray(np.random.default_rng(1).integers(90, 140, (120, 200, 3), np.uint8)).save(faceless)
    assert not check_described(faceless, plain)


# Every photo takes minutes: the usual run reads a twelfth of them, `make test-photos` the rest.
@pytest.mark.data
@pytest.mark.parametrize("first", [0, *(pytest.param(first, marks=pytest.mark.photos) for first in range(1, 36))])
def test_the_described_network_is_read_as_described_on_photos(data_dir: Path, make_model: Any, first: int) -> None:
    network = Classifier(make_model("reference"))
    found = [check_described(path, network) for path in sorted((data_dir / "photos" / "images").iterdir())[first::36]]
    assert any(found)
    assert first or not all(found)  # elsewhere every photo may have a face


# Thresholds


def test_the_threshold_is_the_models_own_unless_one_is_given(make_model: Any) -> None:
    picture = np.full((40, 40, 3), 85, np.uint8)  # Sad 0.667
    for stated, given, confident in ((0.6, None, True), (0.7, None, False), (0.6, 0.7, False), (0.7, 0.6, True)):
        model = make_model("mean_color", settings={"threshold": stated})
        (face,) = Pipeline(model, "none", threshold=given).analyze(picture).faces
        assert (face.emotion, face.confidence) == ("Sad", pytest.approx(2 / 3, abs=1e-4))
        assert face.confident is confident, (stated, given)
    (face,) = Pipeline(make_model("mean_color"), "none").analyze(np.full((40, 40, 3), 170, np.uint8)).faces
    assert (face.confidence, face.confident) == (
        pytest.approx(1 / 3, abs=1e-4),
        False,
    )  # below 0.35, of a model that states none


def test_a_held_label_does_not_make_an_answer_less_sure(classifier: Classifier) -> None:
    reader = FaceReader(classifier, threshold=0.5)
    chances = np.array([0.3, 0.6, 0.1, 0, 0])
    face = reader.face(found=Detection(Box(0, 0, 10, 10)), size=(20, 20), probabilities=chances, emotion=0)
    assert (face.emotion, face.confidence, face.confident) == (classifier.labels[0], 0.3, True)
    assert not reader.face(Detection(Box(0, 0, 10, 10)), (20, 20), chances * 0.8, emotion=1).confident


@pytest.mark.parametrize("count", [4, 6])
def test_an_answer_that_does_not_fit_the_labels_is_no_face(classifier: Classifier, count: int) -> None:
    found, size, fits = Detection(Box(0, 0, 10, 10)), (20, 20), np.full(5, 0.2)
    for probabilities, raw in ((np.full(count, 0.2), None), (fits, np.full(count, 0.2))):
        with pytest.raises(ValueError, match="zip"):
            FaceReader(classifier).face(found, size, probabilities, emotion=0, raw=raw)


def test_a_confidence_at_the_threshold_is_confident(make_model: Any) -> None:
    picture = np.full((40, 40, 3), 85, np.uint8)
    (face,) = Pipeline(make_model("mean_color"), "none").analyze(picture).faces
    for threshold, confident in ((face.confidence, True), (np.nextafter(face.confidence, 1), False)):
        (again,) = Pipeline(make_model("mean_color"), "none", threshold=threshold).analyze(picture).faces
        assert again.confident is confident


# What it takes and gives


def test_any_form_of_a_picture_gives_the_same_answer(crowd: np.ndarray, classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "crowd.png"
    Image.fromarray(crowd).save(path)
    pipeline = Pipeline(classifier)
    wanted = pipeline.analyze(crowd)
    assert len(wanted.faces) == 2
    given: dict[str, Any] = {
        "text": str(path),
        "path": path,
        "bytes": path.read_bytes(),
        "bytearray": bytearray(path.read_bytes()),
        "PIL": Image.fromarray(crowd),
        "RGBA": Image.fromarray(crowd).convert("RGBA"),
        "strided": np.repeat(crowd, 2, axis=1)[:, ::2],
    }
    for name, picture in given.items():
        assert pipeline.analyze(picture).faces == wanted.faces, name
    assert pipeline.analyze(crowd[:, :, ::-1], bgr=True).faces == wanted.faces
    grey = cv2.cvtColor(crowd, cv2.COLOR_RGB2GRAY)
    assert pipeline.analyze(grey).faces == pipeline.analyze(np.repeat(grey[:, :, None], 3, axis=2)).faces
    assert pipeline.analyze(path).source == str(path)
    assert (pipeline.analyze(crowd, source="here").source, wanted.source) == ("here", "")
    assert (wanted.width, wanted.height, wanted.fallback) == (900, 512, False)
    assert set(wanted.timing_ms) == {"detect", "classify"}


def test_a_rotated_pil_image_is_read_upright(rgb: np.ndarray, classifier: Classifier) -> None:
    turned = Image.fromarray(np.rot90(rgb, 1).copy())
    exif = turned.getexif()
    exif[0x0112] = 6
    data = io.BytesIO()
    turned.save(data, "PNG", exif=exif)
    result = Pipeline(classifier).analyze(Image.open(data))
    assert result.faces == Pipeline(classifier).analyze(rgb).faces
    assert not result.fallback


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.zeros((40, 40, 3)), r"float64 of shape \(40, 40, 3\); wanted uint8"),
        (np.zeros((40, 40, 4), np.uint8), r"uint8 of shape \(40, 40, 4\); wanted"),
        (np.zeros((2, 40, 40, 3), np.uint8), r"shape \(2, 40, 40, 3\)"),
        (np.zeros((0, 40, 3), np.uint8), "40x0 pixels, too small"),
        (np.zeros((4, 40), np.uint8), "40x4 pixels, too small"),
        (b"", "is empty"),
        (b"hello", "not a picture of a known format"),
        ("no/such.jpg", "no/such.jpg cannot be read: No such file"),
        (Path(), "cannot be read: Is a directory"),
        (None, "cannot be a NoneType; wanted a path"),
        (Image.new("RGB", (4, 4)), "4x4 pixels, too small"),
    ],
)
def test_what_is_no_picture_is_an_error_of_ours(picture: Any, words: str, classifier: Classifier) -> None:
    with pytest.raises(ImageError, match=words):
        Pipeline(classifier).analyze(picture)


def test_what_is_no_model_or_source_is_an_error_of_ours(tmp_path: Path, classifier: Classifier) -> None:
    with pytest.raises(EdgeError, match="cannot be read"):
        Pipeline(tmp_path / "none.tflite")
    with pytest.raises(SourceError, match="no such source"):
        list(Pipeline(classifier).follow("nonsense"))
    with pytest.raises(SourceError, match="no camera at /dev/video99"):
        list(Pipeline(classifier).follow(99, retries=0))


def test_no_face_reads_the_whole_picture_and_says_so(classifier: Classifier) -> None:
    result = Pipeline(classifier).analyze(np.full((100, 150, 3), 90, np.uint8))
    assert result.fallback
    assert [face.box for face in result.faces] == [Box(0, 0, 150, 100)]


def test_boxes_of_a_reduced_picture_are_in_its_own_pixels(classifier: Classifier, photo: Path) -> None:
    large = Image.open(photo).convert("RGB").resize((4096, 4096))
    result = Pipeline(classifier).analyze(large)
    assert (result.width, result.height) == (4096, 4096)
    wanted = Box(178 * 8, 67 * 8, 92 * 8, 92 * 8)
    (face,) = [face for face in result.faces if face.box.iou(wanted) > 0.6]
    drawn = replace(result, faces=(face,)).draw(large)
    assert drawn.shape == (2048, 2048, 3)
    changed = (np.abs(drawn.astype(int) - np.asarray(large.reduce(2))).max(axis=2) > 60).nonzero()
    assert abs(changed[1].min() - face.box.x / 2) < 20
    whole = Pipeline(classifier, "none").analyze(large)
    assert whole.faces[0].box == Box(0, 0, 4096, 4096)


def faceless(classifier: Classifier) -> np.ndarray:
    """A picture without a face of which the network is all the same surer than its threshold."""
    rows = np.linspace(255, 0, 200).astype(np.uint8)[:, None, None]
    picture = np.ascontiguousarray(np.broadcast_to(rows, (200, 200, 3)))
    assert classifier.classify([picture]).max() > classifier.threshold
    return picture


def test_a_picture_without_a_face_is_never_confident(classifier: Classifier) -> None:
    picture = faceless(classifier)
    for threshold in (None, 0.0):
        result = Pipeline(classifier, threshold=threshold).analyze(picture)
        assert result.fallback
        assert [face.confident for face in result.faces] == [False]
    assert Pipeline(classifier, "none", threshold=0.0).analyze(picture).faces[0].confident, "a crop is a face"


def test_without_the_fallback_no_face_is_no_face(classifier: Classifier) -> None:
    pipeline = Pipeline(classifier, fallback=False)
    result = pipeline.analyze(faceless(classifier))
    assert (result.faces, result.fallback, result.error) == ((), False, None)
    assert len(Pipeline(classifier, "none", fallback=False).analyze(faceless(classifier)).faces) == 1


def test_without_a_detector_the_picture_is_the_face(make_model: Any) -> None:
    model = Classifier(make_model("mean_color", settings={"crop_margin": 0.5}))
    picture = np.full((60, 40, 3), 30, np.uint8)
    picture[0] = 255  # a margin would repeat the edge
    result = Pipeline(model, "none").analyze(picture)
    assert not result.fallback
    assert [face.box for face in result.faces] == [Box(0, 0, 40, 60)]
    assert colour_of(result.faces[0]) == pytest.approx(to_input(picture, (24, 24)).mean(axis=(0, 1)), abs=0.5)


# Frames


def test_frames_are_followed_and_the_source_is_closed(classifier: Classifier, tmp_path: Path, rgb: np.ndarray) -> None:
    for number in range(6):
        Image.fromarray(np.roll(rgb, 3 * number, axis=1)).save(tmp_path / f"{number}.png")
    frames = list(Pipeline(classifier).follow(tmp_path))
    assert [result.frame for result in frames] == list(range(6))
    assert {face.track for result in frames for face in result.faces} == {1}
    assert np.array_equal(frames[2].image, np.roll(rgb, 6, axis=1))
    assert [frame.draw().shape for frame in frames] == [rgb.shape] * 6, "the end is no frame"


def test_leaving_the_loop_closes_what_it_opened(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.sources.synthetic import SyntheticSource

    closed = []

    def close(self: SyntheticSource) -> None:
        closed.append(self)

    monkeypatch.setattr(SyntheticSource, "close", close)
    for result in Pipeline(classifier).follow("synthetic"):
        assert result.image is not None
        break
    assert len(closed) == 1


def test_a_threshold_counts_for_frames_too(make_model: Any) -> None:
    model = make_model("mean_color", settings={"threshold": 0.9})
    for threshold, confident in ((None, False), (0.0, True)):
        faces: list[Face] = []
        for result in Pipeline(model, threshold=threshold).follow("synthetic"):
            faces += result.faces
            if len(faces) > 3:
                break
        assert {face.confident for face in faces} == {confident}


def test_a_detector_of_ones_own_is_asked_for_frames_too(classifier: Classifier) -> None:
    detector = FixedDetector()
    for result in Pipeline(model=classifier, detector=detector).follow("synthetic"):
        assert result.faces == ()
        break
    assert detector.calls >= 1


@pytest.mark.parametrize("name", ["yunet", "haar"])
def test_frames_are_searched_by_the_detector_that_was_named(classifier: Classifier, name: str) -> None:
    for result in Pipeline(classifier, name).follow("synthetic"):
        assert result.detector == name
        break


def test_the_name_and_the_file_of_the_detector_are_told(classifier: Classifier) -> None:
    assert re.fullmatch("yunet [0-9a-f]{64}", Pipeline(classifier, "yunet").detector_facts)
    assert Pipeline(classifier, "haar").detector_facts == "haar"


def test_times_are_those_of_the_stages_in_milliseconds(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([100.0, 102.0, 107.0])
    monkeypatch.setattr("edge.pipeline.perf_counter", lambda: next(moments))
    result = Pipeline(classifier, "none").analyze(picture=np.zeros((48, 48, 3), np.uint8))
    assert result.timing_ms == {"detect": 2000.0, "classify": 5000.0}


# Drawing


def test_results_are_drawn(crowd: np.ndarray, classifier: Classifier, tmp_path: Path) -> None:
    result = Pipeline(classifier).analyze(crowd)
    drawn = result.draw(crowd)
    assert drawn.shape == crowd.shape
    changed = (drawn != crowd).any(axis=2)
    assert 0 < changed.mean() < 0.1
    assert np.array_equal(result.draw(crowd[:, :, ::-1], bgr=True)[:, :, ::-1], drawn)
    path = tmp_path / "crowd.png"
    Image.fromarray(crowd).save(path)
    assert np.array_equal(result.draw(path), drawn)
    with pytest.raises(ImageError, match="40x30 pixels; wanted the one that was analyzed, 900x512"):
        result.draw(np.zeros((30, 40, 3), np.uint8))
    with pytest.raises(ImageError, match="nothing to draw into"):
        result.draw()

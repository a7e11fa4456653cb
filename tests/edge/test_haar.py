"""The Haar detector gives OpenCV's own answer."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.detectors.haar import HaarDetector, cascade_path
from edge.errors import RuntimeMissingError
from edge.images import load_image
from edge.preprocess import to_gray


def test_equals_opencv_with_the_described_settings(photo: Path) -> None:
    gray = to_gray(load_image(photo))
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    wanted = cascade.detectMultiScale(gray, 1.1, 5, minSize=(60, 60))
    assert sorted(face.box.to_list() for face in HaarDetector().detect(gray)) == sorted(wanted.tolist())


def test_largest_comes_first(photo: Path) -> None:
    gray = to_gray(load_image(photo))
    small = cv2.resize(gray, None, fx=0.8, fy=0.8)
    scene = np.full((gray.shape[0], gray.shape[1] + small.shape[1]), 128, np.uint8)
    scene[: small.shape[0], : small.shape[1]] = small
    scene[:, small.shape[1] :] = gray
    boxes = [face.box for face in HaarDetector().detect(scene)]
    assert len(boxes) == 2
    assert boxes[0].area > boxes[1].area
    assert boxes[0].x > small.shape[1] > boxes[1].x


def test_settings_reach_opencv(photo: Path) -> None:
    gray = to_gray(load_image(photo))
    assert HaarDetector(min_size=(200, 200)).detect(gray) == []
    assert all(face.box.w <= 70 for face in HaarDetector(max_size=(70, 70)).detect(gray))


@pytest.mark.parametrize("shape", [(8, 8), (60, 60), (1, 500), (500, 1)])
def test_nothing_in_nothing(shape: tuple[int, int]) -> None:
    assert HaarDetector().detect(np.zeros(shape, np.uint8)) == []


def test_opencv_5_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "CascadeClassifier")
    monkeypatch.setattr(cv2, "__version__", "5.0.0")
    with pytest.raises(RuntimeMissingError, match=r"OpenCV 5.0.0 has no CascadeClassifier.*pip install 'opencv.*<5'"):
        cascade_path()


def test_missing_or_damaged_cascade_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cv2.data, "haarcascades", str(tmp_path))
    if not Path("/usr/share/opencv4/haarcascades").exists():
        with pytest.raises(RuntimeMissingError, match="came without haarcascade_frontalface_default"):
            HaarDetector()
    (tmp_path / "haarcascade_frontalface_default.xml").write_text("<opencv_storage>")
    with pytest.raises(RuntimeMissingError, match="could not load the face cascade"):
        HaarDetector()

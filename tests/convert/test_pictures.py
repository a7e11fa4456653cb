"""Calibration pictures are balanced, the same every time, and go through the preprocessing that devices use."""

import numpy as np
import pytest
from PIL import Image

from convert.pictures import balanced, read
from edge.errors import EdgeError
from edge.labels import EMOTIONS
from edge.preprocess import InputSpec

SPEC = InputSpec(24, 24)


@pytest.fixture
def faces(tmp_path):
    """Pictures of one colour: of each class 20 times its number and some, 32x32."""
    for number, label in enumerate(EMOTIONS):
        (tmp_path / label).mkdir()
        for copy in range(20):
            Image.new("RGB", (32, 32), (40 * number, copy, 255)).save(tmp_path / label / f"{copy}.png")
    return tmp_path


def test_balanced_takes_as_many_of_each_class_as_there_are():
    labels = np.repeat([0, 1, 2, 3, 4], [500, 100, 50, 30, 3])
    chosen = balanced(labels, 200)
    assert np.bincount(labels[chosen]).tolist() == [40, 40, 40, 30, 3]
    assert len(set(chosen.tolist())) == len(chosen)
    assert (balanced(labels, 200) == chosen).all()


def test_pictures_fit_the_model_and_the_splits_do_not_meet(faces):
    pictures = read(faces, InputSpec(48, 48), samples=25)
    assert pictures.calibration.shape == (25, 48, 48, 3)
    assert pictures.calibration.dtype == pictures.measured.dtype == np.uint8
    assert np.bincount(pictures.labels, minlength=5).tolist() == [4] * 5
    calibrated = {tuple(pixel) for pixel in pictures.calibration[:, 0, 0]}
    measured = {tuple(pixel) for pixel in pictures.measured[:, 0, 0]}
    assert not calibrated & measured
    assert "Angry 16" in pictures.source
    assert pictures.measured_on.endswith("validation split: 20 pictures; label: the picture's folder")


def test_limit_keeps_the_classes_balanced(faces):
    assert np.bincount(read(faces, SPEC, samples=5, limit=10).labels).tolist() == [2] * 5


def test_a_class_without_pictures_is_named(faces):
    for picture in (faces / "Neutral").iterdir():
        picture.unlink()
    with pytest.raises(EdgeError, match="Neutral"):
        read(faces, SPEC, samples=5)


def test_no_pictures_at_all(tmp_path):
    with pytest.raises(EdgeError, match="no data set"):
        read(tmp_path, SPEC, samples=5)

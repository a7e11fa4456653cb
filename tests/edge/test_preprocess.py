"""The preprocessing that training and serving share."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.preprocess import brighten, crop_face, to_gray, to_input
from edge.types import Box

NOISE = np.random.default_rng(3).integers(0, 256, (90, 120, 3), np.uint8)


def test_grey_is_opencvs_grey_of_rgb() -> None:
    gray = to_gray(NOISE)
    assert gray.shape == (90, 120)
    assert gray.dtype == np.uint8
    weighted = NOISE.astype(float) @ [0.299, 0.587, 0.114]
    assert np.abs(gray - weighted).max() <= 1


def test_crop_is_the_box_itself() -> None:
    assert np.array_equal(crop_face(NOISE, Box(10, 20, 30, 40)), NOISE[20:60, 10:40])


def test_a_dark_face_is_lifted_and_a_bright_one_is_left() -> None:
    face = (NOISE // 2 + 60).astype(np.uint8)
    assert brighten(face) is face
    dark = (face // 3)[::2, ::-1]
    lifted = brighten(dark)
    assert lifted.shape == dark.shape
    assert to_gray(lifted).mean() == pytest.approx(100, abs=1.5)
    assert np.abs(lifted.astype(float) - dark * (100 / to_gray(dark).mean())).max() <= 3


def test_black_stays_black_and_noise_is_not_blown_up() -> None:
    assert not brighten(np.zeros((9, 9, 3), np.uint8)).any()
    assert brighten(np.full((9, 9, 3), 2, np.uint8)).max() == 8


def test_margin_grows_every_side_and_is_clipped() -> None:
    assert np.array_equal(crop_face(NOISE, Box(10, 20, 30, 40), 0.1), NOISE[16:64, 7:43])
    assert crop_face(NOISE, Box(0, 0, 120, 90), 0.5).shape == NOISE.shape


@pytest.mark.parametrize(
    "box", [Box(-20, -20, 30, 30), Box(110, 80, 50, 50), Box(500, 500, 10, 10), Box(-50, -50, 5, 5)]
)
def test_box_over_the_edge_gives_at_least_a_pixel(box: Box) -> None:
    crop = crop_face(NOISE, box)
    assert min(crop.shape[:2]) >= 1
    assert to_input(crop, (48, 48)).shape == (48, 48, 3)


def test_shrinks_by_area_and_grows_linearly() -> None:
    small = to_input(NOISE, (30, 40))
    assert np.array_equal(small, cv2.resize(NOISE, (40, 30), interpolation=cv2.INTER_AREA))
    large = to_input(NOISE, (180, 240))
    assert np.array_equal(large, cv2.resize(NOISE, (240, 180), interpolation=cv2.INTER_LINEAR))


def test_same_size_goes_through_untouched() -> None:
    assert np.array_equal(to_input(NOISE, (90, 120)), NOISE)


def test_one_channel() -> None:
    gray = to_input(NOISE, (48, 48), channels=1)
    assert gray.shape == (48, 48, 1)
    assert np.array_equal(gray[:, :, 0], cv2.resize(to_gray(NOISE), (48, 48), interpolation=cv2.INTER_AREA))


def test_views_that_are_not_contiguous_are_taken() -> None:
    result = to_input(NOISE[::2, ::-1], (48, 48))
    assert result.flags.c_contiguous
    assert result.dtype == np.uint8

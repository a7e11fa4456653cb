"""The preprocessing that training and serving share."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.preprocess import InputSpec, brighten, crop_face, to_gray, to_input
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


def test_brightness_weighs_red_green_and_blue_as_grey_does() -> None:
    blue = np.zeros((9, 9, 3), np.uint8)
    blue[..., 2] = 200
    red = blue[..., ::-1]
    assert brighten(blue).max() == 255  # 22.8 of 255: lifted by four times
    assert brighten(red).max() == 255  # 59.8 of 255: lifted by less than two times
    assert (brighten(blue // 4).max(), brighten(red // 4).max()) == (200, 200)
    assert (brighten(blue // 2).max(), brighten(red // 2).max()) == (255, 255)
    orange = np.full((9, 9, 3), (180, 60, 0), np.uint8)
    assert brighten(orange).max() == 202  # 89.0 of 255
    assert brighten(orange[..., ::-1]).max() == 255  # 55.7 of 255


def test_black_stays_black_and_noise_is_not_blown_up() -> None:
    assert not brighten(np.zeros((9, 9, 3), np.uint8)).any()
    assert brighten(np.full((9, 9, 3), 2, np.uint8)).max() == 8


def test_margin_grows_every_side() -> None:
    assert np.array_equal(crop_face(NOISE, Box(10, 20, 30, 40), 0.1), NOISE[16:64, 7:43])


def test_where_a_crop_leaves_the_picture_its_edge_is_repeated() -> None:
    padded = np.pad(NOISE, ((45, 45), (60, 60), (0, 0)), mode="edge")
    assert np.array_equal(crop_face(NOISE, Box(0, 0, 120, 90), 0.5), padded)
    assert np.array_equal(crop_face(NOISE, Box(-20, -10, 30, 40)), padded[35:75, 40:70])
    assert np.array_equal(crop_face(NOISE, Box(100, 20, 40, 80)), padded[65:145, 160:200])
    for x, y in ((-5, 20), (110, 20), (40, -5), (40, 80)):  # over one side alone
        assert np.array_equal(crop_face(NOISE, Box(x, y, 20, 30)), padded[y + 45 : y + 75, x + 60 : x + 80])
    for x, y in ((130, 100), (-20, -15), (130, -15), (-20, 100)):  # wholly outside
        assert np.array_equal(crop_face(NOISE, Box(x, y, 10, 10)), padded[y + 45 : y + 55, x + 60 : x + 70])


def test_a_rotated_head_is_turned_upright_about_the_middle_of_its_box() -> None:
    box = Box(40, 25, 20, 30)  # with its margin 24 by 36, about (50, 40)
    assert np.array_equal(crop_face(NOISE, box, 0.1, 90), np.rot90(NOISE[28:52, 32:68]))
    assert np.array_equal(crop_face(NOISE, box, 0.1, -90), np.rot90(NOISE[28:52, 32:68], -1))
    assert np.array_equal(crop_face(NOISE, box, 0.1, 180), np.rot90(NOISE[22:58, 38:62], 2))
    assert crop_face(NOISE, Box(3, 3, 0, 0), 0.1, 90).shape == (1, 1, 3)
    assert np.array_equal(InputSpec(24, 24).prepare(NOISE, box, 90), to_input(np.rot90(NOISE[30:50, 35:65]), (24, 24)))


def test_a_head_that_is_nearly_level_is_left_as_it_is() -> None:
    box = Box(40, 25, 20, 30)
    assert np.array_equal(crop_face(NOISE, box, 0.1, 9.9), crop_face(NOISE, box, 0.1))
    assert not np.array_equal(crop_face(NOISE, box, 0.1, 10.0), crop_face(NOISE, box, 0.1))
    assert not np.array_equal(crop_face(NOISE, box, 0.1, -10.0), crop_face(NOISE, box, 0.1))


def test_a_head_is_turned_by_whole_degrees_which_every_processor_measures_alike() -> None:
    box = Box(40, 25, 20, 30)
    assert np.array_equal(crop_face(NOISE, box, 0.1, -23.4), crop_face(NOISE, box, 0.1, -23.0))
    assert not np.array_equal(crop_face(NOISE, box, 0.1, -23.0), crop_face(NOISE, box, 0.1, -24.0))


@pytest.mark.parametrize(
    "box", [Box(-20, -20, 30, 30), Box(110, 80, 50, 50), Box(500, 500, 10, 10), Box(-50, -50, 5, 5), Box(3, 3, 0, 0)]
)
def test_any_box_gives_a_crop_of_its_size(box: Box) -> None:
    crop = crop_face(NOISE, box)
    assert crop.shape == (max(box.h, 1), max(box.w, 1), 3)
    assert to_input(crop, (48, 48)).shape == (48, 48, 3)


def test_a_spec_crops_brightens_and_resizes_in_this_order() -> None:
    dark = NOISE // 6
    dark[:, 60:] = 255  # a bright half outside the box must not keep the face from being brightened
    box = Box(5, 10, 40, 50)
    wanted = to_input(brighten(crop_face(dark, box, 0.1)), (24, 20))
    assert np.array_equal(InputSpec(24, 20, margin=0.1, brighten=True).prepare(dark, box), wanted)
    plain = InputSpec(24, 20).prepare(dark, box)
    assert np.array_equal(plain, to_input(dark[10:60, 5:45], (24, 20)))
    assert not np.array_equal(plain, wanted)


def test_a_picture_that_is_the_crop_gets_no_margin() -> None:
    assert np.array_equal(InputSpec(24, 24, margin=0.5).prepare(NOISE), to_input(NOISE, (24, 24)))


def test_shrinks_by_area_and_grows_linearly() -> None:
    small = to_input(NOISE, (30, 40))
    assert np.array_equal(small, cv2.resize(NOISE, (40, 30), interpolation=cv2.INTER_AREA))
    large = to_input(NOISE, (180, 240))
    assert np.array_equal(large, cv2.resize(NOISE, (240, 180), interpolation=cv2.INTER_LINEAR))


@pytest.mark.parametrize(
    ("height", "width", "method"),
    [
        (90, 60, cv2.INTER_AREA),
        (45, 120, cv2.INTER_AREA),
        (100, 110, cv2.INTER_LINEAR),
        (80, 130, cv2.INTER_LINEAR),
    ],
)
def test_what_grows_one_way_is_interpolated(height: int, width: int, method: int) -> None:
    wanted = cv2.resize(NOISE, (width, height), interpolation=method)
    assert np.array_equal(to_input(NOISE, (height, width)), wanted)


def test_same_size_goes_through_untouched() -> None:
    assert np.shares_memory(to_input(NOISE, (90, 120)), NOISE)


def test_one_channel() -> None:
    gray = to_input(NOISE, (48, 48), channels=1)
    assert gray.shape == (48, 48, 1)
    assert np.array_equal(gray[:, :, 0], cv2.resize(to_gray(NOISE), (48, 48), interpolation=cv2.INTER_AREA))


def test_views_that_are_not_contiguous_are_taken() -> None:
    result = to_input(NOISE[::2, ::-1], (48, 48))
    assert result.flags.c_contiguous
    assert result.dtype == np.uint8

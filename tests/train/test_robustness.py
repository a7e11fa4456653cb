"""The changes of the robustness table do what their names say, from the crop that the device reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge import load_image
from edge.detectors import make_detector
from edge.detectors.pictures import find_faces
from edge.opencv import cv2
from edge.preprocess import InputSpec
from edge.types import Box, Detection
from train.robustness import CHANGES, FRAME, GROUPS, framed, patch_of

SIDE = 2 * FRAME


@pytest.fixture(scope="module")
def face(photo: Path) -> tuple[np.ndarray, Detection]:
    rgb = load_image(photo)
    return rgb, find_faces(make_detector(), rgb)[0]


def test_the_unchanged_frame_is_the_devices_crop(face: tuple[np.ndarray, Detection]) -> None:
    rgb, found = face
    frame = framed(patch_of(rgb, found, 0.1))
    crop = InputSpec(FRAME, FRAME, margin=0.1).prepare(rgb, found.box, found.roll_deg)
    assert np.abs(frame.astype(int) - crop).mean() < 3


def test_a_photo_without_a_face_is_framed_whole() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    rgb = cv2.GaussianBlur(rgb, (0, 0), 4)
    frame = framed(patch_of(rgb, None, 0.1))
    assert np.abs(frame.astype(int) - InputSpec(FRAME, FRAME).prepare(rgb)).mean() < 3


@pytest.fixture
def dot() -> np.ndarray:
    """A patch with a white dot right of its middle and a little above."""
    patch = np.zeros((SIDE, SIDE, 3), np.uint8)
    cv2.circle(patch, (SIDE // 2 + 30, SIDE // 2 - 10), 4, (255, 255, 255), -1)
    return patch


def place(frame: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(frame[..., 0] > 100)
    return columns.mean() - (FRAME - 1) / 2, rows.mean() - (FRAME - 1) / 2


@pytest.mark.parametrize(
    ("change", "x", "y"),
    [
        ("framing 1.25", 30 / 1.25, -10 / 1.25),
        ("framing 0.8", 30 / 0.8, -10 / 0.8),
        ("10 % right", 30 - FRAME / 10, -10),
        ("10 % down", 30, -10 - FRAME / 10),
        ("roll +20", 30 * np.cos(0.349) + 10 * np.sin(0.349), -10 * np.cos(0.349) + 30 * np.sin(0.349)),
        ("mirrored", -30, -10),
    ],
)
def test_frames_move_as_their_names_say(dot: np.ndarray, change: str, x: float, y: float) -> None:
    assert place(CHANGES[change](dot)) == pytest.approx((x, y), abs=1.2)


def test_there_are_about_40_changes_and_each_changes_a_face(face: tuple[np.ndarray, Detection]) -> None:
    patch = patch_of(*face, 0.1)
    plain = framed(patch)
    assert 38 <= len(CHANGES) <= 46
    for name, change in CHANGES.items():
        made = change(patch)
        assert made.shape == plain.shape
        assert made.dtype == np.uint8
        assert np.abs(made.astype(int) - plain).mean() > 0.5, name
    assert all(name in CHANGES for names in GROUPS.values() for name in names)


def test_blur_is_measured_in_shares_of_the_frame() -> None:
    edge = np.zeros((SIDE, SIDE, 3), np.uint8)
    edge[:, SIDE // 2 :] = 255
    slope = np.diff(CHANGES["blur 2/48"](edge)[FRAME // 2, :, 0].astype(float)).max()
    assert slope == pytest.approx(255 / (np.sqrt(2 * np.pi) * 2 / 48 * FRAME), rel=0.1)


def test_a_small_face_keeps_no_more_than_its_pixels() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    small = CHANGES["16 px"](noise)
    again = cv2.resize(cv2.resize(small, (16, 16), interpolation=cv2.INTER_AREA), (FRAME, FRAME))
    assert np.abs(again.astype(int) - small).mean() < 12
    assert small.std() < noise.std() / 3


def test_a_box_over_the_edge_is_padded(face: tuple[np.ndarray, Detection]) -> None:
    rgb, _ = face
    patch = patch_of(rgb, Detection(Box(-20, -20, 100, 100)), 0.0)
    assert patch.shape == (SIDE, SIDE, 3)

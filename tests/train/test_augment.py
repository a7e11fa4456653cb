"""Training pictures: framed as the device frames them, and changed as the recipe says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from common.crops import padded
from edge.preprocess import InputSpec
from train.augment import AROUND, GLASSES, MASK, Augmentation
from train.recipe import Augment

SPEC = InputSpec(48, 48, 1)
NONE = Augment(rotation_deg=0, zoom=0, shift=0, light=0, blur=0, cover=0)


@pytest.fixture
def patch() -> np.ndarray:
    """A smooth picture without any symmetry, in a training patch."""
    y, x = np.mgrid[0:72, 0:72]
    return np.clip(60 + x * 1.5 + y * 0.8 + 30 * np.sin(x / 9) * np.cos(y / 7), 0, 255).astype(np.uint8)


def changed(patch: np.ndarray, settings: Augment, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    pictures, hidden = Augmentation(settings, SPEC)(np.repeat(patch[None], count, axis=0), np.random.default_rng(0))
    return pictures[..., 0], hidden[:, 0]


def test_without_changes_the_frame_or_its_mirror_image_is_learned(patch: np.ndarray) -> None:
    frame = patch[12:60, 12:60]
    pictures, hidden = changed(patch, NONE)
    mirrored = [np.array_equal(picture, frame[:, ::-1]) for picture in pictures]
    plain = [np.array_equal(picture, frame) for picture in pictures]
    assert all(a != b for a, b in zip(mirrored, plain, strict=True))
    assert 70 < sum(mirrored) < 130
    assert not hidden.any()


def test_a_crop_without_surroundings_is_the_frame_of_its_patch() -> None:
    crop = np.random.default_rng(1).integers(0, 256, (48, 48, 1), np.uint8)
    patch = padded(crop, AROUND)
    assert patch.shape == (72, 72, 1)
    np.testing.assert_array_equal(patch[12:60, 12:60], crop)
    assert (patch[:13, 40] == crop[0, 28]).all()


def test_light_is_what_plain_arithmetic_says() -> None:
    """To the last bit: NumPy's own powers depend on where arrays lie in memory, and so would a seed's network."""
    frame = np.arange(48 * 48, dtype=np.int64).reshape(48, 48).astype(np.uint8)
    patch = padded(frame[..., None], AROUND)[..., 0]
    settings = Augment(rotation_deg=0, zoom=0, shift=0, light=0.5, blur=0, cover=0)
    mean, compared = float(frame.mean()), 0
    for seed in range(3000):
        picture = Augmentation(settings, InputSpec(48, 48, 1, brighten=False))(patch[None], np.random.default_rng(seed))
        random = np.random.default_rng(seed)
        mirrored = random.random(4)[3] < 0.5  # after zoom, aspect and rotation; then follow shifts, cover and blur
        random.random(4)
        contrast, gamma = (math.exp(share * random.uniform(-0.5, 0.5)) for share in (0.8, 0.6))
        exposure = math.exp(random.uniform(-0.75, 0.35))
        if random.random() < 1 / 6:
            continue  # lit from a side, too
        shown = (min(max((mean + (value - mean) * contrast) * exposure / 255, 0), 1) for value in range(256))
        table = np.array([round(255 * share**gamma) for share in shown], np.uint8)
        np.testing.assert_array_equal(picture[0][0, ..., 0], table[frame[:, ::-1] if mirrored else frame])
        compared += 1
    assert compared > 2000


def test_zoom_shows_more_or_less_of_the_patch(patch: np.ndarray) -> None:
    slope = np.tile(np.arange(72, dtype=np.uint8) * 3, (72, 1))
    spans = np.ptp(changed(slope, Augment(0, zoom=0.25, shift=0, light=0))[0], axis=(1, 2)) / (47 * 3)
    assert spans.min() == pytest.approx(np.exp(-0.29), abs=0.05)
    assert spans.max() == pytest.approx(np.exp(0.29), abs=0.05)


def test_the_same_seed_gives_the_same_pictures_and_each_its_own(patch: np.ndarray) -> None:
    settings = Augment(blur=0.5, cover=0.5)
    once, again = changed(patch, settings)[0], changed(patch, settings)[0]
    np.testing.assert_array_equal(once, again)
    assert len(np.unique(once.reshape(len(once), -1), axis=0)) == len(once)


@pytest.mark.parametrize("name", ["rotation_deg", "shift", "light", "blur", "cover"])
def test_each_setting_changes_pictures(patch: np.ndarray, name: str) -> None:
    settings = {"rotation_deg": 0, "zoom": 0, "shift": 0, "light": 0} | {name: 15 if name == "rotation_deg" else 0.5}
    frame = patch[12:60, 12:60]
    pictures, _ = changed(patch, Augment(**settings))
    share = np.mean([not (np.array_equal(p, frame) or np.array_equal(p, frame[:, ::-1])) for p in pictures])
    assert (0.35 < share < 0.65) if name in ("blur", "cover") else share > 0.95


def test_a_hidden_expression_is_said_to_be_hidden(patch: np.ndarray) -> None:
    shares = np.unique(changed(patch, Augment(0, 0, 0, 0, cover=1.0))[1])
    assert shares == pytest.approx([0.0, GLASSES, MASK])


def test_dark_faces_are_brightened_after_the_change(patch: np.ndarray) -> None:
    spec = InputSpec(48, 48, 1, brighten=True)
    dark = np.repeat((patch // 4)[None], 20, axis=0)
    pictures, _ = Augmentation(NONE, spec)(dark, np.random.default_rng(0))
    assert pictures.mean(axis=(1, 2, 3)) == pytest.approx(100, abs=3)

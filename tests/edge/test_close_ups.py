"""Close-ups of what may be a face, and how much it is like one."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.face_scenes import generated, place
from benchmarks.scenes import cut_head
from edge.detectors import closer
from edge.detectors.close_ups import MOVES, PLACES, features, first_close_ups, settled
from edge.detectors.likeness import SIDE_PX, prepared
from edge.detectors.pictures import find_faces
from edge.detectors.trees import BoostedTrees
from edge.detectors.yunet import YuNetDetector
from edge.types import Box, Detection


def half_covered(rgb: np.ndarray, side: str, seed: int = 0) -> tuple[np.ndarray, Box]:
    """A scene with the face of the bundled photo, one side of it behind something."""
    head, face = cut_head(rgb)
    random = np.random.default_rng(seed)
    picture, box = place(generated(random), head, face, "half covered", random)
    if side == "left":
        return picture, box
    return np.ascontiguousarray(picture[:, ::-1]), Box(picture.shape[1] - box.x - box.w, box.y, box.w, box.h)


def test_features_of_a_face_stand_in_their_places(rgb: np.ndarray, detector: YuNetDetector) -> None:
    hit = max(detector.hits(rgb), key=lambda hit: hit.score)
    place, alike = settled(detector, rgb, hit)
    assert place is hit, "it scores high"
    found = features(detector, rgb, hit, first_close_ups(detector, rgb, hit), alike)
    assert len(found) == 31
    assert found[:2] == pytest.approx([math.log(hit.score / (1 - hit.score)), math.log(64)])
    scores, overlaps, drifts, sizes = found[2:9], found[9:24:3], found[10:24:3], found[11:24:3]
    assert min(scores[:5]) > 0 > min(scores[5:]) - 3, "level close-ups, then rotated ones"
    assert min(overlaps) > 0.6
    assert max(drifts) < 0.15
    assert max(sizes) < 0.3
    assert found[24:] == alike
    trees = BoostedTrees(Path(closer.__file__).with_suffix(".json"))
    nothing = [*[-3.0] * 9, *[0.0, 0.4, 0.0] * 5, *[-5.0] * 7]
    assert trees.log_odds(found) > trees.likely > trees.log_odds(nothing)


def test_a_face_is_like_one_and_a_texture_is_not(rgb: np.ndarray, detector: YuNetDetector) -> None:
    box = max(detector.hits(rgb), key=lambda hit: hit.score).box
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    odds = detector.likeness.log_odds(rgb, box)
    assert odds > 2
    assert detector.likeness.log_odds(gray, box) == pytest.approx(odds, abs=0.5)
    assert detector.likeness.log_odds((gray * 0.15).astype(np.uint8), box) > 1, "its contrast does not count"
    turned = cv2.rotate(rgb, cv2.ROTATE_90_CLOCKWISE)
    aside = Box(rgb.shape[0] - box.y - box.h, box.x, box.w, box.h)
    assert detector.likeness.log_odds(turned, aside, 90.0) == pytest.approx(odds, abs=1)
    assert detector.likeness.log_odds(turned, aside) < odds - 2
    random = np.random.default_rng(1)
    assert np.median([detector.likeness.log_odds(generated(random), Box(280, 200, 120, 120)) for _ in range(20)]) < -2


def test_what_the_network_sees_has_one_brightness_and_one_contrast(rgb: np.ndarray) -> None:
    gray = cv2.cvtColor(rgb[:SIDE_PX, :SIDE_PX], cv2.COLOR_RGB2GRAY)
    seen = prepared(gray)
    assert seen.shape == (SIDE_PX, SIDE_PX, 1)
    assert seen.mean() == pytest.approx(128, abs=3)
    assert np.abs(prepared((gray * 0.5 + 20).astype(np.uint8)).astype(int) - seen).mean() < 3
    assert prepared(np.full((SIDE_PX, SIDE_PX), 9, np.uint8)).max() == 128


def test_places_lie_around_the_hit_which_goes_to_the_best(
    rgb: np.ndarray, detector: YuNetDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Box] = []
    goal = Box(80, 200, 100, 100)

    def log_odds(_: object, __: np.ndarray, box: Box) -> float:
        seen.append(box)
        return box.iou(goal)

    monkeypatch.setattr(type(detector.likeness), "log_odds", log_odds)
    found, alike = settled(detector, rgb, Detection(Box(100, 200, 100, 100), score=0.3))
    assert found.box == goal
    assert alike == [box.iou(goal) for box in seen[-7:]]
    assert seen[:7] == [
        Box(100, 200, 100, 100),
        *(Box(80, 200, 100, 100), Box(120, 200, 100, 100), Box(100, 180, 100, 100), Box(100, 220, 100, 100)),
        *(Box(110, 210, 80, 80), Box(88, 188, 125, 125)),
    ]
    far, _ = settled(detector, rgb, Detection(Box(300, 200, 100, 100), score=0.3))
    assert far.box.x == 300, "nothing draws it anywhere"
    seen.clear()
    high = Detection(Box(100, 200, 100, 100), score=0.9)
    assert settled(detector, rgb, high)[0] is high
    assert len(seen) == len(PLACES)


def test_a_hit_goes_so_far_and_no_farther(
    detector: YuNetDetector, rgb: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(detector.likeness), "log_odds", lambda _, __, box: float(box.x))
    found, _ = settled(detector, rgb, Detection(Box(100, 200, 100, 100), score=0.3))
    assert found.box.x == 100 + MOVES * 20


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_hit_aside_of_half_a_face_comes_to_the_face(rgb: np.ndarray, detector: YuNetDetector, side: str) -> None:
    picture, box = half_covered(rgb, side)
    aside = round(0.55 * box.w) * (1 if side == "left" else -1)
    hit = Detection(Box(box.x + aside, box.y, box.w, box.h), score=0.3)
    found, alike = settled(detector, picture, hit)
    assert hit.box.iou(box) < 0.3
    assert found.box.iou(box) > 0.35
    assert max(alike) > 4


def test_what_is_not_like_a_face_has_no_close_ups(detector: YuNetDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = generated(np.random.default_rng(1))
    hit = Detection(Box(300, 200, 100, 100), score=0.6)
    assert max(settled(detector, picture, hit)[1]) < closer.RESEMBLING
    monkeypatch.setattr(closer, "first_close_ups", lambda *_: pytest.fail("it was looked at again"))
    assert closer.closer(detector, picture, hit) is None


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_blurred_face_half_covered_is_found_as_it_is_like_one(
    rgb: np.ndarray, detector: YuNetDetector, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    picture, box = half_covered(rgb, side, 2)
    picture = cv2.GaussianBlur(picture, (0, 0), 5)
    assert [one.box.iou(box) > 0.3 for one in find_faces(detector, picture)] == [True]
    monkeypatch.setattr(closer, "settled", lambda _, __, face: (face, [-1.0] * 7))
    assert find_faces(detector, picture) == []

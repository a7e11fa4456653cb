"""Close-ups of what may be a face, and of the faces that its halves make."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.face_scenes import generated, place
from benchmarks.scenes import cut_head
from edge.detectors import close_ups, closer
from edge.detectors.close_ups import close_up, features, first_close_ups, halves
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
    found = features(detector, rgb, hit, first_close_ups(detector, rgb, hit))
    assert found is not None
    assert len(found) == 52
    own, of_halves, of_the_best = found[:24], found[24:28], found[28:]
    assert of_halves == sorted(of_halves, reverse=True)
    assert of_the_best[:2] == pytest.approx([of_halves[0], math.log(64)])
    assert own[:2] == pytest.approx([math.log(hit.score / (1 - hit.score)), math.log(64)])
    for one in (own, of_the_best):
        scores, overlaps, drifts, sizes = one[2:9], one[9::3], one[10::3], one[11::3]
        assert min(scores[:5]) > 0 > min(scores[5:]) - 3, "level close-ups, then rotated ones"
        assert min(overlaps) > 0.6
        assert max(drifts) < 0.15
        assert max(sizes) < 0.3
    trees = BoostedTrees(Path(closer.__file__).with_suffix(".json"))
    assert trees.log_odds(found) > trees.likely > trees.log_odds([0.0] * 52)


def test_what_close_ups_do_not_show_again_has_no_features(detector: YuNetDetector) -> None:
    picture = generated(np.random.default_rng(1))
    hit = Detection(Box(300, 200, 100, 100), score=0.6)
    assert features(detector, picture, hit, first_close_ups(detector, picture, hit)) is None


@pytest.mark.parametrize(("side", "whole"), [("left", (0, 1)), ("right", (2, 3))])
def test_half_a_face_and_its_mirror_image_make_a_clear_one(
    rgb: np.ndarray, detector: YuNetDetector, side: str, whole: tuple[int, int]
) -> None:
    picture, box = half_covered(rgb, side)
    scores = []
    for made, expected in halves(picture, box):
        middle = round(expected.center[0])
        assert np.array_equal(made[:, middle - 60 : middle], made[:, middle : middle + 60][:, ::-1])
        seen = close_up(detector, made, Detection(expected), 0.0, 128)
        scores.append(seen.score if seen else 0.0)
    alone = close_up(detector, picture, Detection(box), 0.0, 128)
    assert max(scores) in [scores[index] for index in whole]
    assert max(scores) > 0.92 > (alone.score if alone else 0.0)


def test_a_blurred_face_half_covered_is_found_by_its_half_and_the_mirror_image(
    rgb: np.ndarray, detector: YuNetDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, box = half_covered(rgb, "left", 2)
    picture = cv2.GaussianBlur(picture, (0, 0), 5)
    assert [one.box.iou(box) > 0.3 for one in find_faces(detector, picture)] == [True]
    monkeypatch.setattr(close_ups, "AXIS", -1.0)  # no half stands on its axis
    assert find_faces(detector, picture) == []

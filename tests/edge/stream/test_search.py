"""Where a stream looks for faces: in whole frames, near those it knows, and for those that are hard to see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from engine_stage import FACE, HAPPY, PLACE, ScriptedDetector, only_face, scene, show

from edge.classifier import Classifier
from edge.detectors.haar import HaarDetector
from edge.detectors.yunet import YuNetDetector
from edge.images import load_image
from edge.preprocess import to_gray
from edge.sources.base import Frame
from edge.stream import tracker
from edge.stream.engine import Engine
from edge.stream.search import FaceSearch, appearance, distinct
from edge.types import Box, Detection


def test_one_face_found_twice_is_one() -> None:
    face, inside, shifted, neighbour, corner = (
        Detection(Box(*place))
        for place in (
            (100, 100, 100, 100),
            (130, 140, 40, 40),
            (137, 100, 100, 100),
            (180, 100, 100, 100),
            (180, 180, 40, 40),
        )
    )
    assert distinct([inside, face]) == [face], "a small box within a large one, whatever their overlap by area"
    assert distinct([face, shifted]) == [face]
    assert distinct([face, neighbour, corner]) == [face, neighbour, corner]


@pytest.mark.parametrize(("settings", "searches"), [({}, 10), ({"live": False}, 4)])
def test_where_nothing_is_said_frames_come_from_a_camera(
    engine: Any, monkeypatch: pytest.MonkeyPatch, settings: dict[str, bool], searches: int
) -> None:
    monkeypatch.setattr(
        "edge.stream.search.time", SimpleNamespace(perf_counter=lambda: 100.0)
    )  # a search costs nothing
    one, told = engine(detect_every="auto", **settings)
    told.boxes.clear()
    show(one, [None] * 10)
    assert told.searches == searches
    alone = ScriptedDetector()
    search = FaceSearch(alone, **settings)
    for index in range(10):
        search.search(Frame(scene(), index / 25, index), [])
    assert alone.searches == searches


def test_a_face_counts_from_the_share_of_the_height_that_was_said(engine: Any) -> None:
    small, large = Box(20, 30, 59, 59), Box(150, 100, 60, 60)
    one, _ = engine(small, large, min_face=0.25)
    assert only_face(show(one, [None] * 5)[-1]).box == large


class SeesWhite:
    """Finds one white spot as a face, wherever it is shown it."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def detect(self, image: np.ndarray) -> list[Detection]:
        """The spot's box."""
        self.shapes.append(image.shape)
        rows, columns = np.nonzero(image > 200)
        if not rows.size:
            return []
        x, y, right, below = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return [Detection(Box(*map(int, (x, y, right - x, below - y))))]


def test_a_cameras_own_luma_may_be_of_any_size(make_model: Any) -> None:
    detector = SeesWhite()
    engine = Engine(detector, Classifier(make_model("mean_color")), live=False, detect_every=1000)
    for index in range(21):
        place = Box(100 + 4 * index, 60 + 2 * index, 80, 60)
        rgb = np.tile(np.linspace(20, 150, 640).astype(np.uint8)[None, :, None], (240, 1, 3))
        rgb[place.y : place.y + place.h, place.x : place.x + place.w] = 255
        luma = cv2.resize(rgb[:, :, 0], (160, 180), interpolation=cv2.INTER_AREA)  # a quarter, and three quarters
        result = engine.process(Frame(rgb, 3600 + index / 25, index, gray=luma))
    assert detector.shapes[0] == (180, 160)
    # Near the face in between: in each frame until it is known, then in every other one.
    assert detector.shapes[1:] == [(96, 96)] * (2 + 9)
    found = only_face(result)
    assert found.box.iou(place) > 0.8
    assert found.roll_deg == 0


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Height and width of each picture that YuNet is shown by a full search."""
    shapes, hits = [], YuNetDetector.hits

    def listen(self: YuNetDetector, image: np.ndarray) -> list[Detection]:
        shapes.append(image.shape[:2])
        return hits(self, image)

    monkeypatch.setattr(YuNetDetector, "hits", listen)
    return shapes


@pytest.mark.parametrize(
    ("size", "whole", "near", "middle"),
    [((480, 640), (360, 480), (120, 160), (240, 320)), ((640, 480), (640, 480), (160, 120), (320, 240))],
)
def test_while_nobody_is_there_every_other_search_is_for_faces_hard_to_see(
    shown: list[Any], size: tuple[int, int], whole: Any, near: Any, middle: Any
) -> None:
    engine = Engine("yunet", Classifier(threads=1), live=False, detect_every=1)
    wall = np.broadcast_to(np.linspace(20, 230, size[1]).astype(np.uint8)[None, :, None], (*size, 3))
    shown.clear()
    for index in range(8):
        engine.process(Frame(np.ascontiguousarray(wall), index / 25, index))
    assert shown == [whole, near, whole, whole, middle, whole] * 2


def test_while_a_face_is_followed_no_others_are_looked_for_that_are_hard_to_see(shown: list[Any], photo: Path) -> None:
    engine = Engine("yunet", Classifier(threads=1), live=False, detect_every=1)
    picture = load_image(photo)[:200]
    results = [engine.process(Frame(picture, index / 25, index)) for index in range(8)]
    assert len(results[-1].faces) == 1
    assert shown[-8:] == [(188, 480), (128, 128)] * 4, "the whole, and near the face"


def test_of_more_than_six_faces_that_are_missing_six_are_looked_for(engine: Any) -> None:
    one, told = engine(*(Box(x, y, 40, 40) for x in (20, 100, 180, 260) for y in (40, 160)))
    assert len(show(one, [None] * 5)[-1].faces) == 8
    told.boxes.clear()
    assert told.near == 0
    show(one, [None], first=5)
    assert told.near == 6


@pytest.mark.parametrize(("roll_deg", "upright"), [(30, True), (-30, True), (10, True), (9, False)])
def test_a_face_that_is_rotated_is_looked_for_upright(make_model: Any, roll_deg: float, upright: bool) -> None:
    seen: list[np.ndarray] = []

    class Tilted:
        def detect(self, image: np.ndarray) -> list[Detection]:
            if image.shape == (240, 320):
                return [Detection(PLACE, roll_deg)]
            seen.append(image)
            return []

    engine = Engine(Tilted(), Classifier(make_model("mean_color")), live=False, detect_every=3)
    picture, angle = np.full((240, 320, 3), 90, np.uint8), np.deg2rad(roll_deg)
    ends = [np.array(PLACE.center) + side * np.array((np.cos(angle), np.sin(angle))) for side in (-35, 35)]
    cv2.line(picture, *(tuple(map(int, end.round())) for end in ends), (255, 255, 255), 2)
    for index in range(2):
        engine.process(Frame(picture, index / 25, index))
    rows, columns = np.nonzero(seen[0] > 160)
    assert np.ptp(columns) > 45
    assert (np.ptp(rows) < 5) == upright


def test_a_likeness_is_a_unit_vector_that_light_does_not_change(photo: Path) -> None:
    rgb = load_image(photo)
    likeness = appearance(rgb, FACE)
    assert (likeness.shape, likeness.dtype) == ((300,), np.float32)
    assert np.linalg.norm(likeness) == pytest.approx(1)
    assert float(likeness @ appearance((rgb * 0.5 + 40).astype(np.uint8), FACE)) > 0.99
    even = np.full_like(rgb, 90)
    assert not appearance(even, FACE).any()
    even[FACE.y : FACE.y + 9, FACE.x : FACE.x + 9, 0] += 1
    assert np.linalg.norm(appearance(even, FACE)) == pytest.approx(1), "the least that a picture can show"


def test_who_joins_a_face_that_is_followed_is_found(photo: Path) -> None:
    one = load_image(photo)
    nobody = one.copy()
    nobody[20:210, 130:320] = (90, 80, 70)
    pictures = [np.hstack([one, nobody])] * 5 + [np.hstack([one, one])] * 5
    engine = Engine("yunet", Classifier(threads=1), live=False, detect_every=1)
    results = [engine.process(Frame(picture, index / 25, index)) for index, picture in enumerate(pictures)]
    assert [[face.track for face in results[index].faces] for index in (4, 9)] == [[1], [1, 2]]


@pytest.mark.parametrize("name", ["haar", "own"])
def test_frames_are_searched_at_320_pixels_and_near_a_face_at_96(
    monkeypatch: pytest.MonkeyPatch, photo: Path, name: str
) -> None:
    shapes, detector = [], HaarDetector()

    def listen(self: Any, image: np.ndarray) -> list[Detection]:
        shapes.append(image.shape)
        return detect(self, image)

    detect = HaarDetector.detect
    monkeypatch.setattr(HaarDetector, "detect", listen)
    engine = Engine(name if name == "haar" else detector, Classifier(threads=1), live=False, detect_every=1000)
    picture = cv2.resize(load_image(photo)[:384], (640, 480))
    results = [engine.process(Frame(picture, index / 25, index)) for index in range(4)]
    assert len(results[-1].faces) == 1
    assert shapes == [(240, 320), (96, 96), (96, 96)]


def test_of_several_near_where_a_face_is_expected_the_one_that_is_there_is_it(make_model: Any) -> None:
    class SeesThree:
        def detect(self, image: np.ndarray) -> list[Detection]:
            if image.shape == (240, 320):
                return [Detection(PLACE)]
            return [Detection(Box(0, 0, 60, 60)), Detection(Box(18, 18, 60, 60)), Detection(Box(36, 36, 60, 60))]

    engine = Engine(SeesThree(), Classifier(make_model("mean_color")), live=False, detect_every=1000)
    assert only_face(show(engine, [HAPPY] * 10)[-1]).box == PLACE


@pytest.mark.parametrize(("score", "views"), [(0.8, 1), (0.79, 3), (0.0, 3)])
def test_a_face_that_is_not_clear_is_looked_for_to_both_sides_too(
    monkeypatch: pytest.MonkeyPatch, photo: Path, score: float, views: int
) -> None:
    near, detect = [], YuNetDetector.detect

    def listen(self: YuNetDetector, image: np.ndarray) -> list[Detection]:
        near.append(image.shape[:2])
        return [replace(face, score=score) for face in detect(self, image)]

    engine = Engine("yunet", Classifier(threads=1), live=False, detect_every=1000)
    engine.process(Frame(load_image(photo), 0.0, 0))
    monkeypatch.setattr(YuNetDetector, "detect", listen)
    engine.process(Frame(load_image(photo), 0.04, 1))
    assert near == [(128, 128)] * views


def expecting(detector: Any, *boxes: Box) -> tuple[FaceSearch, list[tracker.Track]]:
    """A search that has looked at a whole frame, and the faces that are expected in the next ones."""
    search, known = FaceSearch(detector=detector, every=1000), tracker.Tracker()
    known.update([tracker.Detection(box) for box in boxes], 0.0)
    search.search(Frame(np.zeros((96, 96, 3), np.uint8), 0.0, 0), [])
    return search, known.tracks


def tilting(photo: Path, width: int) -> list[np.ndarray]:
    """The face of the bundled photo, so many pixels wide in 96, as the head tilts from one side to the other."""
    picture, result = load_image(photo), []
    for angle in range(-26, 27, 2):
        matrix = cv2.getRotationMatrix2D(FACE.center, angle, width / FACE.w)
        matrix[:, 2] += 48 - np.array(FACE.center)
        result.append(cv2.warpAffine(picture, matrix, (96, 96), borderMode=cv2.BORDER_REPLICATE))
    return result


@pytest.mark.parametrize(("near", "neighbours", "widths"), [(False, 4, (30, 34, 36)), (True, 2, (40, 54, 68))])
def test_a_face_needs_four_neighbours_from_the_cascade_and_near_where_one_is_expected_two(
    photo: Path, near: bool, neighbours: int, widths: tuple[int, ...]
) -> None:
    pictures = [picture for width in widths for picture in tilting(photo, width)]
    least = (44, 44) if near else (30, 30)

    def with_neighbours(count: int) -> list[bool]:
        detector = HaarDetector(1.15, count, least)
        return [bool(detector.detect(to_gray(picture))) for picture in pictures]

    # What is searched near such a face is the whole picture as it is.
    search, tracks = expecting("haar", Box(18, 18, 60, 60)) if near else (FaceSearch("haar", every=1), [])
    found = [bool(search.search(Frame(picture, 0.0, index), tracks)[0]) for index, picture in enumerate(pictures, 1)]
    assert found == with_neighbours(neighbours)
    assert with_neighbours(neighbours - 1) != found != with_neighbours(neighbours + 1)


@pytest.mark.parametrize(("score", "again"), [(0.3, True), (0.29, False), (0.0, False)])
def test_what_may_be_a_face_in_a_whole_frame_is_looked_at_again_from_a_score_of_0_3(
    monkeypatch: pytest.MonkeyPatch, photo: Path, score: float, again: bool
) -> None:
    hits, seen = YuNetDetector.hits, []
    monkeypatch.setattr(YuNetDetector, "hits", lambda *to: [replace(hit, score=score) for hit in hits(*to)])
    monkeypatch.setattr("edge.stream.search.closer", lambda *to: seen.append(to))
    FaceSearch("yunet").search(Frame(load_image(photo), 0.0, 0), [])
    assert bool(seen) == again


@pytest.mark.parametrize(("clear", "roll_deg"), [(1, 0), (2, -25), (3, 25)])
def test_a_head_may_be_rotated_by_25_degrees_further_than_expected(
    monkeypatch: pytest.MonkeyPatch, clear: int, roll_deg: float
) -> None:
    search, tracks = expecting("yunet", Box(16, 16, 64, 64))
    scores = [0.9 if view == clear else 0.5 for view in (1, 2, 3)]
    monkeypatch.setattr(YuNetDetector, "detect", lambda *_: [Detection(Box(32, 32, 64, 64), score=scores.pop(0))])
    (face,), _ = search.search(Frame(np.zeros((96, 96, 3), np.uint8), 0.04, 1), tracks)
    assert face.roll_deg == roll_deg


@pytest.mark.parametrize(("score", "better"), [(0.8, True), (0.5, False)])
def test_of_two_faces_near_where_one_is_expected_score_and_overlap_together_decide(score: float, better: bool) -> None:
    here, aside = Box(18, 18, 60, 60), Box(48, 18, 60, 60)  # a third of both is shared

    class SeesTwo:
        def detect(self, image: np.ndarray) -> list[Detection]:
            return [Detection(here, score=0.0), Detection(aside, score=score)]

    search, tracks = expecting(SeesTwo(), here)
    (face,), _ = search.search(Frame(np.zeros((96, 96, 3), np.uint8), 0.04, 1), tracks)
    assert face.box == (aside if better else here)


@pytest.mark.parametrize(("shift", "near"), [(70, 1), (69, 0)])
def test_a_face_that_overlaps_a_known_one_by_more_than_0_3_is_that_one(engine: Any, shift: int, near: int) -> None:
    one, told = engine(Box(20, 60, 130, 90))
    assert len(show(one, [None] * 5)[-1].faces) == 1
    told.boxes = [Box(20 + shift, 60, 130, 90)]
    show(one, [None], first=5)
    assert told.near == near


def test_a_face_that_was_found_once_and_is_gone_is_not_waited_for(engine: Any) -> None:
    one, told = engine(live=False, detect_every="auto")
    show(one, [None])
    told.boxes.clear()
    show(one, [None] * 7, first=1)
    assert told.searches == 3, "as often as where nobody is"


def test_a_face_that_stands_still_is_known_again_however_fine_its_pattern(engine: Any) -> None:
    picture = scene()
    picture[60:140, 100:180] = np.random.default_rng(0).integers(0, 256, (80, 80, 3))
    one, told = engine()
    for index in range(5):
        one.process(Frame(picture, index / 25, index))
    told.boxes.clear()
    results = [one.process(Frame(picture, index / 25, index)) for index in range(5, 15)]
    assert [[face.track for face in result.faces] for result in results] == [[1]] * 10


@pytest.mark.parametrize(("light", "there"), [(26, True), (30, False)])
def test_a_face_that_is_not_found_is_there_if_its_upper_half_is_alike_to_0_9(
    engine: Any, light: int, there: bool
) -> None:
    even = scene()
    even[60:84, 100:180], even[84:140, 100:180] = 180, 60
    aside = even.copy()
    aside[60:140, 100:140] += np.uint8(light)
    aside[60:140, 140:180] -= np.uint8(light)  # a likeness of 0.91 with a light of 26, of 0.89 with one of 30
    one, told = engine()
    for index in range(5):
        one.process(Frame(even, index / 25, index))
    told.boxes.clear()
    results = [one.process(Frame(aside, index / 25, index)) for index in range(5, 15)]
    assert bool(results[-1].faces) == there


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_face_of_one_grey_has_nothing_to_be_known_by(engine: Any) -> None:
    one, told = engine()
    assert len(show(one, [(200, 200, 200)] * 5)[-1].faces) == 1
    told.boxes.clear()
    assert show(one, [(200, 200, 200)] * 10, first=5)[-1].faces == ()

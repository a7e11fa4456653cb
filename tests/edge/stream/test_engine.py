"""What a stream does with one frame, on real detectors: which faces it finds, and how it reads them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from engine_stage import ANGRY, FACE, HAPPY, only_face, scene, show

from benchmarks.scenes import Actor, heads_from, render
from edge.classifier import Classifier
from edge.images import load_image
from edge.preprocess import brighten, crop_face, to_input
from edge.sources.base import Frame
from edge.sources.drawn import POSES, draw_face
from edge.stream.engine import Engine
from edge.types import Box, Detection, FrameResult


@pytest.fixture(scope="module")
def dim(photo: Path) -> np.ndarray:
    """The bundled photo in little and uneven light."""
    light = np.linspace(0.2, 0.4, 512)[None, :, None]
    return (load_image(photo) * light).astype(np.uint8)


def play(picture: np.ndarray, model: Classifier, **settings: Any) -> FrameResult:
    """The last result when a stream shows a picture for a fifth of a second."""
    engine = Engine("haar", model, live=False, **settings)
    return [engine.process(Frame(picture, index / 25, index)) for index in range(5)][-1]


def colour_of(probabilities: Any) -> np.ndarray:
    """Mean RGB, 0 to 255, of the picture that the model `mean_color` saw."""
    return np.array(list(probabilities.values())[:3]) * 3 * 255


@pytest.mark.parametrize(("margin", "bright"), [(0.0, False), (0.3, False), (0.0, True), (0.3, True)])
def test_faces_are_read_with_the_margin_and_brightening_that_the_model_states(
    dim: np.ndarray, make_model: Any, margin: float, bright: bool
) -> None:
    model = Classifier(make_model("mean_color", settings={"crop_margin": margin, "brighten": bright}))
    face = only_face(play(dim, model))
    crop = crop_face(dim, face.box, margin)
    seen = to_input(brighten(crop) if bright else crop, (24, 24)).mean(axis=(0, 1))
    assert face.raw is not None
    assert colour_of(face.raw) == pytest.approx(seen, abs=0.5)
    # Unbrightened the face is far darker, and its surroundings have another colour: either would show.
    assert (seen.mean() > 90) == bright
    assert np.abs(crop_face(dim, face.box, 0.3).mean((0, 1)) - crop_face(dim, face.box).mean((0, 1))).max() > 1.5


def test_a_face_is_confident_from_the_threshold_on(dim: np.ndarray, make_model: Any) -> None:
    path = make_model("mean_color", settings={"threshold": 0.97})
    model = Classifier(path)
    confidence = only_face(play(dim, model)).confidence
    assert 0.4 < confidence < 0.97
    for threshold, confident in ((None, False), (confidence + 0.01, False), (confidence - 0.01, True)):
        result = play(dim, model, threshold=threshold)
        assert only_face(result).confident is confident, threshold


def test_six_faces_are_all_followed_between_full_searches(photo: Path) -> None:
    head, box = heads_from(photo, count=1)[0]
    places = [(x, y, 90) for y in (120, 360) for x in (110, 320, 530)]
    actors = [Actor(head, box, lambda _, place=place: place) for place in places]  # type: ignore[misc]
    engine = Engine("haar", Classifier(threads=1), live=False, detect_every=1000)
    results = [engine.process(Frame(render(actors, index / 25), index / 25, index)) for index in range(16)]
    assert [len(result.faces) for result in results[4:]] == [6] * 12
    # Each is found anew at least every other frame, or counts as found a moment ago; all were read in each frame.
    assert all(face.raw is not None for result in results[4:] for face in result.faces)


def test_the_largest_face_is_read_like_all(photo: Path, make_model: Any) -> None:
    scene = np.full((480, 640, 3), 60, np.uint8)
    head = load_image(photo)[:280, 90:370]
    scene[60:420, :360] = cv2.resize(head, (360, 360), interpolation=cv2.INTER_LINEAR)
    scene[120:360, 390:630] = (cv2.resize(head, (240, 240), interpolation=cv2.INTER_AREA) * 0.5).astype(np.uint8)
    model = Classifier(make_model("mean_color", settings={"crop_margin": 0.3, "brighten": True}))
    all_faces = play(scene, model).faces
    assert len(all_faces) == 2
    largest = only_face(play(scene, model, faces="largest"))
    assert largest == max(all_faces, key=lambda face: face.box.area)


def watch(pictures: list[np.ndarray], detector: Any = "yunet") -> list[FrameResult]:
    """What the shipped model makes of frames that are searched as a whole only once."""
    engine = Engine(detector, Classifier(threads=1), live=False, detect_every=1000)
    return [engine.process(Frame(picture, index / 25, index)) for index, picture in enumerate(pictures)]


def around_face(rgb: np.ndarray, other: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """A picture with the head of another one, and noise there."""
    result, part = rgb.copy(), np.s_[20:210, 130:320]
    changed = other[part] + np.random.default_rng(0).normal(0, noise, result[part].shape)
    result[part] = changed.clip(0, 255).astype(np.uint8)
    return result


class SeesMouths:
    """Finds the face of the bundled photo, in whole frames and near it, but for so many of its calls.

    Each time a little further to the right than expected, if asked to.
    """

    def __init__(self, blind: range, further: int = 0) -> None:
        self.blind, self.calls, self.further = blind, 0, further

    def detect(self, image: np.ndarray) -> list[Detection]:
        """Its box."""
        self.calls += 1
        if self.calls in self.blind:
            return []
        near = Box(18 + self.further, 18, 60, 60)
        return [Detection(near if image.shape[1] == 96 else FACE.scaled(320 / 512, 320 / 512))]


def test_a_face_is_still_there_while_its_mouth_is_covered(photo: Path) -> None:
    clear = load_image(photo)
    covered, eyes_too, gone = clear.copy(), clear.copy(), clear.copy()
    for picture, top in ((covered, FACE.y + 50), (eyes_too, FACE.y + 31), (gone, 20)):
        picture[top : FACE.y + 132, FACE.x - 20 : FACE.x + 112] = (90, 80, 70)
    for pictures, shown in (([covered] * 25, [1]), ([eyes_too] * 25, []), ([gone] * 25, [])):
        results = watch([clear] * 7 + pictures, SeesMouths(range(6, 99)))
        assert [face.track for face in results[6].faces] == [1]
        assert [[face.track for face in result.faces] for result in results[12:]] == [shown] * 20
        assert all(face.raw is None for result in results[12:] for face in result.faces), "what is covered was read"


@pytest.mark.parametrize(("time_s", "calls"), [(0.059, 3), (0.06, 4)])
def test_a_face_that_was_found_less_than_0_06_seconds_ago_is_read_where_it_is_expected(
    photo: Path, time_s: float, calls: int
) -> None:
    detector = SeesMouths(range(4, 99))
    engine = Engine(detector, Classifier(threads=1), live=False, detect_every=1000)
    for index in range(3):
        engine.process(Frame(load_image(photo), 0.0, index))
    face = only_face(engine.process(Frame(load_image(photo), time_s, 3)))
    assert detector.calls == calls
    assert (face.raw is not None) == (calls == 3), "where it was looked for, and not found, its mouth is covered"


def test_a_face_that_seemed_to_move_stands_still_while_its_mouth_is_covered(photo: Path) -> None:
    clear = load_image(photo)
    covered = clear.copy()
    covered[FACE.y + 50 : FACE.y + 132, FACE.x - 20 : FACE.x + 132] = (90, 80, 70)
    results = watch([clear] * 5 + [covered] * 25, SeesMouths(range(4, 99), further=1))
    assert results[4].faces[0].box.x > FACE.x
    assert [[face.track for face in result.faces] for result in results[8:]] == [[1]] * 22


@pytest.mark.parametrize("clockwise", [1, -1])
def test_a_head_that_turned_further_than_its_track_is_found_and_read_upright(photo: Path, clockwise: int) -> None:
    level = load_image(photo)
    matrix = cv2.getRotationMatrix2D(FACE.center, -60 * clockwise, 1)
    turned = cv2.warpAffine(level, matrix, level.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    face = only_face(watch([level] * 6 + [around_face(level, turned, 40)] * 16)[-1])
    assert face.track == 1
    assert 20 < clockwise * face.roll_deg < 100


def test_only_an_answer_below_the_threshold_is_not_sure():
    """So a page never says "perhaps Neutral, 98 %", whatever was shown before."""
    model, seen = Classifier(), []
    engine = Engine("yunet", model)
    poses = [POSES["Angry"], POSES["Happy"], POSES["Sad"], POSES["Surprise"]]
    for index in range(60):
        here, there = poses[index // 20], poses[index // 20 + 1]
        head = cv2.resize(draw_face(here.towards(there, index % 20 / 20)), (260, 260))
        picture = np.full((480, 640, 3), 110, np.uint8)
        alpha = head[:, :, 3:] / 255
        picture[110:370, 190:450] = picture[110:370, 190:450] * (1 - alpha) + head[:, :, :3] * alpha
        seen += engine.process(Frame(picture, index / 7, index)).faces
    assert len({face.emotion for face in seen}) >= 3
    assert all(face.confident == (max(face.probabilities.values()) >= model.threshold) for face in seen)


@pytest.mark.parametrize("start_s", [0.0, 3600.0])
def test_a_face_is_announced_once_changes_and_ends(engine: Any, start_s: float) -> None:
    one, told = engine(smooth_s=0)
    results = show(one, [ANGRY] * 5 + [HAPPY] * 3, start_s)
    told.boxes.clear()
    results += show(one, [None] * 42, start_s, first=8)
    assert {(result.width, result.height, result.state) for result in results} == {(320, 240, "ok")}
    # From the third sight on, and for 0.15 s after the last.
    assert [index for index, result in enumerate(results) if result.faces] == list(range(2, 11))
    events = {result.frame: event for result in results for event in result.events}
    assert [(index, event.kind, event.track, event.emotion) for index, event in events.items()] == [
        (2, "new", 1, "Angry"),
        (5, "update", 1, "Happy"),
        (45, "end", 1, "Happy"),  # 1.5 s after the last sight
    ]
    times = [(event.time_s - start_s, event.duration_s) for event in events.values()]
    assert times == [pytest.approx((seen, seen)) for seen in (2 / 25, 5 / 25, 7 / 25)]


def test_pictures_of_one_moment_are_followed(engine: Any) -> None:
    one, told = engine()
    shown = [len(one.process(Frame(scene(HAPPY), 0.0, index)).faces) for index in range(3)]
    told.boxes.clear()
    shown += [len(one.process(Frame(scene(), time_s, 3)).faces) for time_s in (0.15, 0.16)]
    assert shown == [0, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("picture", "time_s", "state"),
    [
        (scene(HAPPY), 0.1, "ok"),
        (scene(HAPPY)[:200], 0.2, "ok"),
        (scene(HAPPY)[:, ::-1], 0.2, "ok"),
        (scene() * 0, 2.0, "dark"),
    ],
)
def test_faces_end_where_another_scene_begins(engine: Any, picture: np.ndarray, time_s: float, state: str) -> None:
    one, _ = engine()
    assert len(show(one, [HAPPY] * 5)[-1].faces) == 1
    result = one.process(Frame(np.ascontiguousarray(picture), time_s, 5))
    assert ([event.kind for event in result.events], result.faces, result.state) == (["end"], (), state)
    assert (result.height, result.width) == picture.shape[:2]


def test_without_smoothing_each_frame_counts_by_itself(engine: Any) -> None:
    one, _ = engine(smooth_s=0)
    faces = [only_face(result) for result in show(one, [ANGRY, HAPPY] * 10)[2:]]
    assert all(face.probabilities == face.raw for face in faces)
    assert all(face.confidence == max(face.probabilities.values()) for face in faces)


def test_where_nothing_is_said_it_smooths_for_0_8_and_holds_for_0_5_seconds(engine: Any) -> None:
    said = []
    for settings in ({}, {"smooth_s": 0.8, "hold_s": 0.5}, {"smooth_s": 0.7}, {"hold_s": 0.4}):
        one, _ = engine(**settings)
        said.append([result.faces for result in show(one, [ANGRY] * 30 + [HAPPY] * 60)])
    assert said[0] == said[1]
    assert said[2] != said[0] != said[3]


def test_the_largest_is_the_one_of_the_largest_area(engine: Any) -> None:
    wide, tall = Box(20, 30, 100, 60), Box(200, 100, 80, 100)
    one, _ = engine(wide, tall, faces="largest")
    assert only_face(show(one, [None] * 5)[-1]).box == tall


def test_the_stages_of_a_frame_are_timed_in_milliseconds(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([100.0, 102.0, 107.0])
    monkeypatch.setattr("edge.stream.engine.time", SimpleNamespace(perf_counter=lambda: next(moments)))
    one, _ = engine()
    assert one.process(Frame(scene(), 0.0, 0)).timing_ms == {"detect": 2000, "classify": 5000}

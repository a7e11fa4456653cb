"""The parts of the loop by themselves: pairing, smoothing, following, scheduling, scene."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from edge.stream.assignment import assign
from edge.stream.capture import backoff_s
from edge.stream.scene import Scene
from edge.stream.schedule import LONGEST_S, Schedule
from edge.stream.smoothing import Smoother
from edge.stream.tracker import Detection, Tracker
from edge.types import Box

ANGRY, HAPPY = np.eye(5, dtype=np.float32)[:2]


def mixed(angry: float, happy: float) -> np.ndarray:
    """An answer between two labels."""
    return angry * ANGRY + happy * HAPPY


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 7), st.integers(0, 7), st.integers(0, 2**32 - 1))
def test_pairing_is_as_cheap_as_scipys(rows: int, columns: int, seed: int):
    cost = np.random.default_rng(seed).normal(size=(rows, columns))
    pairs = assign(cost)
    best = cost[linear_sum_assignment(cost)].sum() if cost.size else 0.0
    assert sum(cost[pair] for pair in pairs) == pytest.approx(best)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == min(rows, columns)


def test_pairing_leaves_out_what_cannot_be():
    inf = np.inf
    assert assign(np.array([[inf, 1.0], [inf, 2.0]])) == [(0, 1)]
    assert assign(np.full((2, 2), inf)) == []
    # As many pairs as possible come before cheap ones.
    assert assign(np.array([[-9.0, 5.0], [-8.0, inf]])) == [(0, 1), (1, 0)]


@pytest.mark.parametrize("fps", [5, 25, 60])
def test_smoothing_depends_on_time_not_on_frame_rate(fps: int):
    before, after = mixed(0.55, 0.45), mixed(0.65, 0.35)  # too little for a change of expression
    smoother = Smoother(tau_s=1.0)
    for index in range(10 * fps):
        smoother.update(before, index / fps)
    for index in range(10 * fps, 11 * fps):
        smoother.update(after, index / fps)
    assert smoother.probabilities[0] == pytest.approx(0.55 + 0.1 * (1 - np.exp(-1)), abs=0.005)
    assert smoother.probabilities.sum() == pytest.approx(1)


@pytest.mark.parametrize("fps", [5, 7, 25])
def test_one_frame_that_is_read_wrongly_is_not_shown(fps: int):
    smoother = Smoother()
    changes = [smoother.update(HAPPY if index == 50 else ANGRY, index / fps) for index in range(100)]
    assert not any(changes)


@pytest.mark.parametrize("fps", [7, 25])
def test_a_new_expression_is_shown_at_once_and_never_a_third_one(fps: int):
    smoother = Smoother()
    shown = []
    for index in range(6 * fps):
        smoother.update(mixed(0.8, 0.2) if index < 3 * fps else mixed(0.2, 0.8), index / fps)
        shown.append(smoother.shown)
    assert 3.0 <= shown.index(1) / fps <= 3.4
    assert shown == sorted(shown)


def test_a_time_that_steps_back_takes_nothing_away():
    smoother = Smoother()
    smoother.update(HAPPY, 10.0)
    assert not smoother.update(ANGRY, 9.5)
    assert np.array_equal(smoother.probabilities, HAPPY)


def test_close_labels_are_held_until_one_has_led_for_a_while():
    smoother = Smoother(hold_s=0.5)
    changes = [smoother.update(mixed(0.52, 0.48) if i < 50 else mixed(0.48, 0.52), i / 25) for i in range(200)]
    assert changes.count(True) == 1
    assert changes.index(True) / 25 >= 2.0 + 0.5
    assert smoother.shown == 1


def test_a_shown_label_that_collapses_gives_way_although_nothing_leads_clearly_over_the_rest():
    smoother = Smoother(hold_s=5.0)
    for index in range(50):
        smoother.update(mixed(0.6, 0.4), index / 25)
    changes = [smoother.update(np.array([0.2, 0.27, 0.26, 0.27, 0], np.float32), 2 + i / 25) for i in range(75)]
    assert any(changes)
    assert smoother.shown in (1, 3)


def test_answers_that_flip_every_frame_show_no_change():
    smoother = Smoother()
    changes = [smoother.update((ANGRY, HAPPY)[index % 2], index / 25) for index in range(1500)]
    assert not any(changes)


def test_without_smoothing_every_answer_is_shown():
    smoother = Smoother(0, 0)
    shown = []
    for index in range(6):
        smoother.update((ANGRY, HAPPY)[index % 2], index / 25)
        shown.append(smoother.shown)
    assert shown == [0, 1, 0, 1, 0, 1]


def follow(tracker: Tracker, boxes: list[list[Box]], fps: float = 25.0) -> list[list[int]]:
    """Numbers of the tracks seen in each frame."""
    numbers = []
    for index, found in enumerate(boxes):
        tracker.update([Detection(box) for box in found], index / fps)
        numbers.append([track.number for track in tracker.confirmed if track.seen])
    return numbers


def test_a_face_counts_from_its_third_sight():
    box = Box(100, 100, 80, 80)
    assert follow(Tracker(), [[box]] * 4) == [[], [], [1], [1]]


def test_one_false_detection_is_no_face():
    tracker = Tracker()
    follow(tracker, [[Box(10, 10, 50, 50)]] + [[]] * 10)
    assert tracker.tracks == []


def test_a_face_keeps_its_number_while_it_is_hidden():
    path = [Box(50 + 4 * index, 100, 80, 80) for index in range(80)]
    frames = [[] if 30 <= index < 50 else [box] for index, box in enumerate(path)]
    numbers = follow(Tracker(), frames)
    assert numbers[29] == numbers[50] == numbers[-1] == [1]
    assert numbers[40] == []


def test_a_face_that_stays_away_ends_once():
    tracker = Tracker(gap_s=1.0)
    follow(tracker, [[Box(10, 10, 50, 50)]] * 5)
    ended = [tracker.update([], 0.2 + index / 25)[1] for index in range(50)]
    assert [track.number for tracks in ended for track in tracks] == [1]
    assert tracker.tracks == []
    assert follow(tracker, [[Box(10, 10, 50, 50)]] * 3)[-1] == [2]


def test_frames_in_bursts_do_not_throw_a_face_out_of_the_picture():
    jitter = np.random.default_rng(3).integers(-8, 9, (300, 2))
    tracker, numbers = Tracker(), set()
    for index, (x, y) in enumerate(jitter):
        time_s = index // 10 * 0.4 + index % 10 * 0.001  # ten at once, then a pause
        tracker.update([Detection(Box(200 + int(x), 100 + int(y), 120, 120))], time_s)
        numbers |= {track.number for track in tracker.confirmed}
        assert all(0 < track.x < 640 for track in tracker.tracks)
    assert numbers == {1}


def test_two_who_pass_each_other_keep_their_numbers():
    def places(index: int) -> list[Box]:
        one, other = Box(50 + 6 * index, 100, 80, 80), Box(500 - 6 * index, 120, 80, 80)
        return [one] if one.iou(other) > 0.3 else [one, other]  # the second is behind the first

    tracker = Tracker()
    numbers = follow(tracker, [places(index) for index in range(75)])
    assert numbers[5] == numbers[-1] == [1, 2]
    right_of = {track.number: track.x for track in tracker.confirmed}
    assert right_of[1] > 400
    assert right_of[2] < 200


def test_appearance_decides_where_place_does_not():
    red, blue = np.eye(2, dtype=np.float32)
    here, there = Box(100, 100, 80, 80), Box(130, 100, 80, 80)
    tracker = Tracker()
    for index in range(5):
        tracker.update([Detection(here, red), Detection(there, blue)], index / 25)
    before = {track.number: track.x for track in tracker.confirmed}
    tracker.update([Detection(there, red), Detection(here, blue)], 0.2)
    after = {track.number: track.x for track in tracker.confirmed}
    assert after[1] > before[1]
    assert after[2] < before[2]


def test_a_fixed_schedule_counts_frames():
    schedule, due = Schedule(5), []
    for index in range(11):
        due.append(schedule.due(index, index / 25, following=True))
        if due[-1]:
            schedule.searched(index, index / 25, 1.0)
    assert [index for index, one in enumerate(due) if one] == [0, 5, 10]


@pytest.mark.parametrize(("cost_s", "wait_s"), [(0.01, 0.2), (0.05, 0.5), (3.0, LONGEST_S)])
def test_an_automatic_schedule_follows_the_cost_within_bounds(cost_s: float, wait_s: float):
    schedule = Schedule("auto", live=True)
    schedule.searched(0, 10.0, cost_s)
    assert not schedule.due(1, 10.0 + wait_s * 0.98, following=True)
    assert schedule.due(1, 10.0 + wait_s * 1.01, following=True)


def test_recordings_are_searched_at_times_that_do_not_depend_on_speed():
    def times(cost_s: float) -> list[int]:
        schedule, due = Schedule("auto", live=False), []
        for index in range(60):
            if schedule.due(index, index / 25, following=index > 20):
                schedule.searched(index, index / 25, cost_s)
                due.append(index)
        return due

    assert times(0.001) == times(2.0)


def test_a_dark_picture_is_dark_until_it_is_clearly_light():
    scene = Scene()
    states = []
    for level in (120, 30, 20, 32, 50):
        scene.update(np.full((240, 320), level, np.uint8))
        states.append(scene.dark)
    assert states == [False, False, True, True, False]


def test_noise_on_a_covered_lens_is_still_dark():
    scene = Scene()
    scene.update(np.random.default_rng(0).integers(0, 24, (480, 640), dtype=np.uint8))
    assert scene.dark


def test_a_cut_is_seen_and_a_pan_or_a_change_of_light_is_not():
    random = np.random.default_rng(1)
    wall = np.kron(random.integers(40, 200, (12, 20)), np.ones((40, 40))).astype(np.uint8)
    other = np.kron(random.integers(40, 200, (12, 20)), np.ones((40, 40))).astype(np.uint8)
    scene, cuts = Scene(), []
    for picture in (wall[:, :640], wall[:, 10:650], (wall[:, 10:650] * 0.7).astype(np.uint8), other[:, :640]):
        scene.update(np.ascontiguousarray(picture))
        cuts.append(scene.cut)
    assert cuts == [False, False, False, True]


def test_waits_between_tries_grow_from_1_to_20_seconds():
    assert [backoff_s(failures) for failures in (*range(1, 8), 100_000)] == [1, 2, 4, 8, 16, 20, 20, 20]

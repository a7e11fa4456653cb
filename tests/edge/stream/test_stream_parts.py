"""The parts of the loop by themselves: pairing, smoothing, scheduling, scene."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from edge.stream import stats as stats_module
from edge.stream.assignment import assign
from edge.stream.capture import backoff_s
from edge.stream.scene import Scene
from edge.stream.schedule import Schedule
from edge.stream.smoothing import Smoother
from edge.stream.stats import Snapshot, StreamStats
from edge.types import FrameResult

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
    for shape in ((2, 2), (1, 2), (1, 1), (0, 3), (3, 0)):
        assert assign(np.full(shape, inf)) == []
    # As many pairs as possible come before cheap ones.
    assert assign(np.array([[-9.0, 5.0], [-8.0, inf]])) == [(0, 1), (1, 0)]
    assert assign(np.array([[0.0, 1.0], [0.0, inf]])) == [(0, 1), (1, 0)]


@pytest.mark.parametrize("fps", [5, 25, 60])
def test_smoothing_depends_on_time_not_on_frame_rate(fps: int):
    before, after = mixed(0.55, 0.45), mixed(0.65, 0.35)  # too little for a change of expression
    smoother = Smoother(tau_s=0.5)
    for index in range(10 * fps):
        smoother.update(before, index / fps)
    for index in range(10 * fps, 11 * fps):
        smoother.update(after, index / fps)
    assert smoother.probabilities[0] == pytest.approx(0.55 + 0.1 * (1 - np.exp(-1 / 0.5)), abs=0.005)
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


def test_the_first_answer_is_shown_and_is_no_change():
    smoother = Smoother()
    assert not smoother.ready
    assert not smoother.update(HAPPY, 10.0)
    assert smoother.ready
    assert smoother.shown == 1


@pytest.mark.parametrize(("moved", "changed"), [(0.25, False), (0.3, True)])
def test_probability_that_moved_is_a_new_expression_from_a_certain_amount_on(moved: float, changed: bool):
    smoother = Smoother()
    for index in range(100):
        smoother.update(mixed(0.9, 0.1) if index < 75 else mixed(0.9 - moved, 0.1 + moved), index / 25)
    assert (smoother.probabilities[0] < 0.9 - moved + 0.03) == changed


def test_a_time_that_steps_back_takes_nothing_away():
    smoother = Smoother()
    smoother.update(HAPPY, 10.0)
    assert not smoother.update(ANGRY, 9.5)
    assert np.array_equal(smoother.probabilities, HAPPY)


def test_close_labels_are_held_until_one_has_led_for_a_while():
    smoother = Smoother()
    changes = [smoother.update(mixed(0.52, 0.48) if i < 50 else mixed(0.48, 0.52), i / 25) for i in range(200)]
    assert changes.count(True) == 1
    # The average passes the middle after its time constant's share of a half, and the label is held half a second.
    assert changes.index(True) / 25 == pytest.approx(2.0 + 0.8 * np.log(2) + 0.5, abs=0.05)
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


def test_a_fixed_schedule_counts_frames():
    schedule, due = Schedule(5), []
    for index in range(11):
        due.append(schedule.due(index, index / 25, following=True))
        if due[-1]:
            schedule.searched(index, index / 25, 1.0)
    assert [index for index, one in enumerate(due) if one] == [0, 5, 10]


@pytest.mark.parametrize(
    ("cost_s", "following", "wait_s"),
    [
        (0.01, True, 0.2),
        (0.05, True, 0.5),
        (3.0, True, 1.0),
        (0.01, False, 0.02),
        (0.05, False, 0.1),
        (3.0, False, 1.0),
    ],
)
def test_an_automatic_schedule_follows_the_cost_within_bounds(cost_s: float, following: bool, wait_s: float):
    schedule = Schedule()
    schedule.searched(0, 10.0, cost_s)
    assert not schedule.due(1, 10.0 + wait_s * 0.98, following)
    assert schedule.due(1, 10.0 + wait_s * 1.01, following)


def test_one_search_that_was_slow_changes_little():
    schedule = Schedule()
    schedule.searched(0, 10.0, 0.05)
    schedule.searched(1, 11.0, 0.1)  # costs 0.06 s on average: a fifth of the newest
    assert [schedule.due(2, time_s, following=True) for time_s in (11.59, 11.61)] == [False, True]


def test_a_new_scene_or_a_time_that_steps_back_is_searched_at_once():
    schedule = Schedule()
    schedule.searched(0, 10.0, 0.05)
    assert [schedule.due(1, time_s, following=True) for time_s in (10.01, 9.99)] == [False, True]
    schedule.restart()
    assert schedule.due(1, 10.01, following=True)


@pytest.mark.parametrize("cost_s", [0.001, 2.0])
def test_recordings_are_searched_at_times_that_do_not_depend_on_speed(cost_s: float):
    schedule, due = Schedule(live=False), []
    for index in range(60):
        if schedule.due(index, index / 25, following=index > 20):
            schedule.searched(index, index / 25, cost_s)
            due.append(index)
    assert due == [0, 3, 6, 9, 12, 15, 18, 38, 58]


def test_a_dark_picture_is_dark_until_it_is_clearly_light():
    scene = Scene()
    states = []
    for level in (120, 28, 27, 35, 36):
        scene.update(np.full((240, 320), level, np.uint8))
        states.append(scene.dark)
    assert states == [False, False, True, True, False]


@pytest.mark.parametrize(("width", "height", "dark"), [(48, 36, True), (128, 96, False)])
def test_a_lamp_is_not_dark_and_a_small_lamp_is(width: int, height: int, dark: bool):
    picture = np.zeros((480, 640), np.uint8)
    picture[:height, :width] = 200
    scene = Scene()
    scene.update(picture)
    assert scene.dark is dark


@pytest.mark.parametrize(("columns", "rows", "luma", "dark"), [(4, 4, 28, False), (5, 3, 255, True)])
def test_a_lamp_counts_from_a_48th_of_the_picture_on(columns: int, rows: int, luma: int, dark: bool):
    picture = np.zeros((480, 640), np.uint8)  # 32 x 24 places of 20 pixels: 16 of them count, 15 do not
    picture[: 20 * rows, : 20 * columns] = luma
    scene = Scene()
    scene.update(picture)
    assert scene.dark is dark


@pytest.mark.parametrize("top", range(1, 5))
def test_a_light_tube_counts_at_any_height(top: int):
    picture = np.zeros((480, 640), np.uint8)
    picture[top : top + 4] = 150
    scene = Scene()
    scene.update(picture)
    assert not scene.dark


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


@pytest.mark.parametrize("level", [100, 101])
def test_after_a_picture_without_a_pattern_nothing_is_a_cut(level: int):
    wall = np.tile(np.linspace(40, 200, 640).astype(np.uint8), (480, 1))
    even = np.full((480, 640), 100, np.uint8)
    even[:20, :20] = level
    scene = Scene()
    assert not scene.dark
    cuts = [scene.cut]
    for picture in (wall, even, wall):
        scene.update(picture)
        cuts.append(scene.cut)
    assert cuts == [False, False, True, False]


def test_a_faint_pattern_counts_as_much_as_a_clear_one():
    scene, cuts = Scene(), []
    for columns in ((0, 10), (10, 20), (25, 30)):
        wall = np.full((480, 640), 100, np.uint8)
        for column in columns:
            wall[:20, 20 * column : 20 * column + 20] = 101
        scene.update(wall)
        cuts.append(scene.cut)
    assert cuts == [False, False, True], "half of it stayed, then nothing"


def test_waits_between_tries_grow_from_1_to_20_seconds():
    assert [backoff_s(failures) for failures in (*range(1, 8), 100_000)] == [1, 2, 4, 8, 16, 20, 20, 20]


def test_figures_of_a_stream(monkeypatch: pytest.MonkeyPatch):
    moments = iter((100.0, 100.5, 100.6, 100.6, 100.9, 101.0))
    monkeypatch.setattr(stats_module, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    stats = StreamStats()
    assert stats.snapshot() == Snapshot()
    assert (Snapshot().state, Snapshot().fps, Snapshot().age_max_ms) == ("starting", 0, 0)
    assert set(Snapshot().counts.values()) == {0}
    frame = FrameResult("cam", 64, 48, image=np.zeros((48, 64, 3), np.uint8))
    figures = []
    for detect_ms, age_ms in ((10, 30), (20, 20), (20, 50.123), (20, 40), (20, 40)):
        stats.take(replace(frame, timing_ms={"detect": detect_ms, "age": age_ms}))
        one = stats.snapshot()
        figures.append((one.fps, one.timing_ms["detect"], one.age_max_ms, one.fresh_s, one.counts["processed"]))
    assert figures == [
        (0.0, 10.0, 30, 100.0, 1),
        (2.0, 11.0, 30, 100.5, 2),
        (2.8, 11.9, 50.12, 100.6, 3),
        (2.8, 12.71, 50.12, 100.6, 4),
        (2.85, 13.44, 50.12, 100.9, 5),
    ]
    without_age = StreamStats()
    without_age.take(frame)
    assert without_age.snapshot().age_max_ms == 0
    before, lost = stats.snapshot(), FrameResult("cam", 64, 48, state="lost")
    stats.take(lost)
    assert stats.snapshot() == replace(before, result=lost)
    assert stats.snapshot().state == "lost"
    stats.count("captured")
    stats.count("captured", 3)
    assert stats.snapshot().counts == {**before.counts, "captured": 4}

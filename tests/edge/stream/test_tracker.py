"""Following faces: which one is which, and where it is expected."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.stream.tracker import Detection, Tracker
from edge.types import Box
from edge.types import Detection as Face

RED, BLUE = np.eye(2, dtype=np.float32)
STILL = Box(100, 100, 100, 100)


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


def followed(detection: Detection, count: int = 5) -> Tracker:
    """A tracker that has seen one face, at rest, 25 times a second; the last time at ``(count - 1) / 25``."""
    tracker = Tracker()
    for index in range(count):
        tracker.update([detection], index / 25)
    return tracker


def test_a_face_is_expected_where_its_way_leads_and_slows_down_unseen():
    tracker = Tracker()
    follow(tracker, [[Box(50 + 8 * index, 400 - 4 * index, 80, 80)] for index in range(40)])
    (track,) = tracker.tracks
    assert (track.x, track.y) == pytest.approx((402, 284), abs=0.5)
    for index in range(40, 66):
        tracker.update([], index / 25)
    slowing_s = 2 * (1 - math.exp(-1.0 / 2))  # what a second comes to that fades by e in two seconds
    assert track.x - 402 - 8 == pytest.approx(200 * slowing_s, abs=6)
    assert 284 - 4 - track.y == pytest.approx(100 * slowing_s, abs=3)


def test_a_time_that_steps_back_moves_no_face():
    tracker = Tracker()
    follow(tracker, [[Box(50 + 8 * index, 100, 80, 80)] for index in range(20)])
    before = tracker.tracks[0].x
    tracker.predict(0.5)
    assert tracker.tracks[0].x == before


def test_a_face_seen_once_is_not_expected_to_move():
    tracker = followed(Detection(STILL), count=1)
    assert tracker.tracks[0].seen
    tracker.predict(2.0)
    assert tracker.tracks[0].box == STILL


@pytest.mark.parametrize(("right", "down"), [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_no_face_is_expected_to_fly(right: int, down: int):
    tracker = Tracker()
    follow(tracker, [[Box(500 + right * 24 * index, 500 + down * 24 * index, 50, 50)] for index in range(20)])
    (track,) = tracker.tracks
    before = track.x, track.y
    tracker.predict(19 / 25 + 0.1)
    assert (track.x - before[0], track.y - before[1]) == pytest.approx((right * 30, down * 30))  # 6 widths a second


def test_one_place_that_is_off_is_followed_in_part():
    tracker = followed(Detection(STILL), count=20)
    tracker.update([Detection(Box(110, 90, 120, 120))], 0.8)
    (track,) = tracker.tracks
    assert 160 < track.x < 170
    assert (track.y, round(track.w), round(track.h)) == (150, 106, 106)


def test_a_head_that_turns_past_upside_down_turns_on():
    tracker = followed(Detection(STILL, roll_deg=170.0))
    assert tracker.tracks[0].face.roll_deg == 170
    for index, wanted in ((5, -180), (6, -175)):
        tracker.update([Detection(STILL, roll_deg=-170.0)], index / 25)
        assert tracker.tracks[0].face.roll_deg == pytest.approx(wanted)


def test_landmarks_go_with_the_face_and_tremble_half_as_much():
    eyes = ((120.0, 130.0), (180.0, 130.0))
    tracker = followed(Detection(STILL))
    assert tracker.tracks[0].face == Face(STILL)
    tracker = followed(Detection(STILL, landmarks=eyes), count=20)
    assert np.allclose(tracker.tracks[0].face.landmarks, eyes)
    tracker.update([Detection(STILL, landmarks=((124.0, 130.0), (180.0, 126.0)))], 0.8)
    assert np.allclose(tracker.tracks[0].face.landmarks, ((122, 130), (180, 128)))
    (track,) = tracker.tracks
    tracker.update([Detection(Box(110, 100, 110, 100))], 0.84)  # where its points are not known
    assert np.allclose(
        track.face.landmarks, (np.array(((122, 130), (180, 128))) - 150) * track.w / 100 + (track.x, track.y)
    )


@pytest.mark.parametrize(
    ("unseen_s", "box", "same"),
    [
        (0.04, Box(160, 100, 100, 100), True),
        (0.04, Box(180, 100, 100, 100), False),
        (1.0, Box(100, 240, 100, 100), True),
        (1.0, Box(100, 260, 100, 100), False),
        (0.04, Box(100, 100, 175, 175), True),
        (0.04, Box(100, 100, 185, 185), False),
        (0.04, Box(122, 122, 57, 57), True),
        (0.04, Box(122, 122, 54, 54), False),
    ],
)
def test_what_is_too_far_away_or_of_another_size_is_another_face(unseen_s: float, box: Box, same: bool):
    tracker = followed(Detection(STILL))
    tracker.update([Detection(box)], 4 / 25 + unseen_s)
    assert tracker.confirmed[0].seen is same
    assert (len(tracker.tracks) == 1) is same


def test_of_two_that_are_as_near_the_one_that_overlaps_more_is_it():
    tracker = followed(Detection(STILL))
    tracker.update([Detection(Box(144, 120, 60, 60)), Detection(Box(130, 100, 100, 100))], 0.2)
    assert tracker.confirmed[0].w == 100


def test_a_likeness_is_learnt_slowly_and_not_while_faces_overlap():
    tracker = followed(Detection(STILL, RED))
    (track,) = tracker.tracks
    neighbour, over = Detection(Box(210, 100, 100, 100)), Detection(Box(170, 100, 100, 100))
    tracker.update([Detection(STILL, RED), neighbour], 0.16)
    tracker.update([Detection(STILL, BLUE), neighbour], 0.2)
    assert track.appearance == pytest.approx(np.array([0.9, 0.1]) / math.hypot(0.9, 0.1))
    for time_s in (0.24, 0.28, 0.32):
        tracker.update([Detection(STILL, BLUE), over], time_s)
    learnt = track.appearance
    tracker.update([Detection(STILL, BLUE), over], 0.36)
    assert track.appearance is learnt


def test_a_face_is_gone_after_one_and_a_half_seconds():
    tracker = followed(Detection(STILL))
    assert tracker.update([], 0.16 + 1.45) == ([], [])
    assert [track.number for track in tracker.update([], 0.16 + 1.55)[1]] == [1]


def test_a_candidate_waits_a_quarter_of_a_second():
    for gap_s, there in ((0.2, True), (0.3, False)):
        tracker = followed(Detection(STILL), count=1)
        tracker.update([], gap_s)
        assert bool(tracker.tracks) is there


def test_all_faces_end_when_the_picture_changes():
    tracker = followed(Detection(STILL))
    tracker.update([Detection(STILL), Detection(Box(400, 100, 90, 90))], 0.2)
    assert [track.number for track in tracker.clear()] == [1]
    assert tracker.tracks == []

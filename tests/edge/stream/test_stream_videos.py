"""The real command on videos whose faces, motion and times are known."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.scenes import FPS, Actor, heads_from, identities, line, render, two_people, wander, write_video
from edge.labels import EMOTIONS

Lines = list[dict[str, Any]]


def events(lines: Lines, kind: str) -> list[dict[str, Any]]:
    return [event for one in lines for event in one.get("events", []) if event["event"] == kind]


def seen(lines: Lines) -> list[list[int]]:
    """Track numbers of each frame."""
    return [[face["track"] for face in one["faces"]] for one in lines if one["state"] != "ended"]


def test_a_face_that_moves_and_comes_nearer_keeps_its_number(heads, make_video, stream_lines):
    actor = Actor(*heads[0], wander((180, 460), 5))
    lines = stream_lines(make_video([actor], 5))
    assert identities(lines, [actor]) == [[1]]
    frames = [one for one in lines if one["state"] == "ok"]
    assert [one["frame"] for one in frames] == list(range(125)), "a file's frames are all read, in order"
    assert [one["time_s"] for one in frames] == pytest.approx([index / FPS for index in range(125)], abs=1e-3)
    assert sum(len(one["faces"]) == 1 for one in frames) >= 120
    assert [event["track"] for event in events(lines, "new")] == [1]
    assert [event["track"] for event in events(lines, "end")] == [1]


def test_a_line_is_a_frame_of_the_schema(heads, make_video, stream_lines):
    lines = stream_lines(make_video([Actor(*heads[0], wander((250, 390), 5))], 1, "one.mp4"))
    one = next(one for one in lines if one["faces"])
    assert (one["schema"], one["width"], one["height"], one["state"]) == (1, 640, 480, "ok")
    assert one["source"].endswith("one.mp4")
    assert set(one["timing_ms"]) == {"detect", "classify", "age"}
    face = one["faces"][0]
    assert set(face) == {
        "track",
        "box",
        "roll_deg",
        "landmarks",
        "emotion",
        "confidence",
        "confident",
        "probabilities",
        "raw",
    }
    for chances in (face["probabilities"], face["raw"]):
        assert list(chances) == ["Angry", "Happy", "Neutral", "Sad", "Surprise"]
        assert sum(chances.values()) == pytest.approx(1, abs=0.01)
    assert face["confidence"] == pytest.approx(face["probabilities"][face["emotion"]])


def test_the_same_file_gives_the_same_answer(heads, make_video, stream_lines):
    path = make_video([Actor(*heads[0], wander((180, 460), 4))], 2)

    def answers() -> Lines:
        return [{**one, "timing_ms": None} for one in stream_lines(path)]

    assert answers() == answers()


def test_two_people_who_change_sides_keep_their_numbers(heads, make_video, stream_lines):
    actors = two_people(heads, 8)
    lines = stream_lines(make_video(actors, 8))
    history = identities(lines, actors)
    assert sorted(history) == [[1], [2]], "one number a person, and never the other's"


@pytest.mark.data
def test_two_different_persons_keep_their_numbers_and_their_labels(photo, data_dir, make_video, stream_lines):
    actors = two_people(heads_from(photo, data_dir), 10)
    lines = stream_lines(make_video(actors, 10))
    assert sorted(identities(lines, actors)) == [[1], [2]]
    assert len(events(lines, "update")) <= 1


def test_a_face_behind_something_comes_back_with_its_number(heads, tmp_path, stream_lines):
    actor = Actor(*heads[0], line((120, 240), (520, 240), (0.0, 4.0), 120))

    def frame(time_s: float) -> np.ndarray:
        rgb = render([actor], time_s)
        rgb[100:400, 290:370] = (90, 110, 90)  # a pillar
        return rgb

    path = write_video(tmp_path / "pillar.mp4", [frame(index / FPS) for index in range(110)])
    lines = stream_lines(path)
    tracks = seen(lines)
    assert [] in tracks[20:90], "behind the pillar there is no face"
    assert {number for numbers in tracks for number in numbers} == {1}
    assert tracks[-1] == [1]


def test_after_a_cut_the_faces_are_new_ones(heads, tmp_path, stream_lines):
    left, right = (Actor(*head, wander(lane, 9)) for head, lane in zip(heads, ((180, 200), (440, 460)), strict=False))
    first = [render([left], index / FPS, seed=1) for index in range(25)]
    second = [render([right], index / FPS, seed=2) for index in range(25)]
    lines = stream_lines(write_video(tmp_path / "cut.mp4", first + second))
    tracks = seen(lines)
    assert tracks[24] == [1]
    assert tracks[25] == [], "no result for a face that is gone"
    assert tracks[-1] == [2]
    assert events(lines, "end")[0]["track"] == 1


def test_a_face_that_left_is_not_reported_any_more(heads, make_video, stream_lines):
    head, face = heads[0]
    actor = Actor(head, face, lambda time_s: (320, 240, 120) if time_s < 1.0 else None)
    lines = stream_lines(make_video([actor], 4))
    tracks = seen(lines)
    assert tracks[24] == [1]
    assert all(numbers == [] for numbers in tracks[30:]), "a fifth of a second after it left"
    end = events(lines, "end")[0]
    assert end["time_s"] == pytest.approx(0.96, abs=0.05)


def test_a_dark_picture_is_called_dark_and_shows_no_face(heads, tmp_path, stream_lines):
    actor = Actor(*heads[0], wander((300, 340), 9))
    frames = [render([actor], index / FPS) for index in range(75)]
    frames[25:50] = [(frame * 0.04).astype(np.uint8) for frame in frames[25:50]]
    lines = stream_lines(write_video(tmp_path / "night.mp4", frames))
    states = [one["state"] for one in lines[:75]]
    assert states[:25] + states[50:] == ["ok"] * 50
    assert states[25:50] == ["dark"] * 25
    assert all(not one["faces"] for one in lines[25:50])


def test_a_video_without_faces_has_none(tmp_path, stream_lines):
    lines = stream_lines(write_video(tmp_path / "empty.mp4", [render([], index / FPS) for index in range(30)]))
    assert all(not one["faces"] and "events" not in one for one in lines)
    assert len(lines) == 30


def test_csv_has_a_line_a_face(heads, make_video, cli):
    done = cli("stream", "--source", str(make_video([Actor(*heads[0], wander((250, 390), 5))], 1)), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode())))
    assert done.returncode == 0
    assert len(rows) > 15
    assert {row["track"] for row in rows} == {"1"}
    for row in rows:
        chances = [float(row[label]) for label in EMOTIONS]
        assert sum(chances) == pytest.approx(1, abs=0.001)
        assert float(row["confidence"]) == pytest.approx(float(row[row["emotion"]]), abs=1e-4)


def test_only_the_largest_face_when_asked(heads, make_video, stream_lines):
    near, far = Actor(*heads[0], wander((180, 200), 9, width=150)), Actor(*heads[1], wander((450, 470), 9, width=90))
    lines = stream_lines(make_video([near, far], 1), "--faces", "largest")
    boxes = [[face["box"] for face in one["faces"]] for one in lines if one["faces"]]
    assert len(boxes) > 15
    assert all(len(found) == 1 and found[0][0] < 320 and found[0][2] > 120 for found in boxes)


def test_a_face_that_becomes_the_largest_is_announced_then(heads, make_video, stream_lines):
    near = Actor(*heads[0], lambda time_s: (180, 240, 150) if time_s < 1.0 else None)
    far = Actor(*heads[1], wander((450, 470), 9, width=90))
    lines = stream_lines(make_video([near, far], 3), "--faces", "largest")
    first, second = events(lines, "new")
    shown = [one["faces"][0]["track"] for one in lines if one["faces"]]
    assert [first["track"], second["track"]] == list(dict.fromkeys(shown)), "each when it is shown first"
    assert second["time_s"] > 1.0
    assert sorted(event["track"] for event in events(lines, "end")) == sorted((first["track"], second["track"]))


def test_small_grey_and_odd_sized_videos_are_read(photo, tmp_path, stream_lines):
    picture = cv2.cvtColor(cv2.imread(str(photo), cv2.IMREAD_GRAYSCALE), cv2.COLOR_GRAY2BGR)
    path = tmp_path / "small.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (322, 318))
    for _ in range(10):
        writer.write(cv2.resize(picture, (322, 318)))
    writer.release()
    lines = stream_lines(path)
    assert lines[5]["width"] == 322
    assert len(lines[5]["faces"]) == 1


def test_realtime_takes_as_long_as_the_recording_and_skips_rather_than_lag(heads, make_video, stream_lines):
    lines = stream_lines(make_video([Actor(*heads[0], wander((250, 390), 5))], 2), "--realtime")
    frames = [one for one in lines if one["state"] == "ok"]
    assert frames[-1]["time_s"] - frames[0]["time_s"] > 1.5
    indexes = [one["frame"] for one in frames]
    assert indexes == sorted(set(indexes))


def test_an_annotated_video_and_mjpeg_show_the_faces(heads, make_video, cli, tmp_path):
    source = make_video([Actor(*heads[0], wander((250, 390), 5))], 1)
    words = ("--source", str(source), "--video", str(tmp_path / "marked.mp4"), "--format", "mjpeg")
    done = cli("stream", *words)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.count(b"\xff\xd8\xff") == 25
    capture = cv2.VideoCapture(str(tmp_path / "marked.mp4"))
    plain = cv2.VideoCapture(str(source))
    frames = [(capture.read()[1], plain.read()[1]) for _ in range(25)]
    marked, original = frames[20]
    assert float(np.abs(marked.astype(int) - original).mean()) > 0.5
    # Our own MJPEG is a source again.
    again = cli("stream", "--source", "-", "--fps", "25", input=done.stdout)
    assert again.returncode == 0, again.stderr.decode()
    assert len([one for one in map(json.loads, again.stdout.splitlines()) if one["state"] == "ok"]) == 25


def test_raw_frames_on_standard_input_in_either_colour_order(
    heads, cli: Callable[..., subprocess.CompletedProcess[bytes]]
):
    actor = Actor(*heads[0], wander((250, 390), 5))
    frames = [render([actor], index / FPS) for index in range(8)]
    answers = []
    for form, order in (("rgb24", slice(None)), ("bgr24", slice(None, None, -1))):
        data = b"".join(np.ascontiguousarray(frame[:, :, order]).tobytes() for frame in frames)
        words = ("--source", "-", "--stdin-format", form, "--size", "640x480", "--fps", "25")
        done = cli("stream", *words, input=data)
        assert done.returncode == 0, done.stderr.decode()
        answers.append([{**json.loads(one), "timing_ms": None} for one in done.stdout.splitlines()])
    assert answers[0] == answers[1]
    assert len(answers[0][5]["faces"]) == 1


def test_a_folder_of_pictures_is_read_by_number(heads, tmp_path: Path, stream_lines):
    actor = Actor(*heads[0], line((150, 240), (490, 240), (0, 0.5), 120))
    for index in range(12):
        bgr = cv2.cvtColor(render([actor], index / FPS), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(tmp_path / f"{index}.jpg"), bgr)
    lines = stream_lines(tmp_path)
    left = [one["faces"][0]["box"][0] for one in lines if one["faces"]]
    assert len(left) >= 9
    assert left == sorted(left), "2 comes before 10"

"""Every source delivers red first, at honest times, and says plainly what is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_picamera2 import FORMATS, FakePicamera2, camera  # noqa: F401 - a fixture

from benchmarks.scenes import write_video
from edge.classifier import Classifier
from edge.errors import CameraLostError, ConfigError, RecordingError, SourceError
from edge.labels import EMOTIONS
from edge.sources import SourceOptions, open_source
from edge.sources.address import without_password
from edge.sources.base import Frame, FrameSource
from edge.sources.paced import PacedSource
from edge.sources.picamera import PicameraOptions, PicameraSource
from edge.sources.pipe import PipeSource
from edge.sources.synthetic import SyntheticSource
from edge.sources.video import VideoSource
from edge.stream.engine import Engine

RED, GREEN, BLUE = (200, 30, 40), (40, 190, 60), (30, 50, 210)


def flag(width: int = 640, height: int = 480) -> np.ndarray:
    """Left half red, right half blue, a green bar at the bottom: tells colour orders, turns and flips apart."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, : width // 2], rgb[:, width // 2 :] = RED, BLUE
    rgb[height * 3 // 4 :] = GREEN
    return rgb


def corners(rgb: np.ndarray) -> list[str]:
    """Colours of the corners: top left, top right, bottom left, bottom right."""
    names = {"red": RED, "green": GREEN, "blue": BLUE}
    height, width = rgb.shape[:2]
    spots = [rgb[y, x].astype(int) for y in (height // 8, height * 7 // 8) for x in (width // 8, width * 7 // 8)]
    return [min(names, key=lambda name: float(np.abs(spot - names[name]).sum())) for spot in spots]


UPRIGHT = ["red", "blue", "green", "green"]


@pytest.mark.parametrize("size", [(600, 450), (640, 480)])  # rows with padding, and without
@pytest.mark.parametrize("form", [*FORMATS, "YUV420", "YVU420", "NV12"])
def test_every_camera_format_becomes_rgb_of_its_own(camera: type[FakePicamera2], form: str, size: tuple[int, int]):  # noqa: F811
    camera.picture, camera.main_format = flag(), form
    with PicameraSource(options=PicameraOptions(size=size)) as source:
        frame = source.read(1.0)
    assert frame.rgb.shape == (size[1], size[0], 3)
    assert corners(frame.rgb) == UPRIGHT


def test_the_small_stream_is_the_grey_picture(camera: type[FakePicamera2]):  # noqa: F811
    camera.picture = flag()
    with PicameraSource() as source:
        frame = source.read(1.0)
    assert frame.gray.shape == (240, 320)
    whole = cv2.resize(cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2YUV_I420)[:480], (320, 240), interpolation=cv2.INTER_AREA)
    assert float(np.abs(frame.gray.astype(int) - whole).mean()) < 2


def test_ages_count_from_the_sensor_and_requests_go_back(camera: type[FakePicamera2]):  # noqa: F811
    with PicameraSource() as source:
        before = time.monotonic()
        frame = source.read(1.0)
        assert before - 0.03 <= frame.captured_s <= time.monotonic() - 0.03
        assert camera.opened[0].pending == 0
    assert camera.opened[0].closed


def test_picamera_passes_on_what_is_asked(camera: type[FakePicamera2]):  # noqa: F811
    options = PicameraOptions(size=(800, 600), fps=15, rotate=180, flip="horizontal", exposure_us=8000, gain=2.0)
    with PicameraSource(1, options):
        asked = camera.opened[0].configuration
    assert camera.opened[0].index == 1
    assert asked["main"]["size"] == (800, 600)
    assert asked["controls"] == {"FrameRate": 15, "ExposureTime": 8000, "AnalogueGain": 2.0}
    assert asked["transform"] == {"hflip": False, "vflip": True}


@pytest.mark.parametrize(
    ("rotate", "expected"), [(90, ["green", "red", "green", "blue"]), (270, ["blue", "green", "red", "green"])]
)
def test_picamera_turns_colour_and_grey_alike(camera: type[FakePicamera2], rotate: int, expected: list[str]):  # noqa: F811
    camera.picture = flag()
    with PicameraSource(options=PicameraOptions(rotate=rotate)) as source:
        frame = source.read(1.0)
    assert corners(frame.rgb) == expected
    assert frame.gray.shape == (320, 240)


def test_an_absent_and_a_silent_camera_are_told_apart(camera: type[FakePicamera2]):  # noqa: F811
    camera.absent = True
    with pytest.raises(SourceError, match="cannot open camera 0"):
        PicameraSource().open()
    camera.absent, camera.silent = False, True
    with PicameraSource() as source, pytest.raises(CameraLostError, match="no frame for"):
        source.read(0.1)


def test_without_picamera2_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    monkeypatch.setitem(sys.modules, "libcamera", None)
    with pytest.raises(ConfigError, match="apt install python3-picamera2"):
        PicameraSource().open()


def test_a_video_is_rgb_and_ends(tmp_path: Path):
    with VideoSource(write_video(tmp_path / "flag.mp4", [flag()] * 5)) as source:
        frames = [source.read(1.0) for _ in range(6)]
    assert frames[5] is None
    assert corners(frames[4].rgb) == UPRIGHT
    assert [frame.time_s for frame in frames[:5]] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100])
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"broken\.mp4"):
        VideoSource(path).open()


def test_half_a_video_gives_what_is_there_and_a_clear_error(tmp_path: Path):
    whole = write_video(tmp_path / "whole.avi", [flag()] * 20)
    path = tmp_path / "half.avi"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4])
    with VideoSource(path) as source:
        assert source.read(1.0) is not None
        with pytest.raises(RecordingError, match="cut short after"):
            while source.read(1.0) is not None:
                pass


def jpeg(rgb: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()


def pipe_with(data: bytes) -> int:
    """Descriptor from which data come in small pieces."""
    reader, writer = os.pipe()

    def feed() -> None:
        with os.fdopen(writer, "wb") as file:
            for start in range(0, len(data), 1000):
                file.write(data[start : start + 1000])
                file.flush()

    threading.Thread(target=feed, daemon=True).start()
    return reader


def read_all(source: FrameSource) -> list[Frame]:
    source.open()
    frames = []
    while (frame := source.read(5.0)) is not None:
        frames.append(frame)
    return frames


def test_mjpeg_comes_through_a_pipe_in_pieces_and_with_dirt_between():
    data = b"dirt" + jpeg(flag()) + b"--boundary\r\n" + jpeg(flag(320, 240))
    frames = read_all(PipeSource(descriptor=pipe_with(data)))
    assert [frame.rgb.shape for frame in frames] == [(480, 640, 3), (240, 320, 3)]
    assert corners(frames[0].rgb) == UPRIGHT


def segment(mark: int, content: bytes) -> bytes:
    return bytes((0xFF, mark)) + (len(content) + 2).to_bytes(2, "big") + content


def test_thumbnails_and_ends_within_a_picture_are_not_frames():
    inside = segment(0xE1, b"Exif\0\0" + jpeg(flag(160, 120))) + segment(0xFE, b"a comment \xff\xd9 \xff\xd8\xff")
    one = jpeg(flag())
    data = (one[:2] + inside + b"\xff\xff" + one[2:]) * 3
    frames = read_all(PipeSource(descriptor=pipe_with(data)))
    assert [frame.rgb.shape for frame in frames] == [(480, 640, 3)] * 3
    assert corners(frames[2].rgb) == UPRIGHT


@pytest.mark.parametrize(("size", "count"), [(3, 3), (300, 2), (5000, 3)])
def test_cut_and_broken_pictures_are_said_and_others_are_read(size: int, count: int):
    whole = jpeg(flag())
    assert len(whole) > 5000
    garbage = whole[:20] + b"no mark here" + whole[20:]
    source = PipeSource(descriptor=pipe_with(whole + whole[:size] + whole + garbage + whole + whole[:size]))
    source.open()
    told = []
    while True:
        try:
            frame = source.read(5.0)
        except SourceError as error:
            told.append(str(error))
            continue
        if frame is None:
            break
        assert corners(frame.rgb) == UPRIGHT
        told.append("frame")
    assert told.count("frame") == count
    assert re.search("cut off|broken", told[1])
    assert any("broken" in words for words in told)
    assert told[-1].endswith(f"ended within a frame, after {count} whole ones")


@pytest.mark.parametrize("form", ["rgb24", "bgr24", "gray8"])
def test_raw_frames_through_a_pipe(form: str):
    pixels = {"rgb24": flag(), "bgr24": flag()[:, :, ::-1], "gray8": flag()[:, :, 0]}[form]
    data = np.ascontiguousarray(pixels).tobytes()
    frames = read_all(PipeSource(form, size=(640, 480), descriptor=pipe_with(data * 2)))  # type: ignore[arg-type]
    assert len(frames) == 2
    if form != "gray8":
        assert corners(frames[1].rgb) == UPRIGHT


def test_half_a_raw_frame_at_the_end_is_said():
    source = PipeSource("gray8", size=(640, 480), descriptor=pipe_with(bytes(640 * 480 + 100)))
    source.open()
    assert source.read(5.0) is not None
    with pytest.raises(SourceError, match="within a frame"):
        source.read(5.0)
    assert source.read(5.0) is None


def test_a_pipe_that_goes_silent_is_noticed():
    reader, writer = os.pipe()
    source = PipeSource(descriptor=reader)
    source.open()
    with pytest.raises(CameraLostError, match="nothing came"):
        source.read(0.05)
    os.close(writer)
    os.close(reader)


def test_raw_frames_need_their_size():
    with pytest.raises(SourceError, match="--size"):
        PipeSource("rgb24")


def test_a_folder_without_pictures_and_one_with_a_broken_one(tmp_path: Path):
    with pytest.raises(SourceError, match="no pictures"):
        open_source(str(tmp_path)).open()
    (tmp_path / "0.jpg").write_bytes(jpeg(flag()))
    (tmp_path / "1.jpg").write_bytes(b"broken")
    (tmp_path / "2.jpg").write_bytes(jpeg(flag()))
    source = open_source(str(tmp_path))
    source.open()
    assert corners(source.read(1.0).rgb) == UPRIGHT
    with pytest.raises(SourceError, match=r"1\.jpg"):
        source.read(1.0)
    assert source.read(1.0) is not None
    assert source.read(1.0) is None


def test_the_synthetic_source_repeats_itself_and_keeps_time():
    first, second = (SyntheticSource(2, frames=3, fps=50, live=live) for live in (True, False))
    began = time.monotonic()
    with first, second:
        pairs = [(first.read(1.0), second.read(1.0)) for _ in range(4)]
    assert time.monotonic() - began >= 2 / 50
    assert pairs[3] == (None, None)
    assert all(np.array_equal(one.rgb, other.rgb) for one, other in pairs[:3])
    assert [other.time_s for _, other in pairs[:3]] == [0, 0.02, 0.04]


def test_a_demonstration_takes_no_more_memory_as_it_goes_on():
    code = """
import tracemalloc
from edge.sources.synthetic import SyntheticSource
tracemalloc.start()
with SyntheticSource(2, live=False) as source:
    took = []
    for index in range(0, 2 * 625, 4):  # all expressions come within 625 frames
        source.picture(index)
        took.append(tracemalloc.get_traced_memory()[0])
print(max(took) - took[0])
"""
    grown = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert grown < 2_000_000  # a drawn head takes 0.23 MB


def test_drawn_faces_are_read_as_they_are_drawn():
    source = SyntheticSource(2, fps=6, frames=180, live=False)
    engine = Engine("yunet", Classifier(), live=False)
    read: dict[int, list[tuple[str, str, float]]] = {0: [], 1: []}
    with source:
        for index in range(180):
            result = engine.process(source.read(1.0))
            faces = sorted(result.faces, key=lambda face: face.box.x)
            if len(faces) != 2:
                continue
            for number, (face, (label, _, step)) in enumerate(zip(faces, source.expressions(index), strict=True)):
                settled = step == 0 and all(source.expressions(index - back)[number][0] == label for back in range(6))
                if settled:
                    read[number].append((label, face.emotion, face.probabilities[label]))
    for number, rows in read.items():
        assert {label for label, _, _ in rows} == set(EMOTIONS), f"face {number} shows all five within 30 s"
        assert all(label == emotion for label, emotion, _ in rows)
        for wanted in EMOTIONS:
            assert np.median([share for label, _, share in rows if label == wanted]) > 0.7, wanted


def test_a_paced_recording_comes_at_its_times(tmp_path: Path):
    source = PacedSource(VideoSource(write_video(tmp_path / "flag.mp4", [flag()] * 4)))
    assert source.live
    with source:
        times = [source.read(1.0).captured_s for _ in range(4)]
        assert source.read(1.0) is None
    assert times[3] - times[0] == pytest.approx(0.12, abs=0.1)
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("rotate", "flip", "expected"),
    [
        (90, "none", ["green", "red", "green", "blue"]),
        (180, "none", ["green", "green", "blue", "red"]),
        (270, "none", ["blue", "green", "red", "green"]),
        (0, "horizontal", ["blue", "red", "green", "green"]),
        (0, "vertical", ["green", "green", "red", "blue"]),
        (180, "both", UPRIGHT),
    ],
)
def test_any_source_can_be_turned(tmp_path: Path, rotate: int, flip: str, expected: list[str]):
    path = write_video(tmp_path / "flag.mp4", [flag()] * 2)
    source = open_source(str(path), SourceOptions(rotate=rotate, flip=flip))
    source.open()
    assert corners(source.read(1.0).rgb) == expected
    source.close()


@pytest.mark.parametrize("spec", ["no-such-file.mp4", "", "picamera:x", "synthetic:many", "ftp://host/video"])
def test_an_unknown_source_is_refused_with_a_list(spec: str):
    with pytest.raises(SourceError, match="no such source"):
        open_source(spec)


@pytest.mark.parametrize("spec", ["0", "/dev/video99"])
def test_an_absent_camera_says_so(spec: str):
    with pytest.raises(SourceError, match="camera"):
        open_source(spec).open()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://me:secret@cam.local:554/live", "rtsp://me@cam.local:554/live"),
        ("rtsp://me:secr@et@cam/live", "rtsp://me@cam/live"),
        ("rtsp://me:secr/et@cam/live", "rtsp://me@cam/live"),
        ("rtsp://me:secr?et#@cam/live", "rtsp://me@cam/live"),
        ("rtsp://cam:554/live/main?mail=me@home", "rtsp://cam:554/live/main?mail=me@home"),
        ("http://cam/video?user=a&pwd=secret&size=2", "http://cam/video?user=a&pwd=***&size=2"),
        ("http://cam/video.cgi?loginuse=a&loginpas=secret", "http://cam/video.cgi?loginuse=a&loginpas=***"),
        ("rtmp://cam/bcs/channel0?user=a&password=sec/ret", "rtmp://cam/bcs/channel0?user=a&password=***"),
        ("rtsp://cam/user=a_password=secret_channel=1.sdp?x=1", "rtsp://cam/user=a_password=***_channel=1.sdp?x=1"),
        ("rtsp://cam/user=a&password=secret&channel=1", "rtsp://cam/user=a&password=***&channel=1"),
        ("https://cam/live?access_token=secret", "https://cam/live?access_token=***"),
        ("http://cam/?username=a&psw=secret", "http://cam/?username=a&psw=***"),
        ("http://cam/?authkey=secret&jwt=secret&sid=secret", "http://cam/?authkey=***&jwt=***&sid=***"),
        ("http://cam/?keyframe=1&monkey=2&sessions=3", "http://cam/?keyframe=1&monkey=2&sessions=3"),
        ("HTTP://me:secret@cam/top=1?step=2", "HTTP://me@cam/top=1?step=2"),
        ("password=here.mp4", "password=here.mp4"),
    ],
)
def test_passwords_stay_out_of_names(address: str, shown: str):
    assert without_password(address) == shown


def test_what_a_stream_calls_its_source_holds_no_password():
    assert open_source("rtsp://me:secret@localhost/live").name == "rtsp://me@localhost/live"
    assert open_source("RTMP://localhost/live?password=secret").name == "RTMP://localhost/live?password=***"
    with pytest.raises(SourceError) as error:
        open_source("gopher://me:secret@localhost/live")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)]
)
def test_a_frame_of_another_form_is_refused(pixels: np.ndarray):
    with pytest.raises(SourceError, match="wanted"):
        Frame(pixels, 0.0)

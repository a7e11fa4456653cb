"""Annotated videos: they play at the source's speed, and what was written stays."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from benchmarks.scenes import write_video
from edge.errors import OutputError
from edge.sinks import video as video_module
from edge.sinks.video import MjpegSink, VideoSink
from edge.types import FrameResult

Cli = Callable[..., subprocess.CompletedProcess[bytes]]


def grey(level: int) -> np.ndarray:
    return np.full((480, 640, 3), level, np.uint8)


def levels(path: Path) -> list[int]:
    """Mean brightness of each frame."""
    capture, found = cv2.VideoCapture(str(path)), []
    while (answer := capture.read())[0]:
        found.append(round(float(answer[1].mean())))
    return found


def seconds(path: Path) -> float:
    return len(levels(path)) / cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS)


def at(time_s: float) -> FrameResult:
    return FrameResult("test", 640, 480, frame=0, time_s=time_s)


@pytest.mark.parametrize(("fps", "suffix"), [(10, ".mp4"), (60, ".mkv")])
def test_a_recording_keeps_its_length(tmp_path: Path, cli: Cli, fps: int, suffix: str):
    source = write_video(tmp_path / "in.mp4", [grey(30)] * (2 * fps), fps)
    done = cli("stream", "--source", source, "--format", "none", "--video", tmp_path / f"out{suffix}")
    assert done.returncode == 0, done.stderr.decode()
    assert len(levels(tmp_path / f"out{suffix}")) == 2 * fps
    assert seconds(tmp_path / f"out{suffix}") == pytest.approx(2)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_frames_are_repeated_and_left_out_by_time(tmp_path: Path, suffix: str):
    path = tmp_path / f"live{suffix}"
    sink = VideoSink(path, fps=10)
    for time_s, level in ((5.0, 40), (5.5, 120), (5.52, 250), (5.6, 200), (100.0, 80)):
        sink.write(grey(level), at(time_s))
    sink.close()
    assert levels(path) == pytest.approx([40] * 5 + [120, 200, 80], abs=6)


def test_another_size_or_a_time_that_steps_back_begins_another_file(tmp_path: Path):
    sink = VideoSink(tmp_path / "v.mkv", fps=10)
    for time_s, size in ((3.0, 2), (3.0, 2), (3.1, 2), (3.2, 1), (3.3, 1), (3.4, 1), (3.1, 1)):
        sink.write(np.full((240 * size, 320 * size, 3), 100, np.uint8), at(time_s))
    sink.close()
    assert [len(levels(tmp_path / name)) for name in ("v.mkv", "v-2.mkv", "v-3.mkv")] == [2, 3, 1]


@pytest.mark.parametrize(("until_s", "count"), [(10.5, 23), (11.0, 3)])
def test_a_gap_of_more_than_ten_seconds_is_left_out(
    tmp_path: Path, until_s: float, count: int, caplog: pytest.LogCaptureFixture
):
    sink = VideoSink(tmp_path / "v.mkv", fps=2)
    sink.write(grey(40), at(0.0))
    sink.write(grey(90), at(until_s))
    sink.write(grey(90), at(until_s + 0.5))
    sink.close()
    assert len(levels(tmp_path / "v.mkv")) == count
    assert ("gap of 10 s is left out" in caplog.text) == (count == 3)


@pytest.mark.parametrize(
    ("name", "words"), [("video.txt", r"wanted a name that ends in \.mp4, \.avi, \.mkv"), ("no/v.mp4", "is no folder")]
)
def test_a_video_that_cannot_be_written_is_refused(tmp_path: Path, name: str, words: str):
    with pytest.raises(OutputError, match=words):
        VideoSink(tmp_path / name)


def test_a_video_in_the_place_of_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "v.mp4").mkdir()
    with pytest.raises(OutputError, match=r"cannot write the video .*v\.mp4: Is a directory"):
        VideoSink(tmp_path / "v.mp4").write(grey(40), at(0.0))


def test_a_video_without_a_picture_is_no_file(tmp_path: Path):
    sink = VideoSink(tmp_path / "v.mp4")
    sink.write(None, at(0.0))
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_mjpeg_is_picture_after_picture_on_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with (tmp_path / "out").open("wb") as file:
        monkeypatch.setattr("sys.stdout", file)
        sink = MjpegSink()
        for picture in (grey(40), None, grey(90)):
            sink.write(picture, at(0.0))
        sink.close()
    pictures = [cv2.imencode(".jpg", grey(level), [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes() for level in (40, 90)]
    assert (tmp_path / "out").read_bytes() == b"".join(pictures)


WRITER = """
import sys
from pathlib import Path
import numpy as np
from edge.sinks.video import VideoSink
from edge.types import FrameResult
random = np.random.default_rng(1)
sink = VideoSink(Path(sys.argv[1]), fps=25)
rgb = np.full((480, 640, 3), 90, np.uint8)
for number in range(100000):
    if sys.argv[2] == "noise":
        rgb = random.integers(0, 255, (480, 640, 3), dtype=np.uint8)
    sink.write(rgb, FrameResult("test", 640, 480, frame=number, time_s=number / 25))
    print(number, flush=True)
"""


@pytest.mark.parametrize(
    ("suffix", "scene"), [(".mp4", "still"), (".mp4", "noise"), (".mkv", "noise"), (".avi", "noise")]
)
def test_a_kill_costs_the_last_moments_only(tmp_path: Path, environment: dict[str, str], suffix: str, scene: str):
    """A scene in which nothing moves takes few bytes, and FFmpeg holds 256 kB back."""
    path = tmp_path / f"killed{suffix}"
    command = [sys.executable, "-c", WRITER, path, scene]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert any(int(line) >= 80 for line in process.stdout)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(levels(path)) >= 50


def test_what_a_quiet_scene_gives_is_in_the_file_at_once(tmp_path: Path):
    """Its fragments are of a few hundred bytes."""
    sink, deadline = VideoSink(tmp_path / "v.mp4", fps=10), time.monotonic() + 10
    for number in range(40):
        sink.write(np.full((48, 64, 3), 100, np.uint8), at(number / 10))
    while (count := len(levels(tmp_path / "v.mp4"))) < 24 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert count >= 24, "they are of 12 frames"
    sink.close()


FORGETFUL = """
import sys
from pathlib import Path
import numpy as np
from edge.sinks.video import VideoSink
from edge.types import FrameResult
sink = VideoSink(Path(sys.argv[1]))
sink.write(np.zeros((480, 640, 3), np.uint8), FrameResult("test", 640, 480, frame=0, time_s=0.0))
"""


def test_a_program_that_does_not_close_its_video_ends_too(tmp_path: Path, environment: dict[str, str]):
    subprocess.run([sys.executable, "-c", FORGETFUL, tmp_path / "v.mp4"], check=True, env=environment, timeout=30)


def test_a_file_that_cannot_grow_is_a_failure(tmp_path: Path, cli: Cli):
    """As on a card with a quota, or FAT with its 4 GB."""
    frames = list(np.random.default_rng(1).integers(0, 255, (25, 480, 640, 3), dtype=np.uint8))
    source = write_video(tmp_path / "in.mp4", frames)

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))

    done = cli("stream", "--source", source, "--format", "none", "--video", tmp_path / "o.mp4", preexec_fn=small_files)
    assert done.returncode == 1
    assert done.stderr.decode().count("ends here: File too large") == 1
    assert len(levels(tmp_path / "o.mp4")) >= 1
    assert b"Traceback" not in done.stderr


def test_a_write_that_fails_is_said_at_once(tmp_path: Path):
    (tmp_path / "o.mp4").symlink_to("/dev/full")
    sink = VideoSink(tmp_path / "o.mp4", fps=10)
    with pytest.raises(OutputError, match=r"o\.mp4 ends here: No space left on device"):
        for number in range(1000):
            sink.write(grey(100), at(number / 10))
    sink.close()


def test_before_the_disk_is_full_the_file_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    room = SimpleNamespace(f_bavail=1 << 20, f_frsize=4096)
    monkeypatch.setattr(video_module.os, "statvfs", lambda path: room)
    monkeypatch.setattr(video_module, "CHECK_S", 0.0)
    sink = VideoSink(tmp_path / "full.mp4", fps=10)
    for number in range(20):
        sink.write(grey(100), at(number / 10))
    room.f_bavail = 1024  # four MiB: enough
    sink.write(grey(100), at(2.0))
    room.f_bavail = 1023
    with pytest.raises(OutputError, match="disk is full"):
        sink.write(grey(100), at(2.1))
    assert len(levels(tmp_path / "full.mp4")) == 22


def test_the_disk_is_checked_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    checked_s: list[float] = []
    room = SimpleNamespace(f_bavail=1 << 20, f_frsize=4096)
    monkeypatch.setattr(video_module, "time", SimpleNamespace(monotonic=lambda: moment))
    monkeypatch.setattr(video_module.os, "statvfs", lambda path: checked_s.append(moment) or room)
    sink = VideoSink(tmp_path / "v.avi", fps=10)
    for moment in (5.0, 5.5, 6.0, 6.25, 7.0, 7.25, 7.5):
        sink.write(grey(100), at(moment))
    sink.close()
    assert checked_s == [5.0, 6.25, 7.5]


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_less_than_was_written_is_a_failure(tmp_path: Path, suffix: str):
    for lost, fails in ((1, False), (2, True)):
        sink = VideoSink(tmp_path / f"{lost}{suffix}")
        for number in range(5):
            sink.write(grey(100), at(number / 25))
        sink._written += lost  # as if so many had not found their way
        with pytest.raises(OutputError, match="holds 5 of 7 frames") if fails else nullcontext():
            sink.close()
    for count in (1, 2):
        sink = VideoSink(tmp_path / f"gone{suffix}")
        for number in range(count):
            sink.write(grey(100), at(number / 25))
        (tmp_path / f"gone{suffix}").unlink()
        with pytest.raises(OutputError, match=f"holds 0 of {count} frames"):
            sink.close()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_one_picture_is_a_video_of_one_picture(tmp_path: Path, suffix: str):
    sink = VideoSink(tmp_path / f"one{suffix}")
    sink.write(grey(100), at(0))
    sink.close()
    assert levels(tmp_path / f"one{suffix}") == pytest.approx([100], abs=6)


def test_a_size_that_ffmpeg_does_not_take_is_named(tmp_path: Path):
    with pytest.raises(OutputError, match="no frames of 9000x16 pixels") as refused:
        VideoSink(tmp_path / "wide.mp4").write(np.zeros((16, 9000, 3), np.uint8), at(0))
    assert "\n" not in str(refused.value)


def test_a_file_that_lost_its_end_is_a_failure(tmp_path: Path):
    path = tmp_path / "v.mkv"
    sink = VideoSink(path)
    for number, rgb in enumerate(np.random.default_rng(1).integers(0, 255, (10, 480, 640, 3), np.uint8)):
        sink.write(rgb, at(number / 25))
    begun = path.read_bytes()
    path.unlink()
    path.write_bytes(begun)  # the end goes to the file that was there
    with pytest.raises(OutputError, match="holds 0 of 10 frames"):
        sink.close()


def test_a_video_is_a_file_as_any_other(tmp_path: Path):
    sink = VideoSink(path=tmp_path / "v.mp4")
    for number in range(3):
        sink.write(grey(100), at(number / 25))
    sink.close()
    (tmp_path / "other").touch()
    assert (tmp_path / "v.mp4").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert cv2.VideoCapture(str(tmp_path / "v.mp4")).get(cv2.CAP_PROP_FPS) == 25

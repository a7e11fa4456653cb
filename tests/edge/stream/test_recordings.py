"""Recordings as phones, browsers, broken disks and killed programs leave them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.scenes import write_video
from edge.errors import RecordingError, SourceError
from edge.kiosk.sources import LoopedSource
from edge.sources.base import Frame, FrameSource
from edge.sources.extent import bytes_missing
from edge.sources.video import VideoSource

Cli = Callable[..., subprocess.CompletedProcess[bytes]]
FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed (Debian: ffmpeg)")


def ffmpeg(*words: object) -> None:
    subprocess.run([str(FFMPEG), "-loglevel", "error", "-y", *map(str, words)], check=True, stdin=subprocess.DEVNULL)


def pictures(count: int) -> list[np.ndarray]:
    """Noise, brighter on top: every picture is large and none like another."""
    random = np.random.default_rng(1)
    noise = random.integers(0, 60, (count, 480, 640, 3), dtype=np.uint8)
    noise[:, :240] += 150
    return list(noise)


def mjpeg_avi(path: Path, count: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (640, 480))
    for rgb in pictures(count):
        writer.write(rgb)
    writer.release()
    return path


def spoil(path: Path, first: int, last: int) -> None:
    """Overwrite the JPEG pictures of an AVI file from one number to another."""
    data = bytearray(path.read_bytes())
    starts = [0]
    while (at := data.find(b"\xff\xd8\xff", starts[-1] + 1)) >= 0:
        starts.append(at)
    for number in range(first, last + 1):
        at = starts[number + 1]
        data[at : at + 4000] = bytes(range(1, 251)) * 16
    path.write_bytes(data)


def read_all(source: FrameSource) -> tuple[list[Frame], list[str]]:
    """Frames, and what was said of those that could not be read."""
    frames, complaints = [], []
    with source:  # type: ignore[attr-defined]
        while True:
            try:
                frame = source.read(1.0)
            except RecordingError:
                raise
            except SourceError as error:
                complaints.append(str(error))
                continue
            if frame is None:
                return frames, complaints
            frames.append(frame)


def test_one_damaged_frame_does_not_end_a_video(tmp_path: Path):
    path = mjpeg_avi(tmp_path / "damaged.avi", 40)
    spoil(path, 20, 20)
    frames, complaints = read_all(VideoSource(path))
    assert len(frames) == 39
    assert frames[-1].time_s == pytest.approx(39 / 25)
    assert len(complaints) == 1
    assert "damaged frame between 0.76 and 0.84 s" in complaints[0]


def test_the_command_warns_of_damaged_frames_and_counts_them(tmp_path: Path, cli: Cli):
    path = mjpeg_avi(tmp_path / "damaged.avi", 20)
    spoil(path, 8, 9)
    done = cli("stream", "--source", path)
    assert done.returncode == 0
    assert len([line for line in done.stdout.splitlines() if json.loads(line)["state"] == "ok"]) == 18
    assert "2 frames" in done.stderr.decode()
    assert "mjpeg @" not in done.stderr.decode(), "the decoder's own words stay inside"


@pytest.mark.parametrize("words", [(), ("--realtime",)])
def test_frames_that_are_missing_at_the_end_are_a_failure(tmp_path: Path, cli: Cli, words: tuple[str, ...]):
    path = mjpeg_avi(tmp_path / "spoilt.avi", 20)
    spoil(path, 10, 19)
    done = cli("stream", "--source", path, *words)
    assert done.returncode == 1
    assert "nothing can be decoded after 0.40 of 0.80 s" in done.stderr.decode()
    assert done.stdout.splitlines(), "what could be read was"


@needs_ffmpeg
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.avi", ()),
        ("a.mkv", ()),
        ("a.mp4", ("-movflags", "+faststart")),
    ],
)
def test_a_file_that_was_cut_says_so(tmp_path: Path, name: str, options: tuple[str, ...]):
    whole = write_video(tmp_path / "whole.mp4", pictures(20))
    path = tmp_path / name
    ffmpeg("-i", whole, *options, path)
    assert bytes_missing(path) == 0
    assert len(read_all(VideoSource(path))[0]) == 20
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert bytes_missing(path) > 0
    with pytest.raises(RecordingError, match="cut short after"):
        read_all(VideoSource(path))


@needs_ffmpeg
def test_a_trimmed_video_is_whole(tmp_path: Path):
    """Its file holds more frames than are to be shown."""
    whole = write_video(tmp_path / "whole.mp4", pictures(30))
    ffmpeg("-ss", "0.3", "-i", whole, "-c", "copy", tmp_path / "trimmed.mp4")
    frames, complaints = read_all(VideoSource(tmp_path / "trimmed.mp4"))
    assert len(frames) >= 20
    assert complaints == []


ONE, NONE, MINUS = (1 << 16).to_bytes(4, "big"), bytes(4), (-1 << 16).to_bytes(4, "big", signed=True)


@pytest.mark.parametrize(
    ("matrix", "bright"),
    [((NONE, ONE, MINUS, NONE), "right"), ((MINUS, NONE, NONE, MINUS), "bottom"), ((NONE, MINUS, ONE, NONE), "left")],
    ids=["90", "180", "270"],
)
def test_videos_of_phones_stand_upright(tmp_path: Path, matrix: tuple[bytes, bytes, bytes, bytes], bright: str):
    """The track header of such a file says how its pictures are to be turned."""
    path = write_video(tmp_path / "phone.mp4", pictures(3))
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    a, b, c, d = matrix
    data[at : at + 20] = a + b + NONE + c + d
    path.write_bytes(data)
    rgb = read_all(VideoSource(path))[0][0].rgb
    assert rgb.shape == ((480, 640, 3) if bright == "bottom" else (640, 480, 3))
    height, width = rgb.shape[:2]
    halves = {
        "left": rgb[:, : width // 2],
        "right": rgb[:, width // 2 :],
        "top": rgb[: height // 2],
        "bottom": rgb[height // 2 :],
    }
    assert max(halves, key=lambda name: float(halves[name].mean())) == bright


@needs_ffmpeg
def test_frames_bear_their_own_times(tmp_path: Path):
    """A browser's recording: no rate in the container, uneven times."""
    times_s = [0, 0.04, 0.12, 0.52, 0.56, 1.92, 2.0]
    listed = tmp_path / "frames.txt"
    lines = []
    for index, rgb in enumerate(pictures(len(times_s))):
        cv2.imwrite(str(tmp_path / f"{index}.png"), rgb)
        following = times_s[index + 1] if index + 1 < len(times_s) else times_s[-1] + 0.04
        lines += [f"file {index}.png", f"duration {following - times_s[index]:.3f}"]
    listed.write_text("\n".join(lines) + "\n")
    path = tmp_path / "browser.webm"
    ffmpeg("-f", "concat", "-i", listed, "-fps_mode", "vfr", "-enc_time_base", "1/1000", "-c:v", "libvpx", path)
    frames, _ = read_all(VideoSource(path))
    assert [frame.time_s for frame in frames] == pytest.approx(times_s, abs=0.002)


def test_a_looped_recording_goes_on_after_an_early_end_and_keeps_its_pace(tmp_path: Path):
    path = mjpeg_avi(tmp_path / "spoilt.avi", 20)
    spoil(path, 10, 19)
    with LoopedSource(VideoSource(path)) as source:
        times = [source.read(1.0).time_s for _ in range(25)]
    assert times == pytest.approx([index / 25 for index in range(25)])


def test_pictures_of_a_folder_come_in_natural_order(tmp_path: Path):
    from edge.sources.folder import FolderSource

    names = ["run1_9", "run1_10", "run2_1"]
    for brightness, name in enumerate(names):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((20, 20, 3), brightness * 80, np.uint8))
    frames, _ = read_all(FolderSource(tmp_path))
    assert [int(frame.rgb[0, 0, 0]) for frame in frames] == [0, 80, 160]

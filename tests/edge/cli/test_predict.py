"""`emotion-edge predict` as users run it: forms of output, order, options and files."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge.labels import EMOTIONS

HEADER = "source,face,x,y,w,h,emotion,confidence,Angry,Happy,Neutral,Sad,Surprise,fallback,error"


@pytest.fixture
def album(tmp_path: Path, photo: Path) -> Path:
    """A folder of faces, no faces, and things that are no pictures."""
    folder = tmp_path / "album"
    (folder / "b" / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for name in ("a.jpg", "b/deep/c.JPEG", "d e.jpg", ".hidden/x.jpg", "._a.jpg"):
        shutil.copy(photo, folder / name)
    Image.new("RGB", (100, 80), "gray").save(folder / "b" / "plain.png")
    (folder / "notes.txt").write_text("no picture")
    (folder / "again").symlink_to(folder, target_is_directory=True)
    return folder


NAMES = ["a.jpg", "b/deep/c.JPEG", "b/plain.png", "d e.jpg"]


def test_text(cli: Any, photo: Path) -> None:
    done = cli("predict", photo)
    assert done.returncode == 0
    assert done.stderr == b""
    line = done.stdout.decode()
    assert line.startswith(f"{photo}: ")
    assert line.endswith("% (face 1 of 1, 98x98 at (175, 71))\n")
    assert any(emotion in line for emotion in EMOTIONS)


def test_json_of_one_picture_is_the_documented_object(cli: Any, photo: Path) -> None:
    result = json.loads(cli("predict", photo, "--format", "json").stdout)
    head = ["schema", "source", "width", "height", "detector"]
    assert list(result) == [*head, "fallback", "error", "faces", "timing_ms"]
    assert result["schema"] == 1
    assert (result["source"], result["width"], result["height"]) == (str(photo), 512, 512)
    assert (result["fallback"], result["error"]) == (False, None)
    assert list(result["timing_ms"]) == ["decode", "detect", "classify"]
    (face,) = result["faces"]
    assert list(face) == ["box", "roll_deg", "landmarks", "emotion", "confidence", "confident", "probabilities"]
    assert (result["detector"], face["box"]) == ("yunet", [175, 71, 98, 98])
    assert abs(face["roll_deg"]) < 5
    assert len(face["landmarks"]) == 5
    assert list(face["probabilities"]) == list(EMOTIONS)
    assert face["confidence"] == max(face["probabilities"].values()) == face["probabilities"][face["emotion"]]
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=0.001)


def test_json_of_several_is_an_array(cli: Any, album: Path) -> None:
    assert [item["source"] for item in json.loads(cli("predict", album, "--format", "json").stdout)] == [
        str(album / name) for name in NAMES
    ]
    assert len(json.loads(cli("predict", album / "a.jpg", album / "d e.jpg", "--format", "json").stdout)) == 2


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_folders_are_walked_in_order_whatever_the_jobs(cli: Any, album: Path, jobs: str) -> None:
    done = cli("predict", album, "--format", "jsonl", "--jobs", jobs)
    assert done.returncode == 0
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["source"] for result in results] == [str(album / name) for name in NAMES]
    assert [result["fallback"] for result in results] == [False, False, True, False]


def test_csv_has_the_documented_columns(cli: Any, album: Path) -> None:
    text = cli("predict", album, "--format", "csv").stdout.decode()
    assert text.splitlines()[0] == HEADER
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["source"] for row in rows] == [str(album / name) for name in NAMES]
    assert [row["fallback"] for row in rows] == ["0", "0", "1", "0"]
    first = rows[0]
    assert [int(first[name]) for name in ("face", "x", "y", "w", "h")] == [1, 175, 71, 98, 98]
    assert max(EMOTIONS, key=lambda name: float(first[name])) == first["emotion"]
    assert first["error"] == ""


def test_no_face_is_done_and_said(cli: Any, album: Path) -> None:
    plain = album / "b" / "plain.png"
    done = cli("predict", plain, "--threshold", "0")
    assert done.returncode == 0
    assert done.stdout.decode().startswith(f"{plain}: no face found; the whole picture reads as ")
    (face,) = json.loads(cli("predict", plain, "--threshold", "0", "--format", "json").stdout)["faces"]
    assert face["confident"] is False


def test_no_fallback_gives_no_face(cli: Any, album: Path) -> None:
    plain = album / "b" / "plain.png"
    done = cli("predict", plain, "--no-fallback")
    assert (done.returncode, done.stdout.decode()) == (0, f"{plain}: no face found\n")
    result = json.loads(cli("predict", plain, "--no-fallback", "--format", "json").stdout)
    assert (result["faces"], result["fallback"], result["error"]) == ([], False, None)


def test_below_the_threshold_still_names_the_best_guess(cli: Any, make_model: Any, photo: Path) -> None:
    model = make_model(settings={"threshold": 0.0})
    plain = cli("predict", photo, "--model", model).stdout.decode()
    assert "confident" not in plain
    emotion = plain.split(": ")[1].split()[0]
    strict = cli("predict", photo, "--model", model, "--threshold", "1").stdout.decode()
    assert f"not confident, best guess {emotion} " in strict
    (face,) = json.loads(cli("predict", photo, "--model", model, "--threshold", "1", "--format", "json").stdout)[
        "faces"
    ]
    assert face["confident"] is False


def test_no_detect_reads_the_whole_picture(cli: Any, photo: Path, tmp_path: Path) -> None:
    crop = tmp_path / "crop.png"
    Image.open(photo).crop((178, 67, 270, 159)).save(crop)
    result = json.loads(cli("predict", crop, "--no-detect", "--format", "json").stdout)
    assert result["fallback"] is False
    assert [face["box"] for face in result["faces"]] == [[0, 0, 92, 92]]


def test_standard_input(cli: Any, photo: Path) -> None:
    result = json.loads(cli("predict", "-", "--format", "json", input=photo.read_bytes()).stdout)
    assert result["source"] == "-"
    assert len(result["faces"]) == 1
    bad = cli("predict", "-", input=b"")
    assert bad.returncode == 1
    assert bad.stderr == b"error: standard input is empty (0 bytes)\n"


def test_settings_from_the_environment(cli: Any, photo: Path, make_model: Any) -> None:
    env = {"EMOTION_EDGE_PREDICT_FORMAT": "json", "EMOTION_EDGE_MODEL": str(make_model(settings={"threshold": 1.0}))}
    assert json.loads(cli("predict", photo, env=env).stdout)["faces"][0]["confident"] is False


def test_output_replaces_a_file_and_keeps_its_mode(cli: Any, photo: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("old")
    output.chmod(0o640)
    (tmp_path / "link.csv").symlink_to(output)
    done = cli("predict", photo, "--format", "csv", "--output", tmp_path / "link.csv")
    assert (done.returncode, done.stdout) == (0, b"")
    assert (tmp_path / "link.csv").is_symlink()
    assert output.read_text().startswith(HEADER)
    assert output.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "out.csv"]


def test_devices_are_written_not_replaced(cli: Any, photo: Path) -> None:
    assert cli("predict", photo, "--output", "/dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()
    plain = cli("predict", photo, "--format", "csv")
    assert cli("predict", photo, "--format", "csv", "--output", "/dev/stdout").stdout == plain.stdout, "a pipe"


def test_annotated_pictures(cli: Any, album: Path, tmp_path: Path, photo: Path) -> None:
    marked = tmp_path / "marked"
    Image.new("RGB", (50, 50)).save(album / "z.gif")
    done = cli("predict", album, "--annotate", marked)
    assert done.returncode == 0
    assert f"annotated pictures: {marked}\n".encode() in done.stderr
    found = sorted(str(path.relative_to(marked)) for path in marked.rglob("*") if path.is_file())
    assert found == [*NAMES, "z.gif.png"]
    before, after = (np.asarray(Image.open(path)).astype(int) for path in (photo, marked / "a.jpg"))
    changed = (np.abs(before - after).max(axis=2) > 60).nonzero()
    assert changed[0].min() >= 30
    assert 170 <= changed[1].min() <= 180
    assert changed[0].max() <= 170


def test_annotated_names_of_several_places_do_not_collide(cli: Any, album: Path, tmp_path: Path) -> None:
    marked = tmp_path / "marked"
    cli("predict", album / "a.jpg", album / "a.jpg", album / "b", "--annotate", marked)
    found = sorted(str(path.relative_to(marked)) for path in marked.rglob("*") if path.is_file())
    assert found == ["a-2.jpg", "a.jpg", "b/deep/c.JPEG", "b/plain.png"]


def test_annotating_never_replaces_or_rereads(cli: Any, album: Path) -> None:
    before = (album / "a.jpg").read_bytes()
    done = cli("predict", album / "a.jpg", "--annotate", album)
    assert done.returncode == 2
    assert b"would overwrite the picture" in done.stderr
    assert (album / "a.jpg").read_bytes() == before
    for _ in range(2):
        done = cli("predict", album, "--annotate", album / "marked", "--format", "csv")
        assert done.returncode == 0
        assert len(done.stdout.splitlines()) == 1 + len(NAMES)


def test_wrong_usage_is_exit_2(cli: Any, photo: Path) -> None:
    for arguments in ([], [photo, "--format", "xml"], [photo, "--jobs", "0"], [photo, "--threshold", "2"]):
        done = cli("predict", *arguments)
        assert done.returncode == 2, arguments
        assert b"Traceback" not in done.stderr
    assert b"is a file; give a folder" in cli("predict", photo, "--annotate", photo).stderr
    assert b"Did you mean 'predict'?" in cli("predct", photo).stderr


def on_a_terminal(environment: dict[str, str], *words: str, results: bool = False) -> tuple[int, str]:
    """Exit code of `predict`, and what its terminal gets: standard error, and with ``results`` the results too."""
    terminal, inside = pty.openpty()
    command = [sys.executable, "-m", "edge", "predict", *words]
    out = inside if results else subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=out, stderr=inside)
    os.close(inside)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while block := os.read(terminal, 4096):
            shown += block
    os.close(terminal)
    return process.wait(60), shown.decode().replace("\r\n", "\n")


def test_a_terminal_gets_a_running_line_that_never_mixes_with_results(album: Path, environment: dict[str, str]) -> None:
    for number in range(40):  # the line is drawn ten times a second, and few pictures take less
        shutil.copy(album / "a.jpg", album / f"more-{number}.jpg")
    code, shown = on_a_terminal(environment, str(album), results=True)
    assert code == 0
    assert re.search(r"\d+ of 44 pictures, 0 unreadable, \d+:\d\d left", shown)
    for line in shown.splitlines():  # what a clearing leaves of each line
        left = line.rpartition("\x1b[K")[2]
        if ": " in left:
            assert left.startswith(str(album)), shown


@pytest.fixture
def mixed(album: Path) -> Path:
    """The album with what a camera's card holds beside pictures."""
    for name in ("film.mp4", "b/other.MOV", "x.heic", "README", ".hidden.mp4"):
        (album / name).write_bytes(b"\0\0\0\x18ftypisom")
    (album / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return album


def test_the_summary_names_all_there_is(cli: Any, mixed: Path) -> None:
    heic = importlib.util.find_spec("pillow_heif") is not None
    done = cli("predict", mixed, "--output", mixed / "r.jsonl")
    assert done.returncode == 1
    assert ".part" not in done.stderr.decode(), "what results grow in is no file of the user's"
    faces = [json.loads(line) for line in (mixed / "r.jsonl").read_text().splitlines()]
    emotions = [face["emotion"] for result in faces if not result["fallback"] for face in result["faces"]]
    lines = done.stderr.decode().splitlines()
    summary = next(line for line in lines if "pictures, " in line)
    assert summary.startswith(
        f"{5 + heic} pictures, 3 faces ({emotions[0]} 3), 1 without a face, {1 + heic} unreadable, "
    )
    for kind in ("1 .mp4", "1 .mov", "1 .txt", "1 without a suffix", *([] if heic else ["1 .heic"])):
        assert kind in summary.partition("skipped (")[2]
    assert "hidden" not in done.stderr.decode()
    assert "videos are followed with: emotion-edge stream --source FILE" in lines
    assert ("HEIC pictures are read after: pip install 'emotion-edge[heic]'" in lines) != heic


def test_without_the_extra_heic_is_skipped_with_its_remedy(cli: Any, mixed: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'pillow_heif' else find(name, *rest)\n"
    )
    path = os.pathsep.join([str(tmp_path / "none"), str(Path(__file__).parents[3])])
    done = cli("predict", mixed, env={"PYTHONPATH": path})
    assert "1 .heic" in done.stderr.decode()
    assert "HEIC pictures are read after: pip install 'emotion-edge[heic]'" in done.stderr.decode()


def test_a_video_is_pointed_to_the_stream(cli: Any, mixed: Path) -> None:
    done = cli("predict", mixed / "film.mp4")
    assert done.returncode == 1
    assert b"is a video, not a picture; follow its faces with: emotion-edge stream --source FILE" in done.stderr


@pytest.mark.data
@pytest.mark.slow
def test_all_photos_pass_and_memory_stays_flat(data_dir: Path, environment: dict[str, str], tmp_path: Path) -> None:
    photos = data_dir / "photos" / "images"
    names = sorted(path.name for path in photos.iterdir())
    some = tmp_path / "some"
    some.mkdir()
    for name in names[::2]:  # as hard to search as all of them, which takes more memory than their number
        (some / name).symlink_to(photos / name)
    peaks = {}
    for folder in (some, photos):
        output = tmp_path / f"{folder.name}.csv"
        command = ["predict", str(folder), "--format", "csv", "--jobs", "2", "--output", str(output)]
        code = (
            "import resource, subprocess, sys\n"
            "status = subprocess.run(sys.argv[1:]).returncode\n"
            "print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, sys.executable, "-m", "edge", *command],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        status, peak = done.stdout.split()
        assert status == "0"
        assert "0 unreadable" in done.stderr
        peaks[folder] = int(peak)
    rows = list(csv.DictReader((tmp_path / "images.csv").open(newline="")))
    assert [Path(name).name for name in dict.fromkeys(row["source"] for row in rows)] == names
    assert not any(row["error"] for row in rows)
    assert peaks[photos] < peaks[some] * 1.15, peaks

"""Whatever ends a run, its lines are whole: what a full disk, a limit or a kill cut is taken back."""

from __future__ import annotations

import csv
import io
import json
import resource
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edge.labels import EMOTIONS
from edge.sinks.formats import COLUMNS, FRAME_COLUMNS
from edge.sinks.lines import LineFile, LineSink
from edge.types import Box, Face, FrameResult

FACE = Face(Box(1, 2, 30, 40), "Happy", 0.6, True, dict.fromkeys(EMOTIONS, 0.2), track=3)
FRAME = FrameResult("cam", 64, 48, (FACE,), frame=7, time_s=1.5)


@pytest.fixture
def pictures(tmp_path: Path, photo: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(8):
        shutil.copy(photo, folder / f"{number}.jpg")
    return folder


def limited(size: int) -> Any:
    """No file may become larger; a write over it is done in part, and the next one fails."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def whole(text: str, form: str) -> int:
    """How many results there are; each must be whole."""
    assert text.endswith("\n")
    if form == "jsonl":
        return len([json.loads(line)["faces"] for line in text.splitlines()])
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] in (list(COLUMNS), list(FRAME_COLUMNS))
    assert {len(row) for row in rows} == {len(rows[0])}
    return len(rows) - 1


SIZES = [("jsonl", 1000), ("jsonl", 1111), ("csv", 400), ("csv", 411)]


@pytest.mark.parametrize(("form", "size"), SIZES)
def test_predict_keeps_whole_lines_in_a_file_that_fills_up(
    cli: Any, pictures: Path, tmp_path: Path, form: str, size: int
) -> None:
    output = tmp_path / f"out.{form}"
    done = cli("predict", pictures, "--output", output, preexec_fn=limited(size))
    assert done.returncode == 1
    assert b"File too large" in done.stderr
    part = tmp_path / f"out.{form}.part"
    assert 1 <= whole(part.read_text(), form) < 8
    again = cli("predict", pictures, "--output", output, "--resume")
    assert again.returncode == 0
    assert whole(output.read_text(), form) == 8


@pytest.mark.parametrize(("form", "size"), SIZES)
@pytest.mark.parametrize("verb", ["predict", "stream"])
def test_standard_output_that_fills_up(
    cli: Any, pictures: Path, tmp_path: Path, verb: str, form: str, size: int
) -> None:
    output = tmp_path / "out"
    words = ["predict", pictures] if verb == "predict" else ["stream", "--source", pictures]
    with output.open("wb") as file:
        done = cli(*words, "--format", form, stdout=file, stderr=subprocess.PIPE, preexec_fn=limited(size))
    assert done.returncode == 1
    assert whole(output.read_text(), form) >= 1


@pytest.mark.parametrize(("form", "size"), SIZES)
def test_stream_keeps_whole_lines_and_goes_on_behind_them(
    cli: Any, pictures: Path, tmp_path: Path, form: str, size: int
) -> None:
    output = tmp_path / f"out.{form}"
    words = ["stream", "--source", pictures, "--output", output]
    done = cli(*words, preexec_fn=limited(size))
    assert done.returncode == 1
    assert b"results could not be written" in done.stderr
    first = whole(output.read_text(), form)
    assert first >= 1
    assert cli(*words).returncode == 0
    assert whole(output.read_text(), form) > first


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize("torn", [b'{"schema": 1, "sou', b"cam,7,1.5,ok,3,1", b"x" * 200_000])
def test_what_a_kill_has_left_is_cut(tmp_path: Path, form: Any, torn: bytes, caplog: Any) -> None:
    path = tmp_path / "out"
    for _ in range(2):
        sink = LineSink(path, form)
        sink.write(None, FRAME)
        sink.close()
        with path.open("ab") as file:
            file.write(torn)
    LineSink(path, form).close()
    assert whole(path.read_text(), form) == 2
    assert f"ended in half a line, which was cut: {len(torn)} bytes" in caplog.text


def test_a_header_that_found_no_room_comes_before_the_first_row(tmp_path: Path, monkeypatch: Any) -> None:
    room = 0
    write = LineFile.write

    def full(file: LineFile, data: bytes) -> int:
        if not room:
            raise OSError(28, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(LineFile, "write", full)
    sink = LineSink(tmp_path / "out", "csv")
    sink.write(None, FRAME)
    room = 1
    sink.write(None, FRAME)
    sink.close()
    assert whole((tmp_path / "out").read_text(), "csv") == 1
    assert sink.failed


def test_rows_of_frames_hold_what_json_holds(tmp_path: Path) -> None:
    for form in ("jsonl", "csv"):
        sink = LineSink(tmp_path / form, form)  # type: ignore[arg-type]
        sink.write(None, FRAME)
        sink.write(None, FrameResult("cam", 64, 48, frame=8, time_s=1.6, state="dark"))
        sink.close()
    lines = [json.loads(line) for line in (tmp_path / "jsonl").read_text().splitlines()]
    assert lines[0] == FRAME.to_dict()
    (row,) = csv.DictReader(io.StringIO((tmp_path / "csv").read_text(), newline=""))
    wanted = {"source": "cam", "frame": "7", "time_s": "1.5", "state": "ok", "track": "3", "w": "30", "confident": "1"}
    assert wanted.items() <= row.items()
    assert {float(row[name]) for name in EMOTIONS} == {0.2}

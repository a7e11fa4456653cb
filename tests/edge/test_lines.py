"""Whatever ends a run, its lines are whole: what a full disk, a limit or a kill cut is taken back."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import select
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from edge.errors import OutputError
from edge.labels import EMOTIONS
from edge.sinks.formats import COLUMNS, FRAME_COLUMNS
from edge.sinks.lines import LineFile, LineSink, cut_half_line
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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b"torn", b""),
        (b"\n", b"\n"),
        (b"\ntorn", b"\n"),
        (b"one\ntwo\n", b"one\ntwo\n"),
        (b"one\n" + b"x" * 65536, b"one\n"),
        (b"one\n" + b"x" * 65535, b"one\n"),
        (b"x" * 70_000 + b"\ntorn", b"x" * 70_000 + b"\n"),
    ],
)
def test_half_a_line_is_cut_wherever_it_begins(tmp_path: Path, before: bytes, after: bytes, caplog: Any) -> None:
    path = tmp_path / "out"
    cut_half_line(path)
    assert not path.exists()
    path.write_bytes(before)
    cut_half_line(path)
    assert path.read_bytes() == after
    assert (f"cut: {len(before) - len(after)} bytes" in caplog.text) == (before != after)


@pytest.mark.parametrize("room", [4, 5, 9, 14])
def test_a_line_of_which_a_part_finds_room_is_taken_back(tmp_path: Path, room: int) -> None:
    (tmp_path / "out").write_bytes(b"one\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with LineFile(tmp_path / "out", "ab") as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                file.write(b"two, three\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert file.write(b"four\n") == 5
    assert (tmp_path / "out").read_bytes() == b"one\nfour\n"


def test_a_pipe_that_does_not_wait_is_waited_for_and_gets_everything(monkeypatch: Any) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    data, read = os.urandom(300_000), bytearray()
    monkeypatch.setattr("edge.sinks.lines.select", waits := Mock(wraps=select))

    def drain() -> None:
        while some := os.read(reader, 4096):
            read.extend(some)

    thread = threading.Thread(target=drain)
    with LineFile(writer, "wb") as file:
        assert file.write(b"line\n") == 5
        assert not waits.select.called
        thread.start()
        assert file.write(data) == len(data)
    thread.join()
    os.close(reader)
    assert waits.select.called
    assert read == b"line\n" + data


def test_what_was_lost_is_said_once_and_counted(tmp_path: Path, monkeypatch: Any, caplog: Any) -> None:
    room, write = iter((True, False, False, True, True, False, True)), LineFile.write

    def sometimes(file: LineFile, data: bytes) -> int:
        if not next(room):
            raise OSError(28, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(LineFile, "write", sometimes)
    sink = LineSink(tmp_path / "out")
    for _ in range(7):
        assert sink.failed == (caplog.text != "")
        sink.write(None, FRAME)
    sink.close()
    assert caplog.text.count("No space left on device; results are dropped") == 2
    assert caplog.text.count("can be written again") == 2
    assert "3 results could not be written to" in caplog.text
    assert whole((tmp_path / "out").read_text(), "jsonl") == 4


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_standard_output_is_written_and_stays_open(tmp_path: Path, monkeypatch: Any, caplog: Any, form: Any) -> None:
    with (tmp_path / "out").open("wb") as file:
        monkeypatch.setattr("sys.stdout", file)
        sink = LineSink(form=form)
        sink.write(None, FRAME)
        sink.reopen()
        sink.write(None, FRAME)
        monkeypatch.setattr(LineFile, "write", full := Mock(side_effect=OSError(28, "No space left on device")))
        sink.write(None, FRAME)
        sink.close()
        os.fstat(file.fileno())
    assert whole((tmp_path / "out").read_text(), form) == 2
    assert full.called
    assert "1 results could not be written to standard output" in caplog.text
    assert "cannot write standard output: No space left on device" in caplog.text


def test_nobody_who_reads_is_no_loss(tmp_path: Path, monkeypatch: Any, caplog: Any) -> None:
    def gone(file: LineFile, data: bytes) -> int:
        raise BrokenPipeError

    sink = LineSink(tmp_path / "out")
    monkeypatch.setattr(LineFile, "write", gone)
    with pytest.raises(BrokenPipeError):
        sink.write(None, FRAME)
    sink.close()
    assert not sink.failed
    assert caplog.text == ""


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_file_that_was_moved_away_is_let_go(tmp_path: Path, form: Any) -> None:
    sink = LineSink(tmp_path / "out", form)
    sink.write(None, FRAME)
    (tmp_path / "out").rename(tmp_path / "old")
    sink.reopen()
    sink.write(None, FRAME)
    sink.reopen()
    sink.write(None, FRAME)
    sink.close()
    assert whole((tmp_path / "old").read_text(), form) == 1
    assert whole((tmp_path / "out").read_text(), form) == 2


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Is a directory; give a place that can be written"):
        LineSink(tmp_path)


SIZES = [("jsonl", 1000), ("jsonl", 1111), ("csv", 400), ("csv", 411)]


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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

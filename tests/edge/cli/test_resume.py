"""A folder's results survive the end of their run, and the next run goes on with them."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


@pytest.fixture
def many(tmp_path: Path, photo: Path) -> Path:
    """Forty pictures, one of which cannot be read."""
    folder = tmp_path / "many"
    folder.mkdir()
    head = Image.open(photo).crop((130, 20, 330, 220))
    for number in range(40):
        head.save(folder / f"{number:02}.jpg")
    (folder / "00.jpg").write_bytes(b"torn")
    return folder


def sources(path: Path) -> list[str]:
    if path.suffix == ".csv" or path.name.endswith(".csv.part"):
        return [row["source"] for row in csv.DictReader(io.StringIO(path.read_text(), newline=""))]
    return [json.loads(line)["source"] for line in path.read_text().splitlines()]


def kill_midway(environment: dict[str, str], many: Path, output: Path) -> None:
    """Let a run write some results, then kill it with nothing it could do about it."""
    part = output.with_name(output.name + ".part")
    command = [sys.executable, "-m", "edge", "predict", str(many), "--output", str(output)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not part.exists() or part.read_bytes().count(b"\n") < 5:
        assert process.poll() is None and time.monotonic() < deadline
    process.kill()
    process.wait()


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_killed_run_goes_on(cli: Any, environment: dict[str, str], many: Path, tmp_path: Path, form: str) -> None:
    output, part = tmp_path / f"out.{form}", tmp_path / f"out.{form}.part"
    kill_midway(environment, many, output)
    assert not output.exists()
    before = sources(part)
    again = cli("predict", many, "--output", output)
    assert again.returncode == 2
    assert (
        f"{part} holds the results of a run that was interrupted: add --resume, or delete it" in again.stderr.decode()
    )
    with part.open("a") as file:  # a line torn by the end of power
        file.write('{"schema": 1, "sou' if form == "jsonl" else f"{many}/39.jpg,1,2")
    done = cli("predict", many, "--output", output, "--resume")
    assert done.returncode == 1, "one picture cannot be read, whichever run found out"
    assert "that were there already" in done.stderr.decode()
    assert int(done.stderr.split()[0]) <= 40 - len(before) + 1, "what is there is not read again"
    assert sources(output) == [str(many / f"{number:02}.jpg") for number in range(40)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many", output.name]
    whole = cli("predict", many, "--format", form).stdout.decode()
    if form == "csv":
        assert output.read_bytes().decode() == whole


def test_an_interrupted_run_goes_on_and_a_new_picture_is_added(
    cli: Any, environment: dict[str, str], many: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "edge", "predict", str(many), "--output", str(output)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    part = tmp_path / "out.jsonl.part"
    while not part.exists() or part.read_bytes().count(b"\n") < 3:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert len(sources(output)) < 40
    (many / "05b.jpg").write_bytes((many / "05.jpg").read_bytes())
    assert cli("predict", many, "--output", output, "--resume").returncode == 1
    assert sorted(sources(output)) == sorted(str(path) for path in many.iterdir())
    assert len(set(sources(output))) == 41


def test_what_cannot_be_resumed_is_refused(cli: Any, many: Path, tmp_path: Path) -> None:
    for words in (
        ["--resume"],
        ["--resume", "--output", tmp_path / "x.json"],
        ["--resume", "--output", tmp_path / "x"],
    ):
        done = cli("predict", many, *words)
        assert done.returncode == 2
        assert b"--resume needs an --output in jsonl or csv" in done.stderr
    (tmp_path / "notes.jsonl").write_text("my notes\n")
    done = cli("predict", many, "--output", tmp_path / "notes.jsonl", "--resume")
    assert done.returncode == 1
    assert b"holds no results in jsonl" in done.stderr
    assert (tmp_path / "notes.jsonl").read_text() == "my notes\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many", "notes.jsonl"]

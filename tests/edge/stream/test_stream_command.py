"""`emotion-edge stream` as a process: signals, pipes, files, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

Cli = Callable[..., subprocess.CompletedProcess[bytes]]
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """Start `emotion-edge stream ARGS` and go on; it is killed at the end if it still runs."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "edge", "stream", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def lines_until(file: IO[bytes], wanted: Callable[[dict[str, object]], bool]) -> list[dict[str, object]]:
    """Read lines up to the first that is wanted."""
    lines = []
    for line in file:
        lines.append(json.loads(line))
        if wanted(lines[-1]):
            return lines
    raise AssertionError(f"it ended after {len(lines)} lines")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_finishes_the_line(start: Start, number: signal.Signals, status: int):
    process = start("--source", "synthetic:2")
    lines_until(process.stdout, lambda one: len(one["faces"]) == 2)
    process.send_signal(number)
    rest, errors = process.communicate(timeout=30)
    assert process.returncode == status, errors.decode()
    assert rest.endswith(b"\n")
    last = [json.loads(line) for line in rest.splitlines()][-1]
    assert last["state"] == "ended"
    assert [event["event"] for event in last["events"]] == ["end", "end"]
    assert b"Traceback" not in errors


def test_a_reader_that_goes_away_ends_it_quietly(start: Start):
    process = start("--source", "synthetic")
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(30) == 0
    assert b"Traceback" not in errors
    assert b"BrokenPipe" not in errors


def test_a_reader_that_stalls_neither_stalls_the_loop_nor_the_end(start: Start, tmp_path: Path):
    process = start("--source", "synthetic", "--fps", "200", "--events", str(tmp_path / "log.db"))
    process.stdout.readline()  # and no more: the pipe fills up
    read_until(process.stderr, "results dropped")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def read_until(file: IO[bytes], words: str) -> None:
    for line in file:
        if words in line.decode():
            return
    raise AssertionError(f"{words!r} did not come")


def test_sighup_lets_a_rotated_file_go(start: Start, tmp_path: Path):
    output, rotated = tmp_path / "out.jsonl", tmp_path / "out.jsonl.1"
    process = start("--source", "synthetic", "--output", str(output), "--fps", "50")
    wait_for(lambda: output.is_file() and output.stat().st_size > 3000, process)
    output.rename(rotated)
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: output.is_file() and output.stat().st_size > 3000, process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    first, second = ([json.loads(line) for line in path.read_text().splitlines()] for path in (rotated, output))
    assert second[0]["frame"] > first[-1]["frame"]
    assert process.returncode == 0


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes], timeout_s: float = 60.0) -> None:
    """Wait until something outside is so, while a process lives."""
    import time

    deadline = time.monotonic() + timeout_s
    while not condition():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_full_disk_costs_lines_one_warning_and_the_exit_code(cli: Cli):
    done = cli("stream", "--source", "synthetic", "--duration", "1", "--output", "/dev/full")
    assert done.returncode == 1
    errors = done.stderr.decode()
    assert errors.count("No space left on device") == 1
    assert "results could not be written" in errors
    assert "Traceback" not in errors


def test_a_lost_camera_is_a_failure_for_the_supervisor(cli: Cli):
    done = cli("stream", "--source", "/dev/video99", "--fail-fast")
    assert done.returncode == 1
    assert json.loads(done.stdout)["state"] == "lost"
    assert done.stderr.decode().splitlines() == [
        "error: no camera at /dev/video99; plug it in or give another --source"
    ]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--source", "picamera:0"), 1, "apt install python3-picamera2"),
        (("--source", "nowhere.mp4"), 1, "no such source"),
        (
            ("--source", "examples/astronaut.jpg"),
            1,
            "a picture, not a video; read its faces with: emotion-edge predict",
        ),
        (("--source", "synthetic", "--size", "big"), 2, "640x480"),
        (("--source", "synthetic", "--detect-every", "0"), 2, "from 1"),
        (("--source", "synthetic", "--threshold", "2"), 2, "threshold"),
        (("--source", "synthetic", "--output", "/nowhere/out.jsonl"), 1, "/nowhere/out.jsonl"),
        (("--source", "synthetic", "--video", "out.txt"), 1, ".mp4"),
        (("--source", "synthetic", "--events", "/nowhere/log.db"), 1, "/nowhere/log.db"),
        (("--source", "synthetic", "--mqtt", "http://host"), 1, "mqtt://"),
        (("--source", "synthetic", "--model", "/nowhere/model.tflite"), 1, "model"),
        (("--source", "-", "--stdin-format", "rgb24"), 1, "--size"),
        (("--source", "-"), 1, "ended without a frame"),
    ],
)
def test_wrong_settings_are_one_clear_line(cli: Cli, words: tuple[str, ...], code: int, message: str):
    done = cli("stream", *words, stdin=subprocess.DEVNULL)
    assert done.returncode == code
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_help_names_every_option_and_loads_nothing_heavy(cli: Cli, environment: dict[str, str]):
    done = cli("stream", "--help")
    assert done.returncode == 0
    assert all(word in done.stdout.decode() for word in ("--source", "--realtime", "--events", "--mqtt", "--fail-fast"))
    code = "import sys, edge.cli.stream; print([m for m in ('cv2', 'numpy', 'paho', 'sqlite3') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_options_come_from_the_environment_too(cli: Cli):
    done = cli("stream", "--duration", "0.5", env={"EMOTION_EDGE_STREAM_SOURCE": "synthetic"})
    assert done.returncode == 0, done.stderr.decode()


def test_the_process_leaves_no_descriptor_open_across_reconnects(start: Start):
    process = start("--source", "synthetic", "--fps", "50")
    counts = []
    for _ in range(2):
        lines_until(process.stdout, lambda one: bool(one["faces"]))
        counts.append(len(os.listdir(f"/proc/{process.pid}/fd")))  # noqa: PTH208
    assert counts[0] == counts[1]

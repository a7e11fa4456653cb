"""Ctrl-C at any moment: exit 130, one word, no traceback; also while libraries are being loaded."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

VERBS = {
    "predict": ["predict", "-", "-"],
    "stream": ["stream", "--source", "-"],
    "kiosk": ["kiosk", "--source", "none", "--port", "0"],
    "benchmark": ["benchmark"],
    "info": ["info"],
}


def interrupted(environment: dict[str, str], words: list[str], library: str) -> tuple[int, str]:
    """Exit code and standard error of a command that gets Ctrl-C when it has a library's file open or mapped."""
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "edge", *words]
    process = subprocess.Popen(
        command, env=environment, stdin=reader, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    os.close(reader)
    maps = Path(f"/proc/{process.pid}/maps")
    deadline = time.monotonic() + 60
    with contextlib.suppress(OSError):
        while library not in maps.read_text() and process.poll() is None:
            assert time.monotonic() < deadline
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    os.close(writer)
    return process.returncode, errors.decode()


@pytest.mark.parametrize("library", ["_multiarray_umath", "cv2"])
@pytest.mark.parametrize("verb", ["predict", "stream", "benchmark", "info"])
def test_while_libraries_are_loaded(environment: dict[str, str], verb: str, library: str) -> None:
    assert interrupted(environment, VERBS[verb], library) == (130, "interrupted\n")


def test_while_the_kiosk_starts(environment: dict[str, str]) -> None:
    assert interrupted(environment, VERBS["kiosk"], "_multiarray_umath") == (130, "interrupted\n")


def test_while_the_doctor_examines(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "edge", "doctor"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline().startswith(b"ok    Python")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, b"interrupted\n")


def in_the_background(environment: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
    """A command with SIGINT ignored, as a shell's `&` starts it."""
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-m", "edge", *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_where_a_parent_ignores_it_so_do_we(environment: dict[str, str], photo: Path) -> None:
    process = in_the_background(environment, "predict", str(photo), str(photo))
    ignores, interrupt = Path(f"/proc/{process.pid}/status"), 1 << (signal.SIGINT - 1)
    while not int(ignores.read_text().partition("SigIgn:")[2].split()[0], 16) & interrupt:
        assert process.poll() is None
    while process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [(["stream", "--source", "synthetic"], "stdout"), (["kiosk", "--source", "none", "--port", "0"], "stderr")],
)
def test_what_goes_on_for_ever_ignores_it_too(environment: dict[str, str], words: list[str], says: str) -> None:
    process = in_the_background(environment, *words)
    assert getattr(process, says).readline(), "it runs"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode in (0, -signal.SIGTERM)
    assert b"interrupted" not in errors

"""What the installed command does to be quick must not change what it does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
RUN = "import sys; sys.argv[0] = 'emotion-edge'; from edge.cli import run; run()"


def command(*words: str | Path, out: int | object = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, *map(str, words)],
        stdout=out,  # type: ignore[arg-type]
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


def test_all_output_arrives_before_the_quick_end(photo: Path) -> None:
    done = command("predict", *[photo] * 40, "--format", "jsonl", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 40
    assert done.stdout.endswith("}\n")


def test_an_error_keeps_its_status_and_its_line(tmp_path: Path) -> None:
    done = command("predict", tmp_path / "absent.jpg")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "absent.jpg" in done.stderr
    assert command("predict", "--no-such-option").returncode == 2


def test_debug_may_stand_before_and_behind_the_verb(tmp_path: Path) -> None:
    words = ["report", tmp_path / "absent.db"]
    for asked in (["--debug", *words], [*words, "--debug"]):
        done = command(*asked)
        assert (done.returncode, "Traceback" in done.stderr) == (1, True), done.stderr
    assert "Traceback" not in command(*words).stderr
    assert command("report", "--", "--debug").stderr.startswith("error: cannot read --debug: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_a_failure(photo: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = command("predict", photo, out=full)
    assert done.returncode == 1
    assert "No space left" in done.stderr


def test_what_numpy_loads_later_works_when_it_is_used() -> None:
    code = """
import sys
from edge.cli._quick import UNUSED, start_quickly
start_quickly()
import numpy
from numpy.random import default_rng
assert default_rng(1).random() < 1
assert numpy.fft.fft([1, 0])[1] == 1
assert numpy.ma.masked_array([1, 2], [0, 1]).sum() == 1
assert numpy.polynomial.Polynomial([1, 2])(1) == 3
assert numpy.ctypeslib.as_array is not None
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_quick_end_loses_nothing_that_was_written_to_a_pipe() -> None:
    code = "import sys; from edge.cli._quick import leave_quickly; sys.stdout.write('kept'); leave_quickly(3)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=BUFFERED)
    assert (done.returncode, done.stdout) == (3, "kept")


def test_long_work_collects_garbage_as_python_does() -> None:
    code = """
import gc
usual = gc.get_threshold()
from edge.cli._quick import keep_tidy, start_quickly
start_quickly()
assert gc.get_threshold() != usual
keep_tidy()
assert gc.get_threshold() == usual and gc.get_freeze_count() > 0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

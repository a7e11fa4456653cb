"""Conversions run in processes of their own: TensorFlow and tflite-runtime must not meet in one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from once import made_once

from convert.runtimes import MEDIAPIPE, RUNTIMES

ROOT = Path(__file__).resolve().parents[2]
PYTHON = [sys.executable, "-W", "ignore"]


Run = Callable[..., subprocess.CompletedProcess[str]]


def command(*arguments: object) -> list[str]:
    return [*PYTHON, "-m", "convert", *map(str, arguments)]


def run(*arguments: object, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    whole = [*before, *command(*arguments)]
    return subprocess.run(whole, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="session")
def convert() -> Run:
    """Runs ``python -m convert`` to its end."""
    return run


# Runs the command for each line of arguments; what the first one loads serves the others.
SERVER = """
import contextlib, io, json, sys
from convert.__main__ import main
for line in sys.stdin:
    sys.argv = ["convert", *json.loads(line)]
    printed, errors, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    sys.stdout.write(json.dumps([code, printed.getvalue(), errors.getvalue()]) + "\\n")
    sys.stdout.flush()
"""


@pytest.fixture(scope="session")
def convert_again() -> Iterator[Run]:
    """As `convert`, but all runs share a process, and TensorFlow is loaded once."""
    quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*PYTHON, "-c", SERVER], cwd=ROOT, text=True, **quiet) as server:

        def ask(*arguments: object) -> subprocess.CompletedProcess[str]:
            server.stdin.write(json.dumps([str(one) for one in arguments]) + "\n")
            server.stdin.flush()
            return subprocess.CompletedProcess(arguments, *json.loads(server.stdout.readline()))

        yield ask
        server.stdin.close()


@pytest.fixture(scope="session")
def convert_command() -> Callable[..., list[str]]:
    """The command line of ``python -m convert``."""
    return command


@dataclass(frozen=True)
class Workshop:
    """A folder with ``faces/`` (a folder per class), ``tiny.keras``, ``seven.keras``, ``no-softmax.keras``,
    ``meter.keras``, whose answer is the brightness, and ``fragile.keras``, which int8 spoils."""

    folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "tiny.keras"

    @property
    def data(self) -> Path:
        return self.folder / "faces"


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    def make(folder: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        made = [*PYTHON, str(Path(__file__).with_name("tiny.py")), str(folder)]
        subprocess.run(made, env=environment, check=True, capture_output=True, timeout=300)

    return Workshop(made_once(tmp_path_factory, "workshop", make))


@pytest.fixture(scope="session")
def runtimes() -> None:
    """Both runtimes' environments; the tests never reach for the network to make them."""
    missing = [runtime.name for runtime in RUNTIMES if not runtime.ready]
    if missing:
        pytest.skip(f"no environment {', '.join(missing)} to run models in; `make runtimes` makes them")


@pytest.fixture(scope="session")
def mediapipe_python() -> Path:
    if not MEDIAPIPE.ready:
        pytest.skip("no environment with MediaPipe; `make runtimes` makes it")
    return MEDIAPIPE.python


@pytest.fixture(scope="session")
def converted(
    runtimes: None, workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder and the outcome of one conversion to every format."""

    def make(folder: Path) -> None:
        done = run(
            workshop.model, "--data", workshop.data, "--format", "all", "--output", folder / "emotion.tflite",
            "--samples", 60, "--crop-margin", 0.05, "--threshold", 0.4, "--model-version", "9.8.7", "--licence", "MIT",
            "--training-data", "stripes and discs",
        )  # fmt: skip
        folder.with_suffix(".json").write_text(json.dumps([done.returncode, done.stdout, done.stderr]))

    folder = made_once(tmp_path_factory, "converted", make)
    code, printed, errors = json.loads(folder.with_suffix(".json").read_text())
    return folder, subprocess.CompletedProcess([], code, printed, errors)

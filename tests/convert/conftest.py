"""Conversions run in processes of their own: TensorFlow and tflite-runtime must not meet in one."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

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
    folder = tmp_path_factory.mktemp("workshop")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    made = [*PYTHON, str(Path(__file__).with_name("tiny.py")), str(folder)]
    subprocess.run(made, env=environment, check=True, capture_output=True, timeout=300)
    return Workshop(folder)


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
    folder = tmp_path_factory.mktemp("converted")
    done = run(
        workshop.model, "--data", workshop.data, "--format", "all", "--output", folder / "emotion.tflite",
        "--samples", 60, "--crop-margin", 0.05, "--threshold", 0.4, "--model-version", "9.8.7", "--licence", "MIT",
        "--training-data", "stripes and discs",
    )  # fmt: skip
    return folder, done

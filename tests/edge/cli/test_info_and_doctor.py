"""`info` tells what is in use; `doctor` names what is wrong and the remedy, and never dies of it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge import __version__
from edge.labels import EMOTIONS


def test_info_describes_model_runtime_and_versions(cli: Any, root: Path) -> None:
    facts = json.loads(cli("info", "--format", "json").stdout)
    model = root / "models" / "emotion.tflite"
    assert facts["model"]["path"] == str(model)
    assert facts["model"]["size_bytes"] == model.stat().st_size
    assert facts["model"]["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert facts["model"]["labels"] == list(EMOTIONS)
    assert facts["model"]["input"].startswith("uint8 1x")
    assert facts["runtime"]["threads"] >= 1
    assert facts["versions"]["emotion-edge"] == __version__
    text = cli("info").stdout.decode()
    for value in ("sha256", facts["model"]["sha256"], "Angry, Happy", facts["runtime"]["version"]):
        assert value in text
    assert "{" not in text, "what is nested has lines of its own"


@pytest.mark.parametrize("runtime", ["ai_edge_litert", "tflite_runtime"])
def test_info_names_the_runtime_it_got(cli: Any, runtime: str) -> None:
    pytest.importorskip(runtime)
    facts = json.loads(cli("info", "--format", "json", "--threads", "2", env={"EMOTION_EDGE_RUNTIME": runtime}).stdout)
    assert facts["runtime"]["name"] == runtime
    assert facts["runtime"]["version"][0].isdigit()
    assert facts["runtime"]["delegate"] in ("XNNPACK", "none")
    assert facts["runtime"]["threads"] == 2


def states(done: subprocess.CompletedProcess[bytes]) -> dict[str, str]:
    """Text to state of every line; also checks the exit code and that stderr stayed empty."""
    lines = [line.split(maxsplit=1) for line in done.stdout.decode().splitlines()]
    assert done.stderr == b""
    found = {text: state for state, text in lines}
    assert done.returncode == ("FAIL" in found.values())
    return found


def failure(done: subprocess.CompletedProcess[bytes], name: str) -> str:
    """The failed line of one check."""
    (line,) = [text for text, state in states(done).items() if state == "FAIL" and text.startswith(f"{name}: ")]
    return line


def test_a_healthy_place(cli: Any) -> None:
    found = states(cli("doctor"))
    assert "FAIL" not in found.values()
    for name in (
        "Python",
        "numpy",
        "Pillow",
        "OpenCV",
        "face cascade",
        "model",
        "extra kiosk",
        "extra heic",
        "extra bulk",
        "camera",
    ):
        assert any(text.startswith(name) for text in found), name


def test_a_model_that_is_not_there(cli: Any, tmp_path: Path) -> None:
    assert "--model" in failure(cli("doctor", "--model", tmp_path / "no.tflite"), "model")


@pytest.fixture
def pretend(cli: Any, root: Path, tmp_path: Path) -> Any:
    """Run doctor where a module of that name is what is given here."""

    def run(module: str, content: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
        (tmp_path / f"{module}.py").write_text(content)
        return cli("doctor", env={"PYTHONPATH": f"{tmp_path}:{root}", **variables})

    return run


def test_missing_modules(pretend: Any) -> None:
    absent = "raise ImportError(f'No module named {__name__!r}')"
    line = failure(pretend("cv2", absent), "OpenCV")
    assert "OpenCV cannot be imported (No module named 'cv2')" in line
    assert "pip install 'opencv-python-headless>=4.8,<5'" in line


def test_no_interpreter(pretend: Any, tmp_path: Path) -> None:
    for name in ("ai_edge_litert", "tflite_runtime", "tensorflow"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')")
    done = pretend("unused", "")
    assert "no TFLite interpreter" in failure(done, "interpreter")
    assert "pip install" in failure(done, "interpreter")
    assert "no TFLite interpreter" in failure(done, "model")


def test_opencv_5_without_cascades(pretend: Any) -> None:
    line = failure(pretend("cv2", "__version__ = '5.0.0'\nclass error(Exception): pass"), "face cascade")
    assert "OpenCV 5.0.0 has no CascadeClassifier" in line
    assert "pip install 'opencv-python-headless>=4.8,<5'" in line


def test_numpy_2_beside_tflite_runtime(pretend: Any) -> None:
    pytest.importorskip("tflite_runtime")
    # sitecustomize runs at the start of every process: it stands in for a numpy 2 that was really installed.
    newer = "import numpy\nnumpy.__version__ = '2.1.0'"
    done = pretend("sitecustomize", newer, EMOTION_EDGE_RUNTIME="tflite_runtime")
    line = failure(done, "interpreter")
    assert "needs numpy 1, found numpy 2.1.0" in line
    assert "pip install 'numpy<2'" in line


def test_a_library_that_kills_its_process(pretend: Any) -> None:
    killed = "import os, signal\nos.kill(os.getpid(), signal.SIGILL)"
    line = failure(pretend("cv2", killed), "OpenCV")
    assert "its process was ended by SIGILL; pip install --force-reinstall" in line


def test_a_library_that_raises_anything(pretend: Any) -> None:
    line = failure(pretend("PIL", "raise AttributeError('_ARRAY_API not found')"), "Pillow")
    assert line.endswith("AttributeError: _ARRAY_API not found; pip install --force-reinstall pillow")


def test_unknown_runtime(cli: Any) -> None:
    line = failure(cli("doctor", env={"EMOTION_EDGE_RUNTIME": "onnx"}), "interpreter")
    assert "wanted one of ai_edge_litert, tflite_runtime, tensorflow" in line


@pytest.mark.parametrize("missing", ["cv2", "numpy", "PIL", "tflite_runtime"])
def test_predict_says_one_line_when_a_library_is_missing(
    cli: Any, root: Path, photo: Path, tmp_path: Path, missing: str
) -> None:
    (tmp_path / f"{missing}.py").write_text("raise ImportError('it is not here')")
    env = {"PYTHONPATH": f"{tmp_path}:{root}", "EMOTION_EDGE_RUNTIME": "tflite_runtime"}
    done = cli("predict", photo, env=env)
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: ")
    assert b"it is not here" in done.stderr
    assert done.stderr.count(b"\n") == 1
    debug = subprocess.run(
        [sys.executable, "-m", "edge", "--debug", "predict", photo], env=env, capture_output=True, check=False
    )
    assert b"Traceback" in debug.stderr

"""The wheel holds the package and the default model, and works alone in an empty environment."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as for a release, from the sdist, but without the network: hatchling is in the development environment."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, root]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_holds_the_package_and_its_two_networks_only(wheel: Path, root: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.read("edge/models/emotion.tflite") == (root / "models" / "emotion.tflite").read_bytes()
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        about = archive.read(metadata).decode()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"edge", "emotion_edge"}
    assert "edge/py.typed" in names
    assert "emotion_edge/__init__.py" in names
    assert not [name for name in names if "__pycache__" in name]
    networks = {name for name in names if name.endswith((".tflite", ".keras", ".onnx"))}
    assert networks == {"edge/models/emotion.tflite", "edge/detectors/closer.tflite"}
    assert "tensorflow" not in "".join(
        line for line in about.splitlines() if "extra ==" not in line and "Requires" in line
    )


def test_predicts_alone_in_an_empty_environment(wheel: Path, photo: Path, tmp_path: Path) -> None:
    """Only the dependencies are lent, by links, so that the test needs no network."""
    place = tmp_path / "venv"
    venv.create(place, with_pip=False, symlinks=True)
    python = place / "bin" / "python"
    (packages,) = place.glob("lib/python*/site-packages")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)
    (runtime,) = [name for name in ("tflite_runtime", "ai_edge_litert") if _has(name)][:1]
    for name in ("click", "numpy", "cv2", "PIL", runtime):
        found = _has(name)
        assert found, name
        (packages / name).symlink_to(found)
        for libraries in found.parent.glob(f"{'pillow' if name == 'PIL' else name}*.libs"):
            (packages / libraries.name).symlink_to(libraries)
    for libraries in _has("cv2").parent.glob("opencv_python*.libs"):
        (packages / libraries.name).symlink_to(libraries)

    shutil.copy(photo, tmp_path / "photo.jpg")
    command = place / "bin" / "emotion-edge"

    def run(*arguments: str) -> str:
        options = {"cwd": tmp_path, "env": {"PATH": "/usr/bin:/bin"}, "stdout": subprocess.PIPE, "text": True}
        return subprocess.run([command, *arguments], check=True, **options).stdout

    result = json.loads(run("predict", "photo.jpg", "--format", "json", "--annotate", "marked"))
    assert (result["source"], len(result["faces"])) == ("photo.jpg", 1)
    assert (tmp_path / "marked" / "photo.jpg").is_file()
    facts = json.loads(run("info", "--format", "json"))
    assert Path(facts["model"]["path"]).is_relative_to(packages.resolve())
    assert facts["runtime"]["name"] == runtime
    assert facts["versions"]["emotion-edge"] in run("--version")
    measured = json.loads(run("benchmark", "--format", "json", "--rounds", "1", "--seconds", "0", "--threads", "1"))
    assert measured["runtime"]["name"] == runtime


def _has(name: str) -> Path | None:
    import importlib.util

    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None

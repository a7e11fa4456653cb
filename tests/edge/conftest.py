"""The bundled photo, a detector, and tiny models of many forms, made once a session."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from once import made_once

from edge.detectors.yunet import YuNetDetector
from edge.images import load_image
from edge.labels import EMOTIONS

MakeModel = Callable[..., Path]


@pytest.fixture(scope="module")
def rgb(photo: Path) -> np.ndarray:
    """The bundled photo: uint8 (H, W, 3) RGB."""
    return load_image(photo)


@pytest.fixture(scope="module")
def detector() -> YuNetDetector:
    """A detector that the tests of one file share."""
    return YuNetDetector()


@pytest.fixture(scope="session")
def bare_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the models that make_models.py writes, without labels."""

    return made_once(tmp_path_factory, "bare-models", write_models)


@pytest.fixture(scope="session")
def bare_reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the described network, trained, without labels."""
    return made_once(tmp_path_factory, "bare-reference", lambda folder: write_models(folder, "reference"))


def write_models(folder: Path, *which: str) -> None:
    """Let make_models.py fill a folder; the emulated arm64 has no TensorFlow for it."""
    if find_spec("keras") is None:
        pytest.skip("TensorFlow is not here, which makes the models")
    script = Path(__file__).with_name("make_models.py")
    command = [sys.executable, str(script), str(folder), *which]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture
def make_model(request: pytest.FixtureRequest, tmp_path: Path) -> MakeModel:
    """Make a model file of one of those forms, with labels and settings as a conforming file carries them."""

    def make(
        form: str = "uint8",
        labels: Sequence[str] | None = EMOTIONS,
        settings: Any = None,
        *,
        labels_file: str = "labels.txt",
    ) -> Path:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as files:
            if labels is not None:
                files.writestr(labels_file, "\n".join(labels))
            if settings is not None:
                files.writestr("emotion-edge.json", settings if isinstance(settings, str) else json.dumps(settings))
        folder: Path = request.getfixturevalue("bare_reference" if form == "reference" else "bare_models")
        path = tmp_path / f"{form}.tflite"
        trailer = archive.getvalue() if labels is not None or settings is not None else b""
        path.write_bytes((folder / f"{form}.tflite").read_bytes() + trailer)
        return path

    return make

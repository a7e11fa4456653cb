"""Models that can be measured: ``.tflite`` files in the edge runtime, ``.keras`` files in another process.

The runtime and TensorFlow must never be in one process, so a Keras model predicts in ``python -m train.predictors``.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from common.model_settings import settings_of
from edge.classifier import Classifier
from edge.errors import ModelError
from edge.labels import EMOTIONS
from edge.preprocess import InputSpec


class Predictor(Protocol):
    """A model that can be measured.

    Attributes:
        spec: How its faces are cropped and prepared.
        about: What it is, as plain JSON values: file, kB, runtime, parameters and MACs where known.
    """

    spec: InputSpec
    about: dict[str, Any]

    def predict(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Prepared pictures, uint8 (N, height, width, 3) RGB -> probabilities, float32 (N, 5) in EMOTIONS' order."""
        ...


class RuntimePredictor:
    """A ``.tflite`` file in the interpreter that devices use, one picture at a time."""

    def __init__(self, path: Path) -> None:
        self.classifier = Classifier(path)
        runtime, settings = self.classifier.runtime, self.classifier.metadata.settings
        self.spec = replace(self.classifier.input_spec, channels=3)
        self.order = [self.classifier.labels.index(name) for name in EMOTIONS]
        self.about = _about(path, self.spec) | {
            "version": settings.get("model_version"),
            "runtime": f"{runtime.name} {runtime.version}, delegate {runtime.delegate}",
        }

    def predict(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``Predictor``."""
        return self.classifier.predict(list(pictures))[:, self.order]


@dataclass(frozen=True, slots=True)
class KerasPredictor:
    """A ``.keras`` file in a process of its own. Made by ``open_model``."""

    path: Path
    spec: InputSpec
    about: dict[str, Any]

    def predict(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``Predictor``."""
        with tempfile.TemporaryDirectory() as scratch:
            given, made = Path(scratch) / "pictures.npy", Path(scratch) / "probabilities.npy"
            np.save(given, pictures)
            _run(self.path, given, made)
            return np.load(made)


def open_model(path: Path) -> Predictor:
    """A model of either kind; how a Keras model's faces are prepared stands in the .toml of the same name.

    Raises:
        ModelError: It is missing, cannot be read, or has another form.
    """
    if path.suffix != ".keras":
        return RuntimePredictor(path)
    if not path.is_file():
        raise ModelError(f"no model at {path}; give a .keras or .tflite file")
    found, settings = json.loads(_run(path)), settings_of(path)
    spec = InputSpec(*found["size"], margin=settings.crop_margin, brighten=settings.brighten)
    about = _about(path, spec) | {
        "runtime": f"Keras {found['keras']} ({found['backend']}), float32",
        "parameters": found["parameters"],
        "macs": found["macs"],
    }
    return KerasPredictor(path, spec, about)


def _about(path: Path, spec: InputSpec) -> dict[str, Any]:
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "kB": round(path.stat().st_size / 1000, 1),
        "crop_margin": spec.margin,
        "brighten": spec.brighten,
    }


def _run(*arguments: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "train.predictors", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ModelError(f"{arguments[0]} cannot be used: {lines[-1]}")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def _describe_or_predict(path: str, pictures: str = "", probabilities: str = "") -> None:
    """The other process: without pictures describe the Keras model on stdout, else write its probabilities."""
    import keras

    from train.networks import load_network, macs, predict

    model = load_network(Path(path))
    if model.input_shape[3:] != (3,) or model.output_shape[1:] != (len(EMOTIONS),):
        raise ModelError(f"maps {model.input_shape} to {model.output_shape}; wanted RGB pictures to {len(EMOTIONS)}")
    if not pictures:
        about = {"keras": keras.__version__, "backend": keras.backend.backend(), "size": model.input_shape[1:3]}
        sys.stdout.write(json.dumps({**about, "parameters": model.count_params(), "macs": macs(model)}) + "\n")
        return
    np.save(probabilities, predict(model, np.load(pictures, mmap_mode="r")))


if __name__ == "__main__":
    _describe_or_predict(*sys.argv[1:])

__all__ = ["KerasPredictor", "Predictor", "RuntimePredictor", "open_model"]

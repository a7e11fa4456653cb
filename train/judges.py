"""Models that can be asked: ``.tflite`` files through the edge runtime, ``.keras`` files in another process.

The runtime and TensorFlow must never be in one process, so a Keras model is asked by ``python -m train.judges``.
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


class Judge(Protocol):
    """A model that can be measured.

    Attributes:
        form: What its pictures must look like.
        about: What it is, as plain JSON values: file, kB, way it ran, parameters and MACs where known.
    """

    form: InputSpec
    about: dict[str, Any]

    def answers(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 (N, height, width, 3) RGB of ``form`` -> float32 (N, 5) in the order of EMOTIONS."""
        ...


class RuntimeJudge:
    """A ``.tflite`` file in the interpreter that devices use, one picture at a time."""

    def __init__(self, path: Path) -> None:
        self.classifier = Classifier(path)
        runtime, settings, spec = self.classifier.runtime, self.classifier.metadata.settings, self.classifier.input_spec
        self.form = replace(spec, channels=3)
        self.order = [self.classifier.labels.index(name) for name in EMOTIONS]
        self.about = {
            "file": path.name,
            "version": settings.get("model_version"),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "kB": round(path.stat().st_size / 1000, 1),
            "through": f"{runtime.name} {runtime.version}, delegate {runtime.delegate}",
            "crop_margin": self.form.margin,
            "brighten": self.form.brighten,
        }

    def answers(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``Judge``; the pictures have the model's size, so the classifier's own resizing changes nothing."""
        spec = replace(self.form, brighten=False)  # they are prepared, but a teacher may want another size
        return self.classifier.predict([spec.prepare(picture) for picture in pictures])[:, self.order]


@dataclass(frozen=True, slots=True)
class KerasJudge:
    """A ``.keras`` file, asked in a process of its own. Made by ``keras_judge``."""

    path: Path
    form: InputSpec
    about: dict[str, Any]

    def answers(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``Judge``."""
        return ask_beside(self.path, pictures)


def keras_judge(path: Path) -> KerasJudge:
    """Open a Keras model; how its faces are cropped and brightened stands in the .toml of the same name.

    Args:
        path: A ``.keras`` file: float32 RGB (N, H, W, 3) in [0, 1] -> (N, 5) probabilities.

    Raises:
        ModelError: It cannot be read or has another form.
    """
    if not path.is_file():
        raise ModelError(f"no model at {path}; give a .keras file")
    told, settings = json.loads(_ask(path)), settings_of(path)
    about = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "kB": round(path.stat().st_size / 1000, 1),
        "through": f"Keras {told['keras']} ({told['backend']}), float32",
        "crop_margin": settings.crop_margin,
        "brighten": settings.brighten,
        "parameters": told["parameters"],
        "macs": told["macs"],
    }
    form = InputSpec(*told["size"], margin=settings.crop_margin, brighten=settings.brighten)
    return KerasJudge(path, form, about)


def judge(path: Path) -> Judge:
    """A model of either kind."""
    return keras_judge(path) if path.suffix == ".keras" else RuntimeJudge(path)


def ask_beside(path: Path, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What a model of either kind answers, asked in a process of its own.

    Args:
        path: A ``.tflite`` or ``.keras`` file.
        pictures: uint8 (N, height, width, 3) RGB, for a Keras model of the size it reads.

    Returns:
        float32 (N, 5) in the order of EMOTIONS.

    Raises:
        ModelError: It cannot be read or has another form.
    """
    with tempfile.TemporaryDirectory() as scratch:
        asked, told = Path(scratch) / "pictures.npy", Path(scratch) / "answers.npy"
        np.save(asked, pictures)
        _ask(path, asked, told)
        return np.load(told)


def _ask(*arguments: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "train.judges", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ModelError(f"{arguments[0]} cannot be asked: {lines[-1]}")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def _describe_or_answer(path: str, pictures: str = "", answers: str = "") -> None:
    """The other process: without pictures describe the Keras model on stdout, else write a model's answers."""
    if not path.endswith(".keras"):
        np.save(answers, RuntimeJudge(Path(path)).answers(np.load(pictures, mmap_mode="r")))
        return
    import keras

    from train.architectures import macs

    model = keras.saving.load_model(path, compile=False)
    if model.input_shape[3:] != (3,) or model.output_shape[1:] != (len(EMOTIONS),):
        raise ModelError(f"maps {model.input_shape} to {model.output_shape}; wanted RGB pictures to {len(EMOTIONS)}")
    if not pictures:
        about = {"keras": keras.__version__, "backend": keras.backend.backend(), "size": model.input_shape[1:3]}
        sys.stdout.write(json.dumps({**about, "parameters": model.count_params(), "macs": macs(model)}) + "\n")
        return
    asked = np.load(pictures, mmap_mode="r")
    told = [model.predict_on_batch(asked[i : i + 100].astype(np.float32) / 255) for i in range(0, len(asked), 100)]
    np.save(answers, np.concatenate(told).astype(np.float32))


if __name__ == "__main__":
    _describe_or_answer(*sys.argv[1:])

__all__ = ["Judge", "KerasJudge", "RuntimeJudge", "ask_beside", "judge", "keras_judge"]

"""Settings of whatever reads faces: each is declared here once, with its bounds, its help and its variable.

Nothing compares or prints them, and making the methods for it would take a good part of a short run's own time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edge.settings.field import setting


@dataclass(frozen=True, eq=False, repr=False)
class ModelSettings:
    """Which network runs, and on how many threads."""

    model: Path | None = setting(
        None, "A .tflite model.", otherwise="the one that comes with the package", variable="EMOTION_EDGE_MODEL"
    )
    threads: int | None = setting(
        None,
        "Threads that a picture may use.",
        low=1,
        high=64,
        otherwise="the cores minus one, shared between the jobs",
        variable="EMOTION_EDGE_THREADS",
    )


@dataclass(frozen=True, eq=False, repr=False)
class FaceSettings(ModelSettings):
    """What finds faces, which of them are read, and when a prediction is confident."""

    faces: Literal["all", "largest"] = setting("all", "Read every face, or only the largest.")
    threshold: float | None = setting(
        None, "Confidence below which a prediction is not confident.", low=0, high=1, otherwise="the model's own"
    )
    detector: Literal["auto", "yunet", "haar"] = setting(
        "auto",
        "What finds faces: YuNet, the described cascade, or YuNet where it can run.",
        variable="EMOTION_EDGE_DETECTOR",
    )
    detector_model: Path | None = setting(
        None,
        "Another .onnx file of YuNet.",
        otherwise="the one that was measured",
        variable="EMOTION_EDGE_DETECTOR_MODEL",
    )
    min_face: float | None = setting(
        None,
        "Smallest face that counts, as a share of the picture's height.",
        above=0,
        high=1,
        otherwise="as small as is found",
    )


@dataclass(frozen=True, eq=False, repr=False)
class ReadingSettings(FaceSettings):
    """How picture files are read, by ``predict`` and ``bulk`` alike."""

    detect: bool = setting(True, "Find faces; without, each picture already is the crop of one face.")
    fallback: bool = setting(True, "Read the whole picture where no face is found; it is never confident.")
    max_megapixels: float = setting(250.0, "Refuse larger pictures before decoding them.", above=0)
    max_decode_mb: float = setting(200.0, "Refuse pictures that take more memory to decode.", above=0)

    def for_reader(self) -> dict[str, Any]:
        """The arguments of `edge.analysis.PictureReader`, as plain JSON values."""
        return {
            "model": self.model and str(self.model),
            "threads": self.threads,
            "max_megapixels": self.max_megapixels,
            "max_decode_mb": self.max_decode_mb,
            "no_detect": not self.detect,
            "detector": self.detector,
            "detector_model": self.detector_model and str(self.detector_model),
            "min_face": self.min_face,
            "threshold": self.threshold,
            "faces": self.faces,
            "fallback": self.fallback,
        }


__all__ = ["FaceSettings", "ModelSettings", "ReadingSettings"]

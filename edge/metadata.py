"""Reads what travels inside a model file: labels and settings in the zip archive that TFLite's metadata appends.

A ``.tflite`` file with standard metadata is at once a flatbuffer, read from its beginning, and a zip archive, read from
its end. ``labels.txt`` holds one label a line; ``emotion-edge.json`` holds what this project adds.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import Any

from edge.errors import ModelError

LABELS_FILE = "labels.txt"
SETTINGS_FILE = "emotion-edge.json"
DEFAULT_THRESHOLD = 0.35  # of a model that states none
LEAST_MARGIN = -0.3


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What a model file says about itself.

    Attributes:
        labels: Output labels in order; empty when the file names none.
        crop_margin: Share of a face box added on every side before cropping; negative takes some away.
        threshold: Confidence below which a prediction is not confident.
        brighten: Whether dark faces are brightened before they are read.
        settings: Everything in ``emotion-edge.json``.
    """

    labels: tuple[str, ...] = ()
    crop_margin: float = 0.0
    threshold: float = DEFAULT_THRESHOLD
    brighten: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


def read_metadata(model: bytes) -> ModelMetadata:
    """Read the metadata of a ``.tflite`` file's content.

    The labels come from ``labels.txt``, or else from the first other ``.txt`` in the archive.

    Raises:
        ModelError: The archive, a label file or the settings are damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(model)) as archive:
            return _read(archive)
    except zipfile.BadZipFile as error:
        if str(error) == "File is not a zip file":
            return ModelMetadata()
        raise ModelError(f"the model's metadata is damaged: {error}") from error
    except (ValueError, KeyError, TypeError, NotImplementedError, OSError, EOFError) as error:
        raise ModelError(f"the model's metadata is damaged: {error}") from error


def _read(archive: zipfile.ZipFile) -> ModelMetadata:
    names = archive.namelist()
    texts = sorted((name for name in names if name.endswith(".txt")), key=lambda name: name != LABELS_FILE)
    labels = tuple(archive.read(texts[0]).decode("utf-8").split("\n")) if texts else ()
    labels = tuple(label.strip() for label in labels if label.strip())
    settings = json.loads(archive.read(SETTINGS_FILE)) if SETTINGS_FILE in names else {}
    if not isinstance(settings, dict):
        raise ValueError(f"{SETTINGS_FILE} holds a {type(settings).__name__}, wanted an object")
    margin = float(settings.get("crop_margin", 0.0))
    threshold = float(settings.get("threshold", DEFAULT_THRESHOLD))
    brighten = settings.get("brighten", False)
    if not LEAST_MARGIN <= margin <= 1.0 or not 0.0 <= threshold <= 1.0:
        raise ValueError(
            f"crop_margin {margin} must lie between {LEAST_MARGIN:g} and 1, threshold {threshold} between 0 and 1"
        )
    if not isinstance(brighten, bool):
        raise ValueError(f"brighten {brighten!r} must be true or false")
    return ModelMetadata(labels, margin, threshold, brighten, settings)


__all__ = ["DEFAULT_THRESHOLD", "LABELS_FILE", "SETTINGS_FILE", "ModelMetadata", "read_metadata"]

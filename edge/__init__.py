"""Facial emotion recognition for small devices: picture -> faces -> emotions.

The names below are loaded on first use, so that ``import edge`` and ``--help`` stay instant.
"""

from __future__ import annotations

TYPE_CHECKING = False  # of `typing`, which takes longer to import than all else here
if TYPE_CHECKING:
    from typing import Any

    from edge.classifier import Classifier as Classifier
    from edge.detectors.haar import HaarDetector as HaarDetector
    from edge.errors import EdgeError as EdgeError
    from edge.images import load_image as load_image
    from edge.labels import EMOTIONS as EMOTIONS
    from edge.pipeline import Pipeline as Pipeline
    from edge.types import Box as Box
    from edge.types import Face as Face
    from edge.types import FrameResult as FrameResult

__version__ = "1.0.0"

_HOME = {
    "EMOTIONS": "edge.labels",
    "Box": "edge.types",
    "Classifier": "edge.classifier",
    "EdgeError": "edge.errors",
    "Face": "edge.types",
    "FrameResult": "edge.types",
    "HaarDetector": "edge.detectors.haar",
    "Pipeline": "edge.pipeline",
    "load_image": "edge.images",
}

__all__ = [
    "EMOTIONS",
    "Box",
    "Classifier",
    "EdgeError",
    "Face",
    "FrameResult",
    "HaarDetector",
    "Pipeline",
    "__version__",
    "load_image",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'edge' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""Detectors: what finds faces. ``make_detector`` gives one by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import RuntimeMissingError
from edge.types import Detection

DetectorName = Literal["auto", "yunet", "haar"]


class Detector(Protocol):
    """Anything that finds faces. Not safe to share between threads: make one a thread."""

    def detect(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Find the faces of one picture, as it is.

        Args:
            image: uint8 (H, W, 3) RGB or (H, W) grey.

        Returns:
            Faces in pixels of ``image``, largest first; empty when there is none.
        """
        ...


def make_detector(name: DetectorName = "auto", model: str | Path | None = None) -> Detector:
    """A detector by name.

    Args:
        name: ``yunet``, ``haar`` (the described cascade), or ``auto``: YuNet where it can run, else the cascade.
        model: Another file of YuNet.

    Raises:
        RuntimeMissingError: What the detector needs is missing.
    """
    if name != "haar":
        from edge.detectors.yunet import YuNetDetector

        try:
            return YuNetDetector(model)
        except RuntimeMissingError as error:
            if name == "yunet" or model is not None:
                raise
            _warn(str(error))
    from edge.detectors.haar import HaarDetector

    return HaarDetector()


def detector_name(detector: Detector | None) -> str:
    """``yunet``, ``haar``, ``none``, or the name of another detector's class."""
    name = type(detector).__name__
    return {"YuNetDetector": "yunet", "HaarDetector": "haar", "NoneType": "none"}.get(name, name)


@cache  # once a process
def _warn(reason: str) -> None:
    from logging import getLogger

    getLogger("edge").warning("faces are found with the cascade, which misses more of them: %s", reason)


__all__ = ["Detector", "DetectorName", "detector_name", "make_detector"]

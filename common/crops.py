"""From a picture to a training or evaluation crop, framed as on the device."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from edge.detectors import make_detector
from edge.detectors.pictures import find_faces
from edge.preprocess import InputSpec

CROP_PX = 100  # a picture with a shorter side than this is taken for the crop of one face

_detector = cache(make_detector)  # one a process


def face_crop(rgb: NDArray[np.uint8], spec: InputSpec, around: float = 1.0) -> tuple[NDArray[np.uint8], bool]:
    """The largest face of a picture.

    Args:
        rgb: uint8 (H, W, 3).
        spec: What the network reads.
        around: So many times the side of the face's frame are shown, at the same scale.

    Returns:
        uint8 (height * around, width * around, channels), and whether a face was found; else it is the whole picture.
    """
    found = find_faces(_detector(), rgb)[:1] if min(rgb.shape[:2]) >= CROP_PX else []
    if not found:
        return padded(spec.prepare(rgb), around), False
    wide = replace(
        spec,
        height=round(spec.height * around),
        width=round(spec.width * around),
        margin=((1 + 2 * spec.margin) * around - 1) / 2,
    )
    return wide.prepare(rgb, found[0].box, found[0].roll_deg), True


def padded(crop: NDArray[np.uint8], around: float) -> NDArray[np.uint8]:
    """A crop with its edge pixels repeated to ``around`` times its sides: uint8 (H, W, C)."""
    more = [round(side * around) - side for side in crop.shape[:2]]
    ends = [(length // 2, length - length // 2) for length in more]
    return np.pad(crop, [*ends, (0, 0)], mode="edge") if any(more) else crop


__all__ = ["CROP_PX", "face_crop", "padded"]

"""From a picture to what the network reads. Training, conversion and serving all call these and cannot drift apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2
from edge.types import Box

BRIGHT_ENOUGH = 100.0
LEVEL_DEG = 10.0  # heads rotated by less are read as they are


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a network wants its faces; a model file states it.

    Attributes:
        height: Rows of the input in pixels.
        width: Columns of the input in pixels.
        channels: 3 for RGB, 1 for grey.
        margin: Share of a face box that is added on every side before cropping.
        brighten: Whether dark faces are brightened.
    """

    height: int
    width: int
    channels: int = 3
    margin: float = 0.0
    brighten: bool = False

    def prepare(self, rgb: NDArray[np.uint8], box: Box | None = None, roll_deg: float = 0.0) -> NDArray[np.uint8]:
        """Crop, turn upright, brighten and resize one face: the only way from a picture to a network's input.

        Args:
            rgb: uint8 (H, W, 3).
            box: The face in pixels of ``rgb``; None when the picture already is the crop of one face.
            roll_deg: By how much the head is rotated clockwise; from 10 degrees on it is rotated back.

        Returns:
            uint8 (height, width, channels), 0 to 255.
        """
        crop = rgb if box is None else crop_face(rgb, box, self.margin, roll_deg)
        if self.brighten:
            crop = brighten(crop)
        return to_input(crop, (self.height, self.width), self.channels)


def to_gray(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """OpenCV's grey (0.299 R + 0.587 G + 0.114 B) of an RGB picture: uint8 (H, W, 3) to uint8 (H, W)."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def crop_face(rgb: NDArray[np.uint8], box: Box, margin: float = 0.0, roll_deg: float = 0.0) -> NDArray[np.uint8]:
    """Cut a face out of a picture.

    Where the box with its margin leaves the picture, the picture's edge is repeated, so that a face keeps its shape.
    A head that is rotated by 10 degrees or more is rotated upright about the centre of its box, by whole degrees.

    Args:
        rgb: uint8 (H, W, 3).
        box: The face in pixels of ``rgb``; may reach over its edge.
        margin: Share of the box's size that is added on every side; 0 takes the box itself.
        roll_deg: By how much the head is rotated clockwise in the picture, in degrees.

    Returns:
        uint8 (h, w, 3), of at least one pixel: a view into ``rgb``, or a copy where it is rotated or an edge repeated.
    """
    if abs(roll_deg) >= LEVEL_DEG:
        # By whole degrees: processors differ in the last digits of what is measured.
        return _upright(rgb, box, margin, round(roll_deg))
    grow_x, grow_y = round(box.w * margin), round(box.h * margin)
    left, before, right, after = _span(box.x - grow_x, box.x + box.w + grow_x, rgb.shape[1])
    top, above, bottom, below = _span(box.y - grow_y, box.y + box.h + grow_y, rgb.shape[0])
    inside = rgb[top:bottom, left:right]
    if not (before or after or above or below):
        return inside
    return np.asarray(cv2.copyMakeBorder(inside, above, below, before, after, cv2.BORDER_REPLICATE), np.uint8)


def _upright(rgb: NDArray[np.uint8], box: Box, margin: float, roll_deg: float) -> NDArray[np.uint8]:
    width, height = max(box.w + 2 * round(box.w * margin), 1), max(box.h + 2 * round(box.h * margin), 1)
    (x, y), turn = box.center, math.radians(roll_deg)
    cos, sin = math.cos(turn), math.sin(turn)
    across, down = (width - 1) / 2, (height - 1) / 2  # of the crop's middle; pixels count from their centres
    # From the crop's pixels to the picture's.
    matrix = np.array(
        [[cos, -sin, x - 0.5 - cos * across + sin * down], [sin, cos, y - 0.5 - sin * across - cos * down]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    rotated = cv2.warpAffine(rgb, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(rotated, np.uint8)


def _span(start: int, end: int, limit: int) -> tuple[int, int, int, int]:
    """Clip start..end to 0..limit: first pixel, pixels missing before it, end, pixels missing after it."""
    length = max(end - start, 1)
    first = min(max(start, 0), limit - 1)
    last = min(max(end, first + 1), limit)
    before = min(max(-start, 0), length - 1)
    return first, before, last, length - (last - first) - before


def brighten(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lift a dark face to a mean brightness of 100 of 255, by four times at most: it then reads as in good light.

    Args:
        crop: uint8 (H, W, 3) RGB.

    Returns:
        uint8 (H, W, 3); the crop itself where it is bright enough.
    """
    red, green, blue, _ = cv2.mean(crop)
    mean = 0.299 * red + 0.587 * green + 0.114 * blue
    if mean >= BRIGHT_ENOUGH:
        return crop
    gain = min(BRIGHT_ENOUGH / max(mean, 1.0), 4.0)
    table = np.minimum(np.rint(np.arange(256) * gain), 255).astype(np.uint8)
    return np.asarray(cv2.LUT(crop, table), np.uint8)


def to_input(crop: NDArray[np.uint8], size: tuple[int, int], channels: int = 3) -> NDArray[np.uint8]:
    """Resize a face crop to the network's input.

    Averages over areas when shrinking and interpolates linearly when growing: shrinking by interpolation alone would
    alias the wrinkles that expressions are made of.

    Args:
        crop: uint8 (H, W, 3) RGB, of any size.
        size: Wanted (height, width) in pixels.
        channels: 3 for RGB, 1 for grey.

    Returns:
        uint8 (height, width, channels), 0 to 255.
    """
    height, width = size
    if channels == 1:
        crop = to_gray(crop)
    shrinks = crop.shape[0] >= height and crop.shape[1] >= width
    if crop.shape[:2] != size:
        crop = np.asarray(
            cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8
        )
    return np.ascontiguousarray(crop).reshape(height, width, channels)


__all__ = ["BRIGHT_ENOUGH", "LEVEL_DEG", "InputSpec", "brighten", "crop_face", "to_gray", "to_input"]

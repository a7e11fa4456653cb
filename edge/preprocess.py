"""From a picture to what the network reads. Training, conversion and serving all call these and cannot drift apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2
from edge.types import Box

BRIGHT_ENOUGH = 100.0


def to_gray(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """OpenCV's grey (0.299 R + 0.587 G + 0.114 B) of an RGB picture: uint8 (H, W, 3) to uint8 (H, W)."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def crop_face(rgb: NDArray[np.uint8], box: Box, margin: float = 0.0) -> NDArray[np.uint8]:
    """Cut a face out of a picture.

    Args:
        rgb: uint8 (H, W, 3).
        box: The face in pixels of ``rgb``; may reach over its edge.
        margin: Share of the box's size that is added on every side; 0 takes the box itself.

    Returns:
        A view into ``rgb``, clipped to the picture, of at least one pixel.
    """
    height, width = rgb.shape[:2]
    grow_x, grow_y = round(box.w * margin), round(box.h * margin)
    left = min(max(box.x - grow_x, 0), width - 1)
    top = min(max(box.y - grow_y, 0), height - 1)
    right = min(max(box.x + box.w + grow_x, left + 1), width)
    bottom = min(max(box.y + box.h + grow_y, top + 1), height)
    return rgb[top:bottom, left:right]


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


__all__ = ["BRIGHT_ENOUGH", "brighten", "crop_face", "to_gray", "to_input"]

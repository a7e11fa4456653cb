"""Turns Pillow's pixels of every mode into RGB, tile by tile, so that no second copy of a large picture is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Region = tuple[int, int, int, int]  # left, top, right, bottom in pixels

# Side of a tile in pixels; converting one takes about 1 MB.
TILE = 256


def to_rgb(image: Image.Image, factor: int = 1) -> NDArray[np.uint8]:
    """RGB of a loaded picture: wide grey by its full scale, transparency over white.

    Args:
        image: Of any mode.
        factor: Each square of so many pixels becomes one, their mean.

    Returns:
        uint8 (height, width, 3), each size divided by ``factor`` and rounded up.
    """
    if not (image.mode.startswith("I;16") or image.mode in ("I", "F")):
        return _assemble(image.size, factor, lambda region: _tile(image.crop(region)))

    def values(region: Region) -> NDArray[Any]:
        return np.asarray(image.crop(region))

    top = _full_scale(image.size, values)
    return _assemble(image.size, factor, lambda region: Image.fromarray(_scaled(values(region), top)).convert("RGB"))


def deep_to_rgb(high: Image.Image, low: Image.Image, factor: int = 1) -> NDArray[np.uint8]:
    """RGB of a colour picture of 16 bits a channel that uses fewer of them.

    Args:
        high: The upper byte of each channel, RGB or RGBA.
        low: The lower byte.
        factor: As in `to_rgb`.
    """

    def values(region: Region) -> NDArray[Any]:
        return np.asarray(np.asarray(high.crop(region), np.uint16) << 8 | np.asarray(low.crop(region)))

    top = _full_scale(high.size, values)
    return _assemble(high.size, factor, lambda region: _tile(Image.fromarray(_scaled(values(region), top))))


def _assemble(size: tuple[int, int], factor: int, tile: Callable[[Region], Image.Image]) -> NDArray[np.uint8]:
    width, height = size
    if factor == 1 and width <= TILE and height <= TILE:
        return np.asarray(tile((0, 0, width, height)))
    result = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    for region in _regions(size, factor):
        part = tile(region)
        pixels = np.asarray(part.reduce(factor) if factor > 1 else part)
        left, top = region[0] // factor, region[1] // factor
        result[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return result


def _regions(size: tuple[int, int], factor: int = 1) -> Iterator[Region]:
    width, height = size
    side = max(TILE // factor, 1) * factor
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield left, top, min(left + side, width), min(top + side, height)


def _tile(part: Image.Image) -> Image.Image:
    clear = "transparency" in part.info or getattr(part.palette, "mode", "") == "RGBA"
    if clear or part.mode in ("RGBA", "LA", "PA", "La", "RGBa"):
        rgba = part.convert("RGBA")
        white = Image.new("RGB", rgba.size, "white")
        white.paste(rgba, mask=rgba)
        return white
    return part if part.mode == "RGB" else part.convert("RGB")


def _full_scale(size: tuple[int, int], values: Callable[[Region], NDArray[Any]]) -> float:
    """What white is, guessed from the highest value there is: files do not say how many of their bits they use."""
    highest, whole = 0.0, True
    for region in _regions(size):
        part = values(region)
        whole = part.dtype.kind != "f"
        highest = max(highest, float((part if whole else part[np.isfinite(part)]).max(initial=0)))
    if not whole and highest <= 1:
        return 1.0
    return next((top for bits in (8, 10, 12, 14, 16) if highest <= (top := 2**bits - 1)), highest)


def _scaled(values: NDArray[Any], top: float) -> NDArray[np.uint8]:
    """0..``top`` to 0..255; what is no number becomes black."""
    scaled: NDArray[np.float32] = np.nan_to_num(np.clip(values.astype(np.float32) * (255 / top), 0, 255)).round()
    return scaled.astype(np.uint8)


__all__ = ["TILE", "deep_to_rgb", "to_rgb"]

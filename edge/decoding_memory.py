"""How much memory decoding a picture takes, known from its header, before a pixel is decoded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Bytes of a pixel in Pillow's memory.
_PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}


def decoding_bytes(kind: str, image: Any, factor: int) -> float:
    """Most memory that decoding a picture takes; `python -m benchmarks.picture_memory` holds it against what it took.

    Args:
        kind: ``JPEG``, ``PNG``, ``TIFF``...
        image: Opened with Pillow, not yet loaded.
        factor: By which each side of the result is reduced.
    """
    pixels: int = image.size[0] * image.size[1]
    pixel: float = _PIXEL_BYTES.get(image.mode, 4)
    extra = 0.0  # held beside the pixels while they are decoded
    if kind == "JPEG":
        pixel /= factor**2
        extra = _coefficients(image)
    elif kind in _HEAVY:
        extra = float(_HEAVY[kind](image)) - pixel
    elif depth_order(image):
        pixel *= 2
    elif kind == "TIFF":
        extra = _strip_bytes(image) / pixels
    elif kind == "BMP" and image.tile and image.tile[0][0] == "bmp_rle":
        extra = 2
    if kind == "PNG":
        extra = max(extra, 2 * pixel / image.size[1])  # its decoder holds two rows
    return float(pixels * (pixel + max(extra, 3 / factor**2)))


# A pixel of a WebP; also asked for before it is opened.
WEBP_BYTES = 16.0


def _heif_bytes(image: Any) -> float:
    if image.info.get("bit_depth", 10) > 8:
        return 21.0
    return 8.0 if image.mode == "RGB" and image.info.get("chroma") == 420 else 13.0


# Bytes a pixel that decoders take which hold a picture several times over.
_HEAVY: dict[str, Callable[[Any], float]] = {
    "WEBP": lambda _: WEBP_BYTES,
    "AVIF": lambda image: 19.0 if image.mode == "RGBA" else 15.0,
    "HEIF": _heif_bytes,
}


def _coefficients(image: Any) -> float:
    """A progressive JPEG keeps 16 bits for each sample until its last scan."""
    if not image.info.get("progressive"):
        return 0.0
    sampling = [across * down for _, across, down, _ in image.layer]
    return float(2 * sum(sampling) / max(*sampling, 1))


def _strip_bytes(image: Any) -> float:
    """What libtiff holds at a time of a compressed TIFF: a strip or tile, as it is in the file and decoded."""
    if not image.tile or image.tile[0][0] != "libtiff":
        return 0.0
    tags = image.tag_v2
    width, height = image.size
    pixels = tags.get(322, 0) * tags.get(323, 0) or width * min(tags.get(278, height), height)
    bits = tags.get(258, (8,))
    depth = max(sum(bits) if len(bits) > 1 else bits[0] * tags.get(277, 1), 32 if tags.get(262) == 6 else 0)
    packed = tags.get(325) or tags.get(279) or (0,)
    return float(pixels * depth / 8 + max(packed))


def depth_order(image: Any) -> str:
    """The byte order of 16-bit colour, of which Pillow keeps the upper byte: ``B``, ``L`` or ``N``; else empty."""
    if image.mode not in ("RGB", "RGBA") or len(image.tile) != 1:
        return ""
    args: Any = image.tile[0][3]
    raw = args if isinstance(args, str) else args[0] if args else ""
    return raw[-1] if raw in {f"{image.mode};16{order}" for order in "BLN"} else ""


__all__ = ["WEBP_BYTES", "decoding_bytes", "depth_order"]

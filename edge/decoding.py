"""Decodes one encoded picture within a limit of memory: which format it is, what it costs, how far it is reduced.

The format is told from the first bytes, never from the name, and only that format's decoder is loaded: quick to start,
and nothing exotic runs on an untrusted upload. Size and memory are known from the header, before a pixel is decoded.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edge.decoding_memory import WEBP_BYTES, decoding_bytes, depth_order
from edge.errors import ImageError, ImageTooLargeError, ImageTooSmallError
from edge.heap import return_freed_memory
from edge.pixels import deep_to_rgb, to_rgb

MAX_PIXELS = 250_000_000
# With the interpreter, the networks and all else (about 95 MB) this stays below 300 MB.
MAX_BYTES = 200_000_000
LARGE_BYTES = MAX_BYTES // 2  # from which on earlier pictures' freed memory goes back to the system first
# Larger pictures are reduced by a whole factor: the search for faces looks at fewer pixels all the same.
KEPT_PIXELS = 12_600_000
MIN_SIDE = 8

# First bytes -> Pillow plugin module, class.
_MAGIC = (
    (b"\xff\xd8\xff", "PIL.JpegImagePlugin", "JpegImageFile"),
    (b"\x89PNG\r\n\x1a\n", "PIL.PngImagePlugin", "PngImageFile"),
    (b"GIF87a", "PIL.GifImagePlugin", "GifImageFile"),
    (b"GIF89a", "PIL.GifImagePlugin", "GifImageFile"),
    (b"BM", "PIL.BmpImagePlugin", "BmpImageFile"),
    (b"II*\x00", "PIL.TiffImagePlugin", "TiffImageFile"),
    (b"MM\x00*", "PIL.TiffImagePlugin", "TiffImageFile"),
)
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"}
_VIDEO = (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"FLV\x01", b"OggS")
_ORIENTATION = 0x0112
HEIC_REMEDY = "pip install 'emotion-edge[heic]'"

log = logging.getLogger(__name__)


def decode(
    file: IO[bytes], name: str, *, held: int = 0, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Decode one picture to upright RGB.

    Args:
        file: The encoded picture; seekable.
        name: What warnings call it.
        held: Bytes that the encoded picture itself takes in memory.
        max_pixels: Largest width times height.
        max_bytes: Most memory that decoding may take, ``held`` included.

    Returns:
        uint8 (height, width, 3), RGB, C-contiguous, reduced by a whole factor above KEPT_PIXELS; and the width and
        height of the upright picture in the file.

    Raises:
        ImageError: It is no picture, damaged, too small or too large.
    """
    header = file.read(32)
    module, opener = _plugin(header)
    kind = opener.removesuffix("ImageFile").upper()
    file.seek(0)
    try:
        if kind == "WEBP":  # Pillow makes room for the whole canvas on opening
            width, height = _webp_size(header)
            _check(kind, (width, height), lambda _: WEBP_BYTES * width * height + held, max_pixels, max_bytes)
        make = getattr(import_module(module), opener)
        with make(file) as image:
            size = image.size
            held += sum(len(text) for text in image.info.values() if isinstance(text, str | bytes))
            factor = _check(kind, size, lambda k: decoding_bytes(kind, image, k) + held, max_pixels, max_bytes)
            frames = getattr(image, "is_animated", False)
            depth = depth_order(image)
            if kind == "JPEG":
                image.draft(None, (size[0] // factor, size[1] // factor))
                factor = 1
            image.load()
            low = _lower_bytes(make, file, image, depth) if depth else None
            rgb = deep_to_rgb(image, low, factor) if low else to_rgb(image, factor)
            orientation = orientation_of(image)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"needs more memory than there is to decode ({kind})") from error
    except Exception as error:  # decoders raise a dozen kinds: SyntaxError, struct.error, zlib.error, KeyError...
        raise ImageError(f"is a damaged or unsupported {kind} file: {_reason(error)}") from error
    if frames:
        log.warning("%s has several frames; only the first is used", name)
    return upright(rgb, orientation), size if orientation < 5 else size[::-1]


def check_size(size: tuple[int, int], max_pixels: int = MAX_PIXELS) -> None:
    """Raise ImageError for a width and height that are too small or too large."""
    width, height = size
    if min(width, height) < MIN_SIDE:
        raise ImageTooSmallError(
            f"is {width}x{height} pixels, too small to show a face; wanted at least {MIN_SIDE}x{MIN_SIDE}"
        )
    if width * height > max_pixels:
        raise ImageTooLargeError(
            f"is {width}x{height} pixels ({width * height / 1e6:.1f} megapixels), over the limit of "
            f"{max_pixels / 1e6:g} megapixels; raise the limit to read it"
        )


def reduction(size: tuple[int, int]) -> int:
    """By which whole factor a picture of this width and height is reduced, so that KEPT_PIXELS are left at most."""
    factor = 1
    while -(-size[0] // factor) * -(-size[1] // factor) > KEPT_PIXELS:
        factor += 1
    return factor


def has_heic() -> bool:
    """Whether HEIC pictures can be read."""
    return find_spec("pillow_heif") is not None


def has_avif() -> bool:
    """Whether AVIF pictures can be read: since Pillow 11.3."""
    return find_spec("PIL._avif") is not None


def orientation_of(image: Any) -> int:
    """The EXIF orientation, 1 to 8; damaged EXIF data does not spoil a good picture."""
    try:
        found = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1
    return found if 1 <= found <= 8 else 1


def upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo the rotation and mirroring that EXIF orientation 2 to 8 names."""
    if orientation in (5, 6, 7, 8):
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)


def _plugin(header: bytes) -> tuple[str, str]:
    """Module and class that read a file that begins so."""
    if not header:
        raise ImageError("is empty (0 bytes)")
    for magic, module, opener in _MAGIC:
        if header.startswith(magic):
            return module, opener
    if header[:4] == b"RIFF" and header[8:12] == b"WEBP":
        return "PIL.WebPImagePlugin", "WebPImageFile"
    if header[4:8] == b"ftyp":
        brands = {header[at : at + 4] for at in (8, *range(16, 32, 4))}
        if brands & _AVIF:
            if not has_avif():
                raise ImageError("is an AVIF picture; to read it: pip install 'pillow>=11.3'")
            return "PIL.AvifImagePlugin", "AvifImageFile"
        if brands & _HEIF:
            if not has_heic():
                raise ImageError(f"is a HEIC picture; to read it: {HEIC_REMEDY}")
            return "pillow_heif", "HeifImageFile"
    if header[4:8] == b"ftyp" or header.startswith(_VIDEO) or (header[:4], header[8:12]) == (b"RIFF", b"AVI "):
        raise ImageError("is a video, not a picture; follow its faces with: emotion-edge stream --source FILE")
    raise ImageError("is not a picture of a known format; wanted JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC")


def _check(kind: str, size: tuple[int, int], needed: Callable[[int], float], max_pixels: int, max_bytes: int) -> int:
    """The factor to reduce by, for which ``needed`` says the bytes; raises for what is too small or too large."""
    check_size(size, max_pixels)
    factor = reduction(size)
    if kind == "JPEG":
        factor = next((k for k in (1, 2, 4) if k >= factor), 8)  # what its decoder can do
    most = needed(factor)
    if most > max_bytes:
        width, height = size
        raise ImageTooLargeError(
            f"is {width}x{height} pixels ({width * height / 1e6:.1f} megapixels), and to decode it as {kind} takes "
            f"{most / 1e6:.0f} MB of memory, over the limit of {max_bytes / 1e6:.0f} MB; raise the limit to read it"
        )
    if most > LARGE_BYTES:
        return_freed_memory()
    return factor


def _lower_bytes(make: Callable[[IO[bytes]], Any], file: IO[bytes], image: Any, order: str) -> Any:
    """The other byte of 16-bit colour, where the upper ones are so small that the picture must use fewer bits."""
    highest = max(high for _, high in image.getextrema())
    if highest >= 64:
        return None
    file.seek(0)
    low = make(file)
    other = f"{low.mode};16{'L' if order == 'B' else 'B'}"
    (tile,) = low.tile  # a named tuple since Pillow 11
    args = other if isinstance(tile[3], str) else (other, *tile[3][1:])
    low.tile = [getattr(type(tile), "_make", tuple)((*tile[:3], args))]
    low.load()
    return low


def _webp_size(header: bytes) -> tuple[int, int]:
    """Canvas width and height from the first 30 bytes of a WebP file (RFC 9649, sections 2.5 to 2.7)."""
    chunk = header[12:16]
    if len(header) >= 30 and chunk == b"VP8X":
        return int.from_bytes(header[24:27], "little") + 1, int.from_bytes(header[27:30], "little") + 1
    if len(header) >= 30 and chunk == b"VP8 ":
        width, height = struct.unpack("<HH", header[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if len(header) >= 25 and chunk == b"VP8L":
        bits = int.from_bytes(header[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise ImageError("is a damaged or unsupported WEBP file: no picture chunk")


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if text else type(error).__name__


__all__ = [
    "HEIC_REMEDY",
    "KEPT_PIXELS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "check_size",
    "decode",
    "has_avif",
    "has_heic",
    "orientation_of",
    "reduction",
    "upright",
]

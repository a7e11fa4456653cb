"""Decodes picture files of every common kind to one form: RGB, uint8, upright.

The format is told from the first bytes, never from the name, and only that format's decoder is loaded: quick to start,
and nothing exotic runs on an untrusted upload. The size is read from the header and checked before a pixel is decoded.
"""

from __future__ import annotations

import io
import logging
import os
import stat
import struct
import sys
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeGuard, Union

import numpy as np
from numpy.typing import NDArray

from edge.errors import ImageError
from edge.naming import one_line, unicode_name

if TYPE_CHECKING:
    from PIL import Image as PilImage

# What a picture may come as.
Picture = Union[str, Path, bytes, NDArray[np.uint8], "PilImage.Image"]

MAX_PIXELS = 100_000_000
MIN_SIDE = 8
# A pipe or an upload says no size beforehand.
MAX_STREAM_BYTES = 256 * 1024 * 1024

# First bytes -> Pillow plugin module, class.
_MAGIC = (
    (b"\xff\xd8\xff", "JpegImagePlugin", "JpegImageFile"),
    (b"\x89PNG\r\n\x1a\n", "PngImagePlugin", "PngImageFile"),
    (b"GIF87a", "GifImagePlugin", "GifImageFile"),
    (b"GIF89a", "GifImagePlugin", "GifImageFile"),
    (b"BM", "BmpImagePlugin", "BmpImageFile"),
    (b"II*\x00", "TiffImagePlugin", "TiffImageFile"),
    (b"MM\x00*", "TiffImagePlugin", "TiffImageFile"),
    (b"RIFF", "WebPImagePlugin", "WebPImageFile"),
)
_ORIENTATION = 0x0112

log = logging.getLogger(__name__)


def load_image(source: str | Path | bytes, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Decode one picture to upright RGB.

    JPEG, PNG, WebP, BMP, GIF and TIFF are read; of several frames the first. Grey, palette, CMYK and 16-bit pictures
    are converted, transparency is laid over white, and the EXIF orientation is applied.

    Args:
        source: A file's path, or the encoded picture itself as bytes.
        max_pixels: Largest width times height that is decoded.

    Returns:
        uint8 array of shape (height, width, 3), RGB, C-contiguous.

    Raises:
        ImageError: The file is missing, unreadable, no picture, damaged, too small or too large.
    """
    if isinstance(source, bytes):
        return _decode(io.BytesIO(source), "picture", max_pixels)
    try:
        with Path(source).open("rb") as file:
            return _decode(_seekable(file), one_line(unicode_name(source)), max_pixels)
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise ImageError(f"cannot be read: {error}") from error


def as_rgb(picture: Picture, *, bgr: bool = False) -> NDArray[np.uint8]:
    """Whatever a program holds a picture in, as upright RGB.

    Args:
        picture: A file's path, an encoded picture as bytes, a PIL image, or an array: uint8 (H, W) grey or (H, W, 3).
        bgr: An array's colours are in OpenCV's order, blue first.

    Returns:
        uint8 (H, W, 3), RGB; a view where an array was given in this form.

    Raises:
        ImageError: It is none of these, cannot be read, or is too small or too large.
    """
    if isinstance(picture, str | Path):
        try:
            return load_image(picture)
        except ImageError as error:
            raise ImageError(f"{one_line(unicode_name(picture))} {error}") from error
    if isinstance(picture, bytes | bytearray | memoryview):
        return load_image(bytes(picture))
    if isinstance(picture, np.ndarray):
        return _from_array(picture, bgr)
    if _is_pil(picture):
        _check_size(picture.size, MAX_PIXELS)
        return _upright(_to_rgb(picture), _orientation(picture))
    raise ImageError(f"a picture cannot be a {type(picture).__name__}; wanted a path, bytes, a PIL image or an array")


def _from_array(array: NDArray[Any], bgr: bool) -> NDArray[np.uint8]:
    grey = array.ndim == 2
    if array.dtype != np.uint8 or not (grey or (array.ndim == 3 and array.shape[2] == 3)):
        raise ImageError(
            f"the array is {array.dtype} of shape {array.shape}; wanted uint8 of shape (height, width) for grey "
            "or (height, width, 3) for colour"
        )
    _check_size((array.shape[1], array.shape[0]), MAX_PIXELS)
    if grey:
        return np.repeat(array[:, :, None], 3, axis=2)
    return np.ascontiguousarray(array[:, :, ::-1] if bgr else array)


def _is_pil(picture: Any) -> TypeGuard[PilImage.Image]:
    """Whether it is a PIL image; Pillow is not loaded to find out that it is none."""
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(picture, pil.Image)


def _seekable(file: IO[bytes]) -> IO[bytes]:
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    data = file.read(MAX_STREAM_BYTES + 1)
    if len(data) > MAX_STREAM_BYTES:
        raise ImageError(f"is a stream of more than {MAX_STREAM_BYTES >> 20} MiB, too long for a picture")
    return io.BytesIO(data)


def _decode(file: IO[bytes], name: str, max_pixels: int) -> NDArray[np.uint8]:
    header = file.read(32)
    if not header:
        raise ImageError("is empty (0 bytes)")
    plugin = next(((module, name) for magic, module, name in _MAGIC if header.startswith(magic)), None)
    if plugin is None or (plugin[0] == "WebPImagePlugin" and header[8:12] != b"WEBP"):
        raise ImageError("is not a picture of a known format; wanted JPEG, PNG, WebP, BMP, GIF or TIFF")
    if plugin[0] == "WebPImagePlugin":  # Pillow makes room for the whole canvas on opening
        _check_size(_webp_size(header), max_pixels)
    file.seek(0)
    opener = getattr(import_module(f"PIL.{plugin[0]}"), plugin[1])
    kind = plugin[1].removesuffix("ImageFile").upper()
    try:
        with opener(file) as image:
            _check_size(image.size, max_pixels)
            frames = getattr(image, "is_animated", False)
            image.load()
            rgb = _upright(_to_rgb(image), _orientation(image))
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"needs more memory than there is to decode ({kind})") from error
    except Exception as error:  # decoders raise a dozen kinds: SyntaxError, struct.error, zlib.error, KeyError...
        raise ImageError(f"is a damaged or unsupported {kind} file: {_reason(error)}") from error
    if frames:
        log.warning("%s has several frames; only the first is used", name)
    return rgb


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if text else type(error).__name__


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"is {width}x{height} pixels, too small to show a face; wanted at least {MIN_SIDE}x{MIN_SIDE}")
    if width * height > max_pixels:
        raise ImageError(
            f"is {width}x{height} pixels ({width * height / 1e6:.1f} megapixels), over the limit of "
            f"{max_pixels / 1e6:g} megapixels; raise the limit to read it"
        )


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


def _to_rgb(image: PilImage.Image) -> NDArray[np.uint8]:
    mode = image.mode
    if mode.startswith("I;16") or mode in ("I", "F"):
        return np.repeat(_wide_grey(np.asarray(image))[:, :, None], 3, axis=2)
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _over_white(np.asarray(image.convert("RGBA")))
    if mode == "L":
        return np.repeat(np.asarray(image)[:, :, None], 3, axis=2)
    return np.asarray(image if mode == "RGB" else image.convert("RGB"))


def _wide_grey(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey of 16 bits, or 32 bits, or floating point, to 8 bits: by its full range, not clipped as Pillow would."""
    if values.dtype.kind == "f":
        top = 1.0 if np.nanmax(values, initial=0.0) <= 1.0 else 255.0
        return np.nan_to_num(np.clip(values * (255.0 / top), 0, 255)).astype(np.uint8)
    if values.dtype == np.uint16 or values.max(initial=0) > 255:
        return (np.clip(values, 0, 65535).astype(np.uint32) * 255 // 65535).astype(np.uint8)
    return np.clip(values, 0, 255).astype(np.uint8)


def _over_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    alpha = rgba[:, :, 3:].astype(np.uint16)
    mixed = rgba[:, :, :3] * alpha + 255 * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


def _orientation(image: PilImage.Image) -> int:
    """The EXIF orientation, 1 to 8; damaged EXIF data does not spoil a good picture."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1


def _upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo the rotation and mirroring that EXIF orientation 2 to 8 names."""
    if orientation in (5, 6, 7, 8):
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)


__all__ = ["MAX_PIXELS", "Picture", "as_rgb", "load_image"]

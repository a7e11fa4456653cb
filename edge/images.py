"""Pictures in any form a program holds them in, as upright RGB."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from edge.decoding import MAX_BYTES, MAX_PIXELS, check_size, decode, orientation_of, reduction, upright
from edge.errors import ImageError
from edge.naming import one_line, unicode_name
from edge.pixels import to_rgb
from edge.types import Detection


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A decoded picture, which may be smaller than the one in the file.

    Attributes:
        rgb: uint8 (H, W, 3), RGB, upright.
        width: Width of the upright picture in the file, in pixels.
        height: Its height.
    """

    rgb: NDArray[np.uint8]
    width: int
    height: int

    def place(self, face: Detection) -> Detection:
        """A face in pixels of ``rgb`` as one in pixels of the picture in the file."""
        height, width = self.rgb.shape[:2]
        return face.scaled(self.width / width, self.height / height)


# What a picture may come as.
Picture = str | Path | bytes | NDArray[np.uint8] | DecodedImage | PilImage.Image

# A pipe or standard input says no size beforehand, and is held in memory.
MAX_STREAM_BYTES = 64 * 1024 * 1024


def load_image(source: str | Path | bytes, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Decode one picture to upright RGB; what `open_image` gives, without the size in the file."""
    return open_image(source, max_pixels=max_pixels).rgb


def open_image(source: str | Path | bytes, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> DecodedImage:
    """Decode one picture.

    JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF and, with the extra ``heic``, HEIC are read; of several frames the first.
    Grey, palette, CMYK and 16-bit pictures are converted, transparency is laid over white, and the EXIF orientation is
    applied. Above 12.6 megapixels the picture is reduced by a whole factor.

    Args:
        source: A file's path, or the encoded picture itself as bytes.
        max_pixels: Largest width times height that is decoded.
        max_bytes: Most memory in bytes that decoding may take.

    Raises:
        ImageError: The file is missing, unreadable, no picture, damaged, too small or too large.
    """
    limits = {"max_pixels": max_pixels, "max_bytes": max_bytes}
    try:
        if isinstance(source, bytes):
            rgb, size = decode(io.BytesIO(source), "picture", held=len(source), **limits)
        else:
            with Path(source).open("rb") as file:
                content, held = _seekable(file)
                rgb, size = decode(content, one_line(unicode_name(source)), held=held, **limits)
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise ImageError(f"cannot be read: {error}") from error
    return DecodedImage(rgb, *size)


def as_image(picture: Picture, *, bgr: bool = False) -> DecodedImage:
    """Whatever a program holds a picture in, as upright RGB.

    Args:
        picture: A file's path, an encoded picture as bytes, a PIL image, what ``open_image`` gave, or an array: uint8
            (H, W) grey or (H, W, 3).
        bgr: An array's colours are in OpenCV's order, blue first.

    Returns:
        The picture; its pixels are a view where an array was given in this form.

    Raises:
        ImageError: It is none of these, cannot be read, or is too small or too large.
    """
    if isinstance(picture, DecodedImage):
        return picture
    if isinstance(picture, str | Path):
        try:
            return open_image(picture)
        except ImageError as error:
            raise type(error)(f"{one_line(unicode_name(picture))} {error}") from error
    if isinstance(picture, bytes | bytearray | memoryview):
        return open_image(bytes(picture))
    if isinstance(picture, np.ndarray):
        rgb = _from_array(picture, bgr)
        return DecodedImage(rgb, rgb.shape[1], rgb.shape[0])
    if isinstance(picture, PilImage.Image):
        check_size(picture.size)
        orientation = orientation_of(picture)
        width, height = picture.size if orientation < 5 else picture.size[::-1]
        return DecodedImage(upright(to_rgb(picture, reduction(picture.size)), orientation), width, height)
    raise ImageError(f"a picture cannot be a {type(picture).__name__}; wanted a path, bytes, a PIL image or an array")


def _from_array(array: NDArray[Any], bgr: bool) -> NDArray[np.uint8]:
    grey = array.ndim == 2
    if array.dtype != np.uint8 or not (grey or (array.ndim == 3 and array.shape[2] == 3)):
        raise ImageError(
            f"the array is {array.dtype} of shape {array.shape}; wanted uint8 of shape (height, width) for grey "
            "or (height, width, 3) for colour"
        )
    check_size((array.shape[1], array.shape[0]))
    if grey:
        return np.repeat(array[:, :, None], 3, axis=2)
    return np.ascontiguousarray(array[:, :, ::-1] if bgr else array)


def _seekable(file: IO[bytes]) -> tuple[IO[bytes], int]:
    """A file in which one can go back, and how much memory it takes."""
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file, 0
    data = file.read(MAX_STREAM_BYTES + 1)
    if len(data) > MAX_STREAM_BYTES:
        raise ImageError(f"is a stream of more than {MAX_STREAM_BYTES >> 20} MiB, too long for a picture")
    return io.BytesIO(data), len(data)


__all__ = ["MAX_PIXELS", "MAX_STREAM_BYTES", "DecodedImage", "Picture", "as_image", "load_image", "open_image"]

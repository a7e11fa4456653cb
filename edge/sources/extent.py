"""Whether a recording's file ends before the end that it states itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def bytes_missing(path: Path) -> int:
    """How many bytes an AVI, MP4, QuickTime, Matroska or WebM file lacks by its own account; 0 where it states none.

    Only the sizes of the outermost parts are read: RIFF chunks, MP4's boxes, and Matroska's segment.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF":
            return max(_riff_end(file) - size, 0)
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return max(_boxes_end(file, size) - size, 0)
        if head[:4] == EBML:
            return max(_segment_end(file) - size, 0)
    return 0


def _riff_end(file: IO[bytes]) -> int:
    """AVI files above 1 GB are a row of RIFF chunks."""
    at = 0
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or head[:4] != b"RIFF":
            return at
        at += 8 + int.from_bytes(head[4:8], "little")


def _boxes_end(file: IO[bytes], size: int) -> int:
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:  # a 64-bit length follows
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # 0: up to the end of the file; others are no length
            return size
        at += length
    return at


def _segment_end(file: IO[bytes]) -> int:
    """A size of all ones, as browsers and killed programs leave it, is unknown."""
    file.seek(4)
    length = _number(file)
    if length is None:
        return 0
    file.seek(length, os.SEEK_CUR)
    if file.read(4) != SEGMENT:
        return 0
    length = _number(file)
    return 0 if length is None else file.tell() + length


def _number(file: IO[bytes]) -> int | None:
    """EBML's number of variable length: the first byte's leading zeros say how many bytes follow."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    more = 8 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & (0x7F >> more)]) + file.read(more), "big")
    return None if value == (1 << 7 * (more + 1)) - 1 else value


__all__ = ["bytes_missing"]

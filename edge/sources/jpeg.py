"""Cuts a run of JPEG pictures into single ones, by their segments (ITU-T T.81, annex B).

A picture may hold others, as EXIF thumbnails, and the two bytes of its end in a comment: searching for them is not
enough. A picture that was cut within its header may take the next one with it, but no thumbnail is taken for a frame.
"""

from __future__ import annotations

import re

START, END = b"\xff\xd8", 0xD9
_FIRST = re.compile(rb"\xff\xd8\xff")
# In a scan 0xFF is followed by 0, by a restart mark, or by more 0xFF: anything else is a mark.
_MARK = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_SCAN = 0xDA


class JpegSplitter:
    """Takes bytes as they come and gives whole pictures.

    Attributes:
        waiting: Bytes that are held.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._at = 0  # where the next mark is expected, or searched for in a scan
        self._in_scan = False

    @property
    def waiting(self) -> int:
        """Bytes that are held."""
        return len(self._held)

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self._held += data

    def next(self) -> bytes | None:
        """The next whole picture, encoded; None when more must come first.

        Raises:
            ValueError: A picture was cut off or is broken; it is skipped, call again.
        """
        if self._at == 0 and not self._begin():
            return None
        while True:
            mark = self._mark()
            if mark is None:
                return None
            self._at += 2
            if mark == END:
                picture = bytes(self._held[: self._at])
                self._drop(self._at)
                return picture
            if mark == START[1]:  # the next picture, within this one
                self._drop(self._at - 2)
                raise ValueError("a JPEG picture is cut off")
            if not self._pass(mark):
                return None

    def _begin(self) -> bool:
        found = _FIRST.search(self._held)
        if found is None:
            self._drop(max(len(self._held) - 2, 0))  # which may be the first bytes of a picture
            return False
        self._drop(found.start())
        self._at = 2
        return True

    def _mark(self) -> int | None:
        """The mark at, or in a scan after, the current place; None when it has not come yet."""
        if self._in_scan:
            found = _MARK.search(self._held, self._at)
            self._at = found.start() if found else max(len(self._held) - 1, self._at)
            self._in_scan = found is None
        else:
            while self._held[self._at : self._at + 2] == b"\xff\xff":  # padding
                self._at += 1
        if self._in_scan or len(self._held) < self._at + 2:
            return None
        if self._held[self._at] != 0xFF:
            self._drop(self._at)
            raise ValueError("a JPEG picture is broken")
        return self._held[self._at + 1]

    def _pass(self, mark: int) -> bool:
        """Go over a segment; False, and back to its mark, when its length has not come yet."""
        if mark == 0x01 or 0xD0 <= mark <= 0xD7:
            return True
        if len(self._held) < self._at + 2:
            self._at -= 2
            return False
        self._at += int.from_bytes(self._held[self._at : self._at + 2], "big")
        self._in_scan = mark == _SCAN
        return True

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self._at, self._in_scan = 0, False


__all__ = ["JpegSplitter"]

"""File names as text: they may hold any bytes but NUL and "/"; JSON wants Unicode, and a terminal one line."""

from __future__ import annotations

import os
from pathlib import Path


def unicode_name(path: str | Path) -> str:
    r"""A file name as valid Unicode; bytes that are not UTF-8 become ``\xff`` and the like."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def one_line(text: str) -> str:
    r"""Text with line breaks and other control characters as ``\n``, ``\x1b`` and the like, safe in a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


__all__ = ["one_line", "unicode_name"]

"""A folder of pictures, one frame each."""

from __future__ import annotations

import re
import time
from pathlib import Path

from edge.errors import ImageError, SourceError
from edge.images import load_image
from edge.sources.base import Frame, SourceBase
from edge.sources.files import SUFFIXES


class FolderSource(SourceBase):
    """The pictures of one folder in natural order: by name, but numbers in it by their value.

    Args:
        folder: Not searched recursively.
        fps: Frames a second that the pictures stand for.
    """

    live = False

    def __init__(self, folder: Path | str, *, fps: float = 25.0) -> None:
        self._folder = Path(folder)
        self.fps = fps
        self.name = str(folder)
        self._files: list[Path] = []
        self._next = 0

    def open(self) -> None:
        """List the pictures; raises SourceError when there is none."""
        try:
            files = [path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES]
        except OSError as error:
            raise SourceError(f"cannot list {self._folder}: {error.strerror}; give a folder of pictures") from error
        if not files:
            raise SourceError(f"{self._folder} holds no pictures; wanted files such as 0.jpg, 1.jpg")
        self._files, self._next = sorted(files, key=_order), 0

    def read(self, timeout_s: float) -> Frame | None:
        """The next picture, or None after the last; raises SourceError for one that cannot be read."""
        if self._next >= len(self._files):
            return None
        started = time.perf_counter()
        path, time_s = self._files[self._next], self._next / self.fps
        self._next += 1
        try:
            rgb = load_image(path)
        except ImageError as error:
            raise SourceError(f"{path}: {error}") from error
        return Frame(rgb, time_s, read_ms=(time.perf_counter() - started) * 1000)


def _order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """As people count: run1_9, run1_10, run2_1."""
    parts = re.split(r"([0-9]+)", path.name.lower())
    return [(int(part), "") if index % 2 else (0, part) for index, part in enumerate(parts)], path.name


__all__ = ["FolderSource"]

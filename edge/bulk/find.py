"""Finds the pictures that a listing shall name: in a folder, by a pattern, in a text file, in object storage."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from edge.bulk.storage import is_remote, split
from edge.errors import ConfigError
from edge.sources.files import SUFFIXES, walk

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".3gp", ".wmv"})
LISTED = 100_000


@dataclass(frozen=True, slots=True)
class Found:
    """One name.

    Attributes:
        path: Absolute, or an address in object storage.
        error: Why there is nothing to read, or None.
    """

    path: str
    error: str | None = None

    @property
    def is_video(self) -> bool:
        """Whether it is named like a video."""
        return _suffix(self.path) in VIDEO_SUFFIXES


def find(source: str, *, after: str | None = None, count: int = 0) -> Iterator[Found]:
    """Pictures and videos, always in the same order.

    Args:
        source: A folder, walked recursively; a pattern with ``*``, ``?``, ``[...]`` or ``**``; a ``.txt`` file with a
            path or an address a line; a picture; or any of these but text in object storage.
        after: Begin behind this path.
        count: How many were found up to there.

    Raises:
        ConfigError: It is none of these.
    """
    remote = is_remote(source)
    place = source if remote else os.path.abspath(source)  # noqa: PTH100 - resolve() would follow links
    wild = next((number for number, part in enumerate(place.split("/")) if set(part) & set("*?[")), None)
    if wild is not None and (remote or not os.path.lexists(place)):
        parts = place.split("/")
        base = "/".join(parts[:wild]) or "/"
        return (one for one in _walk(base, after) if one.error or _matches(one.path.split("/")[wild:], parts[wild:]))
    if remote or os.path.isdir(place):  # noqa: PTH112
        return _walk(place, after)
    if _suffix(place) == ".txt":
        return _lines(place, count)
    if not os.path.lexists(place):
        raise ConfigError(f"there is no {source}; wanted a folder, a pattern, a .txt file of paths, s3:// or gs://")
    if _suffix(place) in SUFFIXES | VIDEO_SUFFIXES:
        return iter([Found(place)] if after is None else [])
    raise ConfigError(f"{source} is no folder, picture or .txt file; write paths, one a line, into a .txt file")


def _lines(path: str, count: int) -> Iterator[Found]:
    try:
        with Path(path).open("rb") as file:
            for line in islice((line for line in file if line.strip(b"\r\n")), count, None):
                name = os.fsdecode(line.rstrip(b"\r\n"))
                yield Found(name if is_remote(name) else os.path.abspath(name))  # noqa: PTH100
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _walk(folder: str, after: str | None) -> Iterator[Found]:
    behind = after[len(folder) :].strip("/").split("/") if after is not None else []
    if is_remote(folder):
        yield from _walk_remote(folder.rstrip("/"), behind)
        return
    for picture in walk(folder, Path(), after=behind, suffixes=SUFFIXES | VIDEO_SUFFIXES, listed=LISTED):
        yield Found(picture.path, picture.error)


def _walk_remote(folder: str, after: Sequence[str]) -> Iterator[Found]:
    """Folder by folder, so that memory holds the names of one folder at a time."""
    from pyarrow import fs

    system, inner = split(folder)
    last = after[0] if after else ""
    if len(after) > 1:
        yield from _walk_remote(f"{folder}/{last}", after[1:])
    try:
        entries = system.get_file_info(fs.FileSelector(inner))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no {folder}") from error
    except OSError as error:
        raise ConfigError(f"{folder} cannot be listed: {error}") from error
    kinds = sorted((entry.base_name, entry.type == fs.FileType.Directory) for entry in entries)
    del entries
    for name, is_folder in kinds:
        if name <= last or name.startswith("."):
            continue
        if is_folder:
            yield from _walk_remote(f"{folder}/{name}", ())
        elif _suffix(name) in SUFFIXES | VIDEO_SUFFIXES:
            yield Found(f"{folder}/{name}")


def _matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path fits a pattern, folder by folder; ``**`` stands for any number of folders."""
    if not pattern or not names:
        return not pattern and not names
    if pattern[0] == "**":
        return len(pattern) == 1 or any(_matches(names[start:], pattern[1:]) for start in range(len(names)))
    return fnmatch.fnmatchcase(names[0], pattern[0]) and _matches(names[1:], pattern[1:])


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - a third of Path's time


__all__ = ["VIDEO_SUFFIXES", "Found", "find"]

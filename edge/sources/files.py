"""Pictures named on a command line: files, folders walked recursively, and "-" for standard input."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from heapq import nsmallest
from importlib.util import find_spec
from pathlib import Path

from edge.sources.address import is_address, without_password

HEIC = frozenset({".heic", ".heif", ".hif"})
# Read where they lie in folders; HEIC only where its extra is installed.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif"}
    | (HEIC if find_spec("pillow_heif") else set())
)
VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".3gp"})
STDIN = "-"
LISTED = 5000
ADDRESS = (
    "is an address, not a file; for a picture: curl -s ADDRESS | emotion-edge predict -, "
    "for a camera: emotion-edge stream --source ADDRESS"
)
# Suffix to number of files.
Skipped = Counter[str]


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture to read.

    Attributes:
        path: Where it is; ``-`` for standard input.
        target: Relative path for files made from it; no two pictures of one run share it.
        error: Why there is nothing to read, or None.
    """

    path: str
    target: Path
    error: str | None = None


def find_pictures(
    paths: Sequence[str], *, skip: Path | None = None, skipped: Skipped | None = None
) -> Iterator[Picture]:
    """List pictures one by one, so that memory does not grow with their number.

    Folders are walked recursively in alphabetical order. Files in them count by their suffix; hidden ones, and links to
    folders, are passed over. A file named itself counts whatever its name is.

    Args:
        paths: Files, folders and "-".
        skip: A folder that is not walked: where results of this run go.
        skipped: Counts files in folders that are no pictures by their suffix.

    Yields:
        Pictures; also, with ``error`` set, paths that do not exist and folders without pictures.
    """
    for path, target in zip(paths, _targets(paths), strict=True):
        if path == STDIN or not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a parent is closed
            if is_address(path) and not os.path.lexists(path):
                yield Picture(without_password(path), target, ADDRESS)
            else:
                yield Picture(path, target)
            continue
        # One folder's files come out directly; several keep apart by their names.
        base = Path() if len(paths) == 1 else target
        empty = True
        for picture in walk(path, base, skip.resolve() if skip else None, skipped=skipped):
            empty = False
            yield picture
        if empty:
            yield Picture(
                path,
                target,
                "is a folder without pictures (wanted .jpg, .png, .webp, .bmp, .gif, .tif, .avif or .heic)",
            )


def walk(
    folder: str,
    target: Path,
    skip: Path | None = None,
    *,
    after: Sequence[str] = (),
    suffixes: AbstractSet[str] = SUFFIXES,
    listed: int = LISTED,
    skipped: Skipped | None = None,
) -> Iterator[Picture]:
    """Pictures of a folder and the folders in it, in alphabetical order.

    Args:
        folder: Where to begin.
        target: What the pictures' ``target`` begins with.
        skip: A folder, resolved, that is not walked.
        after: Begin behind this one: its path in the folder, part by part.
        suffixes: Which files count.
        listed: Names that are held in memory at a time.
        skipped: Counts files that do not count by their suffix.
    """
    last, first = after[0] if after else "", True
    if len(after) > 1:
        rest = {"after": after[1:], "suffixes": suffixes, "listed": listed}
        yield from walk(os.path.join(folder, last), target / last, skip, **rest, skipped=skipped)  # type: ignore[arg-type]  # noqa: PTH118
    while True:
        try:
            entries = _list(folder, last, suffixes, listed, skipped if first else None)
        except OSError as error:
            yield Picture(folder, target, f"cannot be listed: {error.strerror}")
            return
        for name, is_folder in entries:
            path = os.path.join(folder, name)  # noqa: PTH118 - pathlib would drop a leading "./"
            if is_folder:
                if skip is None or Path(path).resolve() != skip:
                    yield from walk(path, target / name, skip, suffixes=suffixes, listed=listed, skipped=skipped)
            else:
                yield Picture(path, target / name)
        if len(entries) < listed:
            return
        last, first = entries[-1][0], False


def _list(
    folder: str, after: str, suffixes: AbstractSet[str], listed: int, skipped: Skipped | None
) -> list[tuple[str, bool]]:
    """The next names in a folder, in order, and whether each is a folder: a part at a time, as it may hold millions."""
    with os.scandir(folder) as found:
        names = (
            (entry.name, entry.is_dir(follow_symlinks=False))
            for entry in found
            if entry.name > after and _wanted(entry, suffixes, skipped)
        )
        return nsmallest(listed, names)


def _wanted(entry: os.DirEntry[str], suffixes: AbstractSet[str], skipped: Skipped | None) -> bool:
    """Folders, and files that look like pictures; also broken links, to be reported; no pipes, which would block."""
    if entry.name.startswith("."):
        return False
    if entry.is_dir(follow_symlinks=False):
        return True
    suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - a third of Path's time
    if suffix in suffixes:
        return _is_file(entry) or (entry.is_symlink() and not os.path.exists(entry.path))  # noqa: PTH110
    if skipped is not None and suffix != ".part" and _is_file(entry):  # what results grow in is no file of the user's
        skipped[suffix or "without a suffix"] += 1
    return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself, or into a closed folder
        return False


def _targets(paths: Sequence[str]) -> list[Path]:
    """Each path's own name, with a number added where two are the same."""
    seen: set[str] = set()
    targets = []
    for path in paths:
        name = "stdin" if path == STDIN else os.path.basename(os.path.abspath(path)) or "root"  # noqa: PTH100, PTH119
        unique, count = name, 1
        while unique in seen:
            count += 1
            unique = f"{Path(name).stem}-{count}{Path(name).suffix}"
        seen.add(unique)
        targets.append(Path(unique))
    return targets


__all__ = ["HEIC", "STDIN", "SUFFIXES", "VIDEOS", "Picture", "Skipped", "find_pictures", "walk"]

"""Whole photos with a label each.

Layout: ``images/`` and ``labels.csv`` with the columns image, label and person. All photos of a person
are in the same part: for training, for choosing between models, or for measuring.
"""

from __future__ import annotations

import csv
import logging
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from common.datasets import DataError, content_hash
from edge.errors import ImageError
from edge.images import load_image
from edge.labels import EMOTIONS

COLUMNS = "image", "label", "person"

logger = logging.getLogger(__name__)


def photo_list(folder: Path, split: str, *, held_out: Path | None = None) -> list[tuple[Path, int]]:
    """(path, index of its label) of the photos of one split, divided by person.

    A photo that cannot be read is named in the log and left out; one that lies in two parts stays in the first.

    Args:
        folder: The photos.
        split: ``train`` or ``valid``, halves of the people; ``choose`` or ``measure``, a third and the rest of the
            people in ``valid``; or ``all``.
        held_out: Another folder of photos: everybody is in ``train`` then but the people of its ``valid``.

    Raises:
        DataError: There is no usable ``labels.csv``, or it names a class that is not ours.
    """
    listed = _photos(Path(folder).resolve())
    if held_out is not None and Path(held_out).resolve() != Path(folder).resolve():
        kept = {person for _, _, person in _photos(Path(held_out).resolve()) if part(person) != "train"}
        return [(path, label) for path, label, person in listed if (person in kept) != (split == "train")]
    inside = {"all": ("train", "choose", "measure"), "valid": ("choose", "measure")}.get(split, (split,))
    return [(path, label) for path, label, person in listed if part(person) in inside]


def part(person: str) -> str:
    """Which part a person's photos are in: ``train`` (half of the people), ``choose`` (a sixth) or ``measure``."""
    drawn = zlib.crc32(person.encode())
    return "train" if drawn % 2 == 0 else "choose" if drawn // 2 % 3 == 0 else "measure"


@cache  # several splits of one folder are wanted, and each photo is decoded
def _photos(folder: Path) -> tuple[tuple[Path, int, str], ...]:
    """(path, index of its label, person) of every photo that can be read."""
    sides: dict[bytes, str] = {}
    listed, crossing = [], 0
    for image, label, person in _rows(folder / "labels.csv"):
        path = folder / "images" / image
        try:
            digest = content_hash(load_image(path))
        except ImageError as error:
            logger.warning("skipped %s: %s", image, error)
            continue
        side = part(person)
        if sides.setdefault(digest, side) != side:
            crossing += 1
            continue
        listed.append((path, label, person))
    if crossing:
        logger.warning("left out %d photos that are also in another part, under another person", crossing)
    return tuple(listed)


def _rows(table: Path) -> Iterator[tuple[str, int, str]]:
    """(image, index of its label, person) of each row; commas or semicolons, with or without a byte order mark."""
    if not table.is_file():
        raise DataError(f"no {table}; photos need images/ and labels.csv with the columns image, label, person")
    with table.open(newline="", encoding="utf-8-sig") as file:
        head = file.readline()
        file.seek(0)
        rows = csv.DictReader(file, delimiter=";" if head.count(";") > head.count(",") else ",")
        absent = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if absent:
            got = ", ".join(rows.fieldnames or ()) or "nothing"
            raise DataError(f"{table} lacks the column {', '.join(absent)}; got {got}; wanted {', '.join(COLUMNS)}")
        for row in rows:
            if None in row.values():
                raise DataError(f"{table}, line {rows.line_num}: wanted {', '.join(COLUMNS)}")
            if row["label"] not in EMOTIONS:
                raise DataError(f"{table} names the class {row['label']!r}; wanted one of {', '.join(EMOTIONS)}")
            yield row["image"], EMOTIONS.index(row["label"]), row["person"]


__all__ = ["part", "photo_list"]

"""Whole photos with a label each: their faces are found and cropped as on the device.

Layout: ``images/`` and ``labels.csv`` with the columns image, label and person. A person's photos are either all for
training or all for measuring.
"""

from __future__ import annotations

import csv
import logging
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from common.datasets import DataError, Faces, content_hash
from edge.detectors.haar import HaarDetector
from edge.errors import ImageError
from edge.images import load_image
from edge.labels import EMOTIONS
from edge.preprocess import InputSpec

COLUMNS = "image", "label", "person"
MARGINS = (-0.06, 0.0, 0.1)  # one crop each: a detector's boxes are uneven

logger = logging.getLogger(__name__)


def photo_list(folder: Path, split: str) -> list[tuple[Path, int]]:
    """(path, index of its label) of the photos of one split: ``train`` or ``valid``, halves by person, or ``all``.

    A photo that cannot be read is named in the log and left out; one that lies in both halves stays in the first.

    Raises:
        DataError: There is no usable ``labels.csv``, or it names a class that is not ours.
    """
    return [(path, label) for path, label, side in _photos(Path(folder).resolve()) if split in (side, "all")]


@cache  # several splits of one folder are wanted, and each photo is decoded
def _photos(folder: Path) -> tuple[tuple[Path, int, str], ...]:
    sides: dict[bytes, str] = {}
    listed, crossing = [], 0
    for image, label, person in _rows(folder / "labels.csv"):
        path = folder / "images" / image
        try:
            digest = content_hash(load_image(path))
        except ImageError as error:
            logger.warning("skipped %s: %s", image, error)
            continue
        side = ("train", "valid")[zlib.crc32(person.encode()) % 2]
        if sides.setdefault(digest, side) != side:
            crossing += 1
            continue
        listed.append((path, label, side))
    if crossing:
        logger.warning("left out %d photos that are also in the other half, under another person", crossing)
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


def photo_faces(
    folder: Path,
    split: str,
    *,
    size: int = 48,
    channels: int = 1,
    margins: Sequence[float] = MARGINS,
    rare: int = 3,
    sure: float = 0.9,
    balance: float = 0.0,
    brighten: bool = True,
) -> Faces:
    """Crops of the photos' largest faces to train on, several margins each; the whole photo where none is found.

    Args:
        folder: The photos.
        split: ``train``, ``valid`` or ``all``.
        size: Height and width of the crops.
        channels: 1 grey, 3 RGB.
        margins: One crop each, as shares of the face box added on every side.
        rare: How often the crops of Angry, Sad and Surprise are repeated, of which there are few.
        sure: Probability of the given label in the targets: one student's opinion is not certain.
        balance: How far each photo's logits are offset by the log frequency of the classes among the photos while a
            network learns from it, so that it names rare ones as readily (logit adjustment, Menon et al. 2021).
        brighten: Brighten dark faces, as a model that states so wants them.
    """
    detector, images, labels, names = HaarDetector(), [], [], []
    specs = [InputSpec(size, size, channels, margin, brighten) for margin in margins]
    listed = photo_list(folder, split)
    for path, label in listed:
        photo = load_image(path)
        repeats = rare if EMOTIONS[label] in ("Angry", "Sad", "Surprise") else 1
        found = detector.detect(photo)
        crops = [spec.prepare(photo, found[0].box) for spec in specs] if found else [specs[0].prepare(photo)]
        for crop in crops:
            images += [crop] * repeats
            labels += [label] * repeats
            names += [path.name] * repeats
    if not images:
        raise DataError(f"{folder} has no photo for the split {split!r}: labels.csv names nobody of that half")
    index = np.array(labels, np.int64)
    spread = (1 - sure) / len(EMOTIONS)
    targets = np.eye(len(EMOTIONS), dtype=np.float32)[index] * np.float32(sure) + np.float32(spread)
    shares = np.bincount([label for _, label in listed], minlength=len(EMOTIONS)) / len(listed)
    # A class without a photo here would be offset without end.
    offsets = np.tile(balance * np.log(np.maximum(shares, 1e-3)), (len(index), 1)).astype(np.float32)
    return Faces(np.stack(images), targets, index, np.ones(len(index), bool), tuple(names), offsets)


__all__ = ["MARGINS", "photo_faces", "photo_list"]

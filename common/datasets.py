"""Data sets: a folder per class, the FER+ layout and Kaggle's fer2013.csv, all read into one form."""

from __future__ import annotations

import csv
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.crops import CROP_PX, face_crop, padded
from edge.errors import EdgeError, ImageError
from edge.images import load_image
from edge.labels import EMOTIONS
from edge.preprocess import InputSpec

PICTURES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
FERPLUS_COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
OURS = (4, 1, 0, 3, 2)  # the columns above in the order of EMOTIONS
SPLITS = {
    "train": ("Training", "FER2013Train"),
    "valid": ("PublicTest", "FER2013Valid"),
    "test": ("PrivateTest", "FER2013Test"),
}
FER2013_CLASSES = {0: "Angry", 3: "Happy", 4: "Sad", 5: "Surprise", 6: "Neutral"}  # 1 disgust and 2 fear are not ours

SPEC = InputSpec(48, 48, 1, brighten=True)  # what our network reads of grey pictures

logger = logging.getLogger(__name__)


class DataError(EdgeError):
    """A data set that cannot be trained on: what is wrong with it and what to do."""


@dataclass(frozen=True, slots=True)
class Faces:
    """Pictures of faces with what people said of them.

    Attributes:
        images: uint8 (N, H, W, C), C = 1 grey or 3 RGB, prepared as on the device.
        targets: float32 (N, 5), the distribution over EMOTIONS; rows sum to 1.
        labels: int64 (N,), index of the label a picture is measured against (plurality of the votes).
        majority: bool (N,), more than half of all votes agree (the published FER+ protocol).
        names: One name a picture.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    labels: NDArray[np.int64]
    majority: NDArray[np.bool_]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def pick(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Faces:
        """These rows only, by index or mask."""
        names = tuple(np.asarray(self.names)[index].tolist())
        return Faces(
            self.images[index],
            self.targets[index],
            self.labels[index],
            self.majority[index],
            names,
        )

    def counts(self) -> dict[str, int]:
        """Pictures of each class."""
        return {name: int((self.labels == i).sum()) for i, name in enumerate(EMOTIONS)}


def load(folder: Path, split: str, spec: InputSpec = SPEC, *, around: float = 1.0, outlier_votes: int = 1) -> Faces:
    """Read one split of a data set of any known layout.

    Args:
        folder: FER+ (``fer2013new.csv`` next to ``FER2013Train/``...), Kaggle's (``fer2013.csv``, with
            ``fer2013new.csv`` or without), or a folder per class (``Angry/`` ... or ``images/Angry/`` ...), which
            has no split of its own and is divided 80/20, stratified, the same way every time.
        split: ``train``, ``valid`` or ``test``; of a folder per class also ``all``.
        spec: What the network reads. The pictures of FER2013 are crops of faces; those of a folder per class may be, or
            photos in which the largest face is found as on the device.
        around: So many times the side of the face's frame are shown, for training pictures that move.
        outlier_votes: Votes up to this many for a class are dropped as slips (Barsoum et al. 2016).

    Raises:
        DataError: The folder is none of these, or cannot be trained on.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"no folder {folder}; give a data set's folder with --data")
    if (folder / "fer2013.csv").is_file():
        faces = _kaggle(folder, split, spec, around, outlier_votes)
    elif (folder / "fer2013new.csv").is_file():
        faces = _ferplus(folder, split, spec, around, outlier_votes)
    else:
        faces = _class_folders(folder, split, spec, around)
    missing = [name for name, count in faces.counts().items() if not count]
    if missing:
        raise DataError(f"{folder}: the {split} split has no picture of {', '.join(missing)}; every class needs some")
    return faces


def has_class_folders(folder: Path) -> bool:
    """Whether a data set is a folder per class."""
    return not any((Path(folder) / name).is_file() for name in ("fer2013.csv", "fer2013new.csv"))


def label_rules(folder: Path) -> dict[str, str]:
    """What counts as right in a data set: name of the rule -> the rule in words; FER+ votes allow two."""
    if (Path(folder) / "fer2013new.csv").is_file():
        rules = {
            "majority": "the emotion that more than 50 % of all votes name",
            "plurality": "plurality of all votes, where that is one of the five emotions",
        }
        own = (Path(folder) / "fer2013_original_labels.csv").is_file()
        return rules | ({"original": "FER2013's own label, where that is one of the five emotions"} if own else {})
    if (Path(folder) / "fer2013.csv").is_file():
        return {"label": "the one label of fer2013.csv (without disgust and fear)"}
    return {"label": "the picture's folder"}


def original_labels(folder: Path, names: Iterable[str]) -> NDArray[np.int64]:
    """FER2013's own label of each picture of FER+, as an index of EMOTIONS; -1 where it is none of them or not known.

    Args:
        folder: Holds ``fer2013_original_labels.csv`` with the columns Image name and fer2013 (angry, happy...).
        names: The pictures.

    Raises:
        DataError: There is no such file.
    """
    path = Path(folder) / "fer2013_original_labels.csv"
    if not path.is_file():
        raise DataError(f"no {path}; it gives FER2013's own label (columns Image name, fer2013) of FER+'s pictures")
    with path.open(newline="", encoding="utf-8-sig") as file:
        known = {row["Image name"]: row["fer2013"].capitalize() for row in csv.DictReader(file)}
    labels = (known.get(name) for name in names)
    return np.array([EMOTIONS.index(label) if label in EMOTIONS else -1 for label in labels], np.int64)


def votes_to_targets(votes: NDArray[np.integer], outlier_votes: int = 1) -> NDArray[np.float32]:
    """Votes for our five emotions -> a distribution each; rows without a vote left are all 0.

    Args:
        votes: (N, 5) counts in the order of EMOTIONS.
        outlier_votes: Counts up to this many are taken for slips of a finger and dropped (Barsoum et al. 2016).
    """
    kept = np.where(votes > outlier_votes, votes, 0).astype(np.float32)
    return kept / np.maximum(kept.sum(axis=1, keepdims=True), 1e-6)


def _by_votes(
    names: list[str], votes: NDArray[np.int64], read: Callable[[str], NDArray[np.uint8]], outlier_votes: int
) -> Faces:
    """Keep the pictures whose most frequent vote is one of ours."""
    targets = votes_to_targets(votes[:, OURS], outlier_votes)
    keep = np.isin(votes.argmax(axis=1), OURS) & (targets.sum(axis=1) > 0)
    chosen = [(i, names[i]) for i in np.flatnonzero(keep)]
    rows, images = _read_all(chosen, read)
    votes = votes[rows]
    return Faces(
        images,
        targets[rows],
        np.array([OURS.index(top) for top in votes.argmax(axis=1)], np.int64),  # ties as in FER+'s column order
        votes.max(axis=1) * 2 > votes.sum(axis=1),
        tuple(names[i] for i in rows),
    )


def _by_label(names: list[str], labels: list[str], read: Callable[[str], NDArray[np.uint8]]) -> Faces:
    chosen = list(enumerate(names))
    rows, images = _read_all(chosen, read)
    index = np.array([EMOTIONS.index(labels[i]) for i in rows], np.int64)
    targets = np.eye(len(EMOTIONS), dtype=np.float32)[index]
    agreed = np.ones(len(index), bool)
    return Faces(images, targets, index, agreed, tuple(names[i] for i in rows))


def _read_all(
    chosen: list[tuple[int, str]], read: Callable[[str], NDArray[np.uint8]]
) -> tuple[list[int], NDArray[np.uint8]]:
    """Read pictures by name; a broken one is named in the log and left out."""
    rows, images = [], []
    for row, name in chosen:
        try:
            images.append(read(name))
        except ImageError as error:
            logger.warning("skipped %s: %s", name, error)
            continue
        rows.append(row)
    if not images:
        raise DataError("no readable picture in this split; see the warnings above, or give another folder")
    return rows, np.stack(images)


def _reader(folder: Path, spec: InputSpec, around: float) -> Callable[[str], NDArray[np.uint8]]:
    return lambda name: padded(spec.prepare(load_image(folder / name)), around)


def _ferplus(folder: Path, split: str, spec: InputSpec, around: float, outlier_votes: int) -> Faces:
    usage, subfolder = _names_of(split)
    if not (folder / subfolder).is_dir():
        raise DataError(f"{folder} has fer2013new.csv but no folder {subfolder} for the {split} split")
    rows = [row for row in _votes(folder / "fer2013new.csv") if row[0] == usage and row[1]]
    names, votes = [row[1] for row in rows], np.array([row[2] for row in rows], np.int64)
    return _by_votes(names, votes, _reader(folder / subfolder, spec, around), outlier_votes)


def _names_of(split: str) -> tuple[str, str]:
    """Kaggle's and FER+'s names of a split."""
    if split not in SPLITS:
        raise DataError(f"no split {split!r} in FER2013; there are {', '.join(SPLITS)}")
    return SPLITS[split]


def _votes(path: Path) -> Iterator[tuple[str, str, list[int]]]:
    """(usage, picture's name, ten counts) of each row."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        absent = {"Usage", "Image name", *FERPLUS_COLUMNS} - set(table.fieldnames or ())
        if absent:
            raise DataError(f"{path} lacks the columns {', '.join(sorted(absent))}; it should be FER+'s fer2013new.csv")
        for row in table:
            try:
                yield row["Usage"], row["Image name"], [int(row[name]) for name in FERPLUS_COLUMNS]
            except (TypeError, ValueError) as error:
                raise DataError(f"{path}, line {table.line_num}: votes must be whole numbers") from error


def _kaggle(folder: Path, split: str, spec: InputSpec, around: float, outlier_votes: int) -> Faces:
    usage = _names_of(split)[0]
    pixels: dict[str, str] = {}
    labels: dict[str, int] = {}
    with (folder / "fer2013.csv").open(newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        if {"emotion", "pixels", "Usage"} - set(table.fieldnames or ()):
            raise DataError(f"{folder / 'fer2013.csv'} needs the columns emotion, pixels, Usage")
        for number, row in enumerate(table):
            if row["Usage"] == usage:
                if not row["emotion"].isdigit():
                    where = f"{folder / 'fer2013.csv'}, line {table.line_num}"
                    raise DataError(f"{where}: emotion must be a whole number; got {row['emotion']!r}")
                name = f"fer{number:07d}.png"
                pixels[name], labels[name] = row["pixels"], int(row["emotion"])

    def read(name: str) -> NDArray[np.uint8]:
        try:
            grey = np.array(pixels[name].split(), np.uint8).reshape(48, 48)
        except ValueError as error:
            raise ImageError(f"row {name} of fer2013.csv is not 48x48 values of 0 to 255") from error
        return padded(spec.prepare(np.repeat(grey[..., None], 3, axis=2)), around)

    if (folder / "fer2013new.csv").is_file():
        rows = [row for row in _votes(folder / "fer2013new.csv") if row[1] in pixels]
        return _by_votes([row[1] for row in rows], np.array([row[2] for row in rows], np.int64), read, outlier_votes)
    names = [name for name, label in labels.items() if label in FER2013_CLASSES]
    return _by_label(names, [FER2013_CLASSES[labels[name]] for name in names], read)


def _class_folders(folder: Path, split: str, spec: InputSpec, around: float) -> Faces:
    root = folder / "images" if (folder / "images").is_dir() else folder
    found = _folders_by_class(root)
    names: list[str] = []
    labels: list[str] = []
    images: dict[str, NDArray[np.uint8]] = {}
    seen: dict[bytes, tuple[str, str]] = {}
    duplicates = whole = 0
    for label in EMOTIONS:
        files = _pictures(found[label], root) if label in found else []
        if not files:
            raise DataError(f"{root / label} has no pictures; every class needs some")
        for path in files:
            name = str(path.relative_to(root))
            try:
                rgb = load_image(path)
            except ImageError as error:
                logger.warning("skipped %s: %s", name, error)
                continue
            first, of = seen.setdefault(content_hash(rgb), (name, label))
            if of != label:
                raise DataError(f"the picture {path} is also in {of} ({first}); a picture has one label, remove one")
            if first != name:
                duplicates += 1
                continue
            images[name], has_face = face_crop(rgb, spec, around)
            whole += not has_face and min(rgb.shape[:2]) >= CROP_PX
            names.append(name)
            labels.append(label)
    if duplicates:
        logger.warning("left out %d pictures that are duplicates of others", duplicates)
    if whole:
        logger.warning("found no face in %d of %d pictures, which are used whole", whole, len(names))
    return _by_label(*_share(names, labels, split), images.__getitem__)


def content_hash(rgb: NDArray[np.uint8]) -> bytes:
    """A hash of a decoded picture, uint8 (H, W, 3): the same picture in two files or formats is one picture."""
    return hashlib.blake2b(repr(rgb.shape).encode() + np.ascontiguousarray(rgb).tobytes(), digest_size=16).digest()


def _folders_by_class(root: Path) -> dict[str, Path]:
    """Class -> its folder, in upper or lower case; folders of other classes are named in the log."""
    ours = {name.lower(): name for name in EMOTIONS}
    found: dict[str, Path] = {}
    for path in sorted(root.iterdir()):
        if not path.is_dir() or path.name.startswith("."):
            continue
        label = ours.get(path.name.lower())
        if label is None:
            number = sum(1 for file in path.rglob("*") if _is_picture(file))
            logger.warning("left out the folder %s with %d pictures: not one of our classes", path.name, number)
        elif label in found:
            raise DataError(
                f"{root} has {found[label].name} and {path.name}; put the pictures of a class in one folder"
            )
        else:
            found[label] = path
    if not found:
        raise DataError(
            f"{root} is no data set: wanted a folder per class ({', '.join(EMOTIONS)}), fer2013new.csv or fer2013.csv"
        )
    return found


def _pictures(folder: Path, root: Path) -> list[Path]:
    """The pictures below a folder, in order; what only has the name of one is named in the log."""
    files = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURES and not _is_picture(path):
            why = "a folder" if path.is_dir() else "macOS' notes on another file" if path.is_file() else "a broken link"
            logger.warning("skipped %s: %s, not a picture", path.relative_to(root), why)
        elif _is_picture(path):
            files.append(path)
    return files


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and path.is_file() and not path.name.startswith("._")


def _share(names: list[str], labels: list[str], split: str) -> tuple[list[str], list[str]]:
    """The 80 % for training, the 20 % for validation, stratified and the same every time, or all."""
    if split == "all":
        return names, labels
    from sklearn.model_selection import train_test_split

    try:
        parts = train_test_split(names, labels, test_size=0.2, stratify=labels, random_state=0)
    except ValueError as error:
        raise DataError(f"too few pictures to split 80/20: {error}") from error
    train_names, valid_names, train_labels, valid_labels = parts
    return (train_names, train_labels) if split == "train" else (valid_names, valid_labels)


__all__ = [
    "DataError",
    "Faces",
    "content_hash",
    "label_rules",
    "load",
    "original_labels",
    "votes_to_targets",
]

"""What models are chosen and measured on: faces of a data set, and the faces that the device finds in photos.

Nobody is in two parts: one is for choosing (settings, temperature, which network ships), the other for measuring, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.datasets import Faces, label_rules, load
from common.photos import photo_list
from edge.detectors import make_detector
from edge.detectors.pictures import find_faces
from edge.images import load_image
from edge.opencv import cv2
from edge.preprocess import InputSpec
from edge.types import Detection
from train.robustness import CHANGES, patch_of


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A photo's largest face.

    Attributes:
        path: The photo.
        label: Index of the label that one person gave the photo.
        detection: Where the face is; None where none was found, and the whole photo is read.
    """

    path: Path
    label: int
    detection: Detection | None


def watched_faces(data: Path, part: str, spec: InputSpec) -> Faces:
    """The validation split's first half to choose on, its second half to measure on, or all of it.

    A folder per class is too small to halve: all of its validation pictures are watched.
    """
    faces = load(data, "valid", spec)
    half = np.arange(len(faces)) < len(faces) // 2
    return (
        faces
        if part == "all" or "plurality" not in label_rules(data)
        else faces.pick(half if part == "choose" else ~half)
    )


def found_faces(
    folder: Path,
    part: str,
    progress: Callable[[Iterable[FoundFace], int], Iterable[FoundFace]] = lambda items, _: items,
) -> list[FoundFace]:
    """The largest face of each photo of people that are never trained on, as the device finds it.

    Args:
        folder: Photos; see ``common.photos.photo_list``.
        part: ``choose``, ``measure`` or ``all``, which has the people of both.
        progress: Wraps the iteration over photos, whose number is its second argument.
    """
    listed = photo_list(folder, "valid" if part == "all" else part)
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        return list(progress(pool.map(_find, *zip(*listed, strict=True), chunksize=8), len(listed)))


_detector = cache(make_detector)  # one a process


def _find(path: Path, label: int) -> FoundFace:
    found = find_faces(_detector(), load_image(path))
    return FoundFace(path, label, found[0] if found else None)


def prepared(faces: Iterable[FoundFace], spec: InputSpec) -> NDArray[np.uint8]:
    """What a model reads of each photo, the very crop that the device makes: uint8 (N, height, width, 3)."""
    made = []
    for face in faces:
        photo, found = load_image(face.path), face.detection
        made.append(spec.prepare(photo) if found is None else spec.prepare(photo, found.box, found.roll_deg))
    return np.stack(made)


def changed(faces: Iterable[FoundFace], spec: InputSpec) -> dict[str, NDArray[np.uint8]]:
    """What a model reads of each photo after each change of ``train.robustness``: name to (N, height, width, 3)."""
    made: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in CHANGES}
    for face in faces:
        patch = patch_of(load_image(face.path), face.detection, spec.margin)
        for name, change in CHANGES.items():
            made[name].append(spec.prepare(change(patch)))
    return {name: np.stack(pictures) for name, pictures in made.items()}


__all__ = ["FoundFace", "changed", "found_faces", "prepared", "watched_faces"]

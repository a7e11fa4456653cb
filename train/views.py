"""What a model is measured on: faces of a data set, and photos seen in several lights through the detector."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.photos import photo_list
from edge.detectors import make_detector
from edge.detectors.pictures import find_faces
from edge.images import load_image
from edge.opencv import cv2
from edge.preprocess import InputSpec, to_gray
from edge.types import Detection

LIGHTS: dict[str, tuple[float, float, float] | None] = {
    "as taken": (1.0, 1.0, 1.0),
    "grey": None,
    "warm": (1.15, 1.0, 0.75),
    "cold": (0.8, 1.0, 1.2),
    "half as bright": (0.5, 0.5, 0.5),
}
Seen = tuple[list[NDArray[np.uint8]], list[bool]]


@dataclass(frozen=True, slots=True)
class Photos:
    """Photos as the detector and one model's preprocessing deliver them.

    Attributes:
        pictures: uint8 (N, lights, height, width, 3) RGB, in the order of LIGHTS.
        found: bool (N, lights), whether a face was found; else the picture is the whole photo.
        labels: int64 (N,).
        unseen: bool (N,), people that were never trained on.
    """

    pictures: NDArray[np.uint8]
    found: NDArray[np.bool_]
    labels: NDArray[np.int64]
    unseen: NDArray[np.bool_]


def in_light(rgb: NDArray[np.uint8], light: str) -> NDArray[np.uint8]:
    """A photo in another light.

    ``grey`` is OpenCV's luma in all three channels. The others multiply red, green and blue as stored (not linear
    light) by their factors in LIGHTS, round to the nearest and clip at 255: ``warm`` is a lamp, ``cold`` the shade, and
    ``half as bright`` halves every value.

    Args:
        rgb: uint8 (H, W, 3).
        light: A key of LIGHTS.

    Returns:
        uint8 (H, W, 3).
    """
    factors = LIGHTS[light]
    if factors is None:
        return np.repeat(to_gray(rgb)[..., np.newaxis], 3, axis=2)
    return np.clip(np.rint(rgb * np.array(factors, np.float32)), 0, 255).astype(np.uint8)


def look(
    folder: Path,
    forms: Iterable[InputSpec],
    progress: Callable[[Iterable[Seen], int], Iterable[Seen]] = lambda seen, _: seen,
) -> dict[InputSpec, Photos]:
    """Detect, crop and resize every photo in every light, for several models at once.

    The detector is the device's; the largest face counts, or the whole photo where there is none.

    Args:
        folder: Photos; see ``common.photos.photo_list``.
        forms: What the models want.
        progress: Wraps the iteration over photos, whose number is its second argument.

    Raises:
        DataError: The folder has no usable ``labels.csv``.
        ImageError: A photo cannot be read.
    """
    listed, forms = photo_list(folder, "all"), tuple(dict.fromkeys(forms))
    unseen = {path for path, _ in photo_list(folder, "valid")}
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        work = pool.map(partial(_see, forms=forms), [path for path, _ in listed], chunksize=8)
        seen = list(progress(work, len(listed)))
    found = np.array([faces for _, faces in seen])
    labels = np.array([label for _, label in listed], np.int64)
    mask = np.array([path in unseen for path, _ in listed])
    return {
        form: Photos(np.stack([pictures[i] for pictures, _ in seen]), found, labels, mask)
        for i, form in enumerate(forms)
    }


_detector = cache(make_detector)  # one a process


def _see(path: Path, forms: Sequence[InputSpec]) -> Seen:
    """One photo: for each form uint8 (lights, height, width, 3), and whether a face was found in each light."""
    photo, detector = load_image(path), _detector()
    views = [in_light(photo, light) for light in LIGHTS]
    faces = [find_faces(detector, view)[:1] for view in views]
    made = [
        np.stack([_prepared(form, view, found) for view, found in zip(views, faces, strict=True)]) for form in forms
    ]
    return made, [bool(found) for found in faces]


def _prepared(form: InputSpec, view: NDArray[np.uint8], found: Sequence[Detection]) -> NDArray[np.uint8]:
    return form.prepare(view, found[0].box, found[0].roll_deg) if found else form.prepare(view)


__all__ = ["LIGHTS", "Photos", "in_light", "look"]

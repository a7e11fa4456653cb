"""Writes annotated pictures for ``predict --annotate``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from edge.atomic import atomic_write
from edge.errors import OutputError
from edge.naming import one_line, unicode_name
from edge.sources.files import Picture, find_pictures
from edge.types import FrameResult

_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")


def annotated_path(folder: Path, picture: Picture) -> Path:
    """Where the marked copy of a picture goes."""
    path = folder / picture.target
    return path if path.suffix.lower() in (*_JPEG, ".png") else path.with_name(path.name + ".png")


def refuse_inputs(folder: Path, paths: Sequence[str]) -> None:
    """Refuse a folder in which a marked copy would take the place of a picture that is read.

    Raises:
        click.UsageError: ``folder`` is a file, or holds such pictures; the message names the first.
    """
    if os.path.exists(folder) and not os.path.isdir(folder):  # noqa: PTH110, PTH112 - Path's raise where it is closed
        name = one_line(unicode_name(folder))
        raise click.UsageError(f"--annotate {name} is a file; give a folder, which may be new")
    top = os.path.join(os.path.realpath(folder), "")  # noqa: PTH118
    places = (os.path.realpath(picture.path) for picture in find_pictures(paths, skip=folder))
    inside = {place for place in places if place.startswith(top)}
    for picture in find_pictures(paths, skip=folder) if inside else ():
        marked = annotated_path(folder, picture)
        if os.path.realpath(marked) in inside:
            name = one_line(unicode_name(marked))
            raise click.UsageError(f"--annotate would overwrite the picture {name}, which is read; give another folder")


def save_annotated(image_rgb: NDArray[np.uint8], result: FrameResult, folder: Path, picture: Picture) -> Path:
    """Write a marked copy under ``folder``: JPEG for a JPEG, PNG for all else.

    Raises:
        OutputError: It cannot be written, or would replace the picture itself.
    """
    from PIL import Image

    from edge.annotate import annotate

    path = annotated_path(folder, picture)
    try:
        if os.path.exists(path) and os.path.exists(picture.path) and path.samefile(picture.path):  # noqa: PTH110
            raise OutputError(f"{path} is the picture itself; give --annotate another folder")
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent} cannot be made: {error.strerror}") from error
    marked = Image.fromarray(annotate(image_rgb, result))
    with atomic_write(path) as file:
        if path.suffix.lower() in _JPEG:
            marked.save(file, "JPEG", quality=92)
        else:
            marked.save(file, "PNG")
    return path


__all__ = ["annotated_path", "refuse_inputs", "save_annotated"]

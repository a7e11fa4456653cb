"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def model_option(function: F) -> F:
    """``--model``."""
    return click.option(
        "--model",
        type=click.Path(path_type=Path, readable=False),
        envvar="EMOTION_EDGE_MODEL",
        help="A .tflite model.  [default: the one that was shipped]",
    )(function)


def model_options(function: F) -> F:
    """``--model`` and ``--threads``."""
    threads = click.option(
        "--threads",
        type=click.IntRange(1, 64),
        envvar="EMOTION_EDGE_THREADS",
        help="Threads a picture may use.  [default: the cores minus one, shared between the jobs]",
    )
    return model_option(threads(function))


def detector_options(function: F) -> F:
    """``--detector``, ``--detector-model`` and ``--min-face``."""
    detector = click.option(
        "--detector",
        type=click.Choice(["auto", "yunet", "haar"]),
        default="auto",
        envvar="EMOTION_EDGE_DETECTOR",
        show_default=True,
        help="What finds faces: YuNet, the described cascade, or YuNet where it can run.",
    )
    detector_model = click.option(
        "--detector-model",
        type=click.Path(exists=True, dir_okay=False),
        envvar="EMOTION_EDGE_DETECTOR_MODEL",
        help="Another .onnx file of YuNet.  [default: the one that was measured]",
    )
    min_face = click.option(
        "--min-face",
        type=click.FloatRange(0, 1, min_open=True),
        help="Smallest face that counts, as a share of the picture's height.  [default: as small as is found]",
    )
    return detector(detector_model(min_face(function)))


def face_options(function: F) -> F:
    """``--faces``, ``--threshold``, ``--no-detect`` and ``--no-fallback``."""
    faces = click.option(
        "--faces",
        type=click.Choice(["all", "largest"]),
        default="all",
        show_default=True,
        help="Read every face, or only the largest.",
    )
    threshold = click.option(
        "--threshold",
        type=click.FloatRange(0, 1),
        help="Confidence below which an answer is called a guess.  [default: the model's own]",
    )
    no_detect = click.option("--no-detect", is_flag=True, help="Each picture already is the crop of one face.")
    fallback = click.option(
        "--fallback/--no-fallback",
        default=True,
        help="Read the whole picture where no face is found; it is never confident.  [default: fallback]",
    )
    return faces(threshold(no_detect(fallback(function))))


def reading_options(function: F) -> F:
    """All that says how a picture is read, the same for every verb that reads files; ``PictureReader`` takes them."""
    limit = click.option(
        "--max-megapixels",
        type=click.FloatRange(min=0, min_open=True),
        default=250.0,
        show_default=True,
        help="Refuse larger pictures before decoding them.",
    )
    memory = click.option(
        "--max-decode-mb",
        type=click.FloatRange(min=0, min_open=True),
        default=200.0,
        show_default=True,
        help="Refuse pictures that take more memory to decode.",
    )
    return face_options(detector_options(model_options(limit(memory(function)))))


__all__ = ["detector_options", "face_options", "model_option", "model_options", "reading_options"]

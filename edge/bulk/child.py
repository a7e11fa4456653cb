"""What runs in the watched child process: the same reading as ``predict``, one picture after another."""

from __future__ import annotations

import json
import os
import signal
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from traceback import format_exc
from typing import Any

from edge import __version__
from edge.analysis import PictureReader
from edge.bulk.storage import is_remote, read_picture
from edge.errors import ImageError
from edge.heap import keep_freed_memory
from edge.naming import unicode_name
from edge.opencv import cv2
from edge.types import FrameResult


def run(pipe: Connection, reading: str) -> None:
    """Send the facts, then rows for each list of paths, or the error in their place, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, with which this process ends
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send(_outcome(facts, reading))
        while True:
            pipe.send(_outcome(read, reading, pipe.recv()))


def _outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Exception as error:
        error.add_note(format_exc())
        return error


def read(reading: str, paths: list[bytes]) -> list[dict[str, Any]]:
    """Read pictures.

    Args:
        reading: JSON of what ``PictureReader`` takes.
        paths: File names' own bytes, or addresses.

    Returns:
        A row a picture, in order: ``FrameResult.to_dict()``.

    Raises:
        OSError: Object storage does not answer.
    """
    reader = _reader(reading)
    names = [os.fsdecode(path) for path in paths]
    with ThreadPoolExecutor(8) as pool:  # threads start only for addresses, which are fetched together
        fetched = {name: pool.submit(read_picture, name) for name in names if is_remote(name)}
        return [_row(reader, name, fetched[name].result if name in fetched else None) for name in names]


def _row(reader: PictureReader, name: str, fetch: Any) -> dict[str, Any]:
    try:
        content: str | bytes = fetch() if fetch else name
    except ImageError as error:
        return FrameResult(unicode_name(name), 0, 0, error=str(error)).to_dict()
    return reader.read(content, unicode_name(name))[0].to_dict()


def facts(reading: str) -> dict[str, str]:
    """The model's SHA-256 and the versions of all that predictions depend on, as they are in this process."""
    pipeline = _reader(reading).pipeline
    classifier = pipeline.classifier
    runtime = classifier.runtime
    return {
        "model": sha256(classifier.path.read_bytes()).hexdigest(),
        "detector": pipeline.detector_facts,
        "emotion-edge": __version__,
        "runtime": f"{runtime.name} {runtime.version}, delegate {runtime.delegate}",
        "opencv": str(cv2.__version__),
        "pillow": _version("pillow"),
        "numpy": _version("numpy"),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


@cache
def _reader(reading: str) -> PictureReader:
    cv2.setNumThreads(1)
    keep_freed_memory()
    warnings.filterwarnings("ignore", module="PIL")  # about oddities in files that are read all the same
    return PictureReader(**{"threads": 1, **json.loads(reading)})


__all__ = ["facts", "read", "run"]

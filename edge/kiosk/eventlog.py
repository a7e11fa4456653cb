"""The event log: who came, changed and left, as JSON lines; never a picture, and only when it was switched on."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import OutputError
from edge.types import FrameResult

log = logging.getLogger(__name__)

MAX_BYTES = 10_000_000


class EventLog:
    """A sink that appends each event of a track with the time of day.

    When the file is full it becomes ``NAME.1`` in place of an older one: at most twice ``max_bytes`` are kept. A disk
    that is full costs events and one warning, nothing else.

    Args:
        path: File to append to.
        max_bytes: Size at which a new file begins.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path, self._max_bytes = path, max_bytes
        self._warned = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        except OSError as error:
            raise OutputError(
                f"cannot write the event log {path}: {error.strerror}; give a place that can be written"
            ) from error

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Append the events of one result."""
        if not result.events:
            return
        at = round(time.time(), 3)
        lines = "".join(json.dumps({"at_s": at, **event.to_dict()}) + "\n" for event in result.events)
        try:
            if self._path.exists() and self._path.stat().st_size + len(lines) > self._max_bytes:
                self._path.replace(self._path.with_name(self._path.name + ".1"))
                self._path.touch(mode=0o600)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as error:
            if not self._warned:
                log.warning("event log %s: %s; events are dropped until it works again", self._path, error.strerror)
            self._warned = True
        else:
            self._warned = False

    def reopen(self) -> None:
        """The file is opened for each event: nothing to do."""

    def close(self) -> None:
        """Nothing is held open."""


__all__ = ["EventLog"]

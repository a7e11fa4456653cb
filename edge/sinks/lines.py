"""One line of text per result: JSON lines, or CSV with one line per face."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import logging
import os
import sys
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray

from edge.errors import OutputError
from edge.labels import EMOTIONS
from edge.types import FrameResult

log = logging.getLogger(__name__)


class LineSink:
    """Writes lines to standard output or appends them to a file, each flushed when it is complete.

    A disk that is full costs the lines that do not fit and one warning; how many were lost is said at the end.

    Args:
        output: File to append to; None for standard output.
        form: ``jsonl``: one ``FrameResult.to_dict()`` a line; ``csv``: a header, then one line per face.
        labels: Column names of the probabilities in CSV.
    """

    def __init__(
        self,
        output: Path | None = None,
        form: Literal["jsonl", "csv"] = "jsonl",
        *,
        labels: tuple[str, ...] = EMOTIONS,
    ) -> None:
        self._output = output
        self._csv = form == "csv"
        self._labels = labels
        self._full = False
        self._lost = 0
        self._file: IO[bytes]
        self._open()

    @property
    def failed(self) -> bool:
        """Whether lines were lost."""
        return self._lost > 0

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Write one result; raises BrokenPipeError when nobody reads."""
        text = self._rows(result) if self._csv else json.dumps(result.to_dict(), separators=(",", ":")) + "\n"
        self._put(text)

    def reopen(self) -> None:
        """Open the file anew, so that a rotated one is let go."""
        if self._output is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._open()

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._lost:
            log.warning("%d results could not be written to %s", self._lost, self._name)
        if self._output is not None:
            with contextlib.suppress(OSError):
                self._file.close()

    def _open(self) -> None:
        if self._output is None:
            # Not Python's own buffer: a reader that stalls would hold its lock when the process wants to end.
            self._file = open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)  # noqa: SIM115 - a descriptor
            fresh = True
        else:
            try:
                self._file = self._output.open("ab", buffering=0)
                fresh = not self._output.is_file() or self._output.stat().st_size == 0
            except OSError as error:
                raise OutputError(
                    f"cannot write {self._output}: {error.strerror}; give a place that can be written"
                ) from error
        if self._csv and fresh:
            self._put(",".join(_COLUMNS + self._labels) + "\n")

    def _put(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        left = data
        try:
            while left:  # an unbuffered file may take part of a line only
                left = left[self._file.write(left) :]
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            if 0 < len(left) < len(data) and self._output is not None:
                with contextlib.suppress(OSError):  # no half lines
                    self._file.truncate(self._file.seek(0, os.SEEK_END) - (len(data) - len(left)))
            if not self._full:
                log.warning("cannot write %s: %s; results are dropped until it works again", self._name, error.strerror)
            self._full = True
            self._lost += 1
        else:
            if self._full:
                log.warning("%s can be written again", self._name)
            self._full = False

    @property
    def _name(self) -> str:
        return "standard output" if self._output is None else str(self._output)

    def _rows(self, result: FrameResult) -> str:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        for face in result.faces:
            chances = [round(face.probabilities[label], 4) for label in self._labels]
            rows.writerow(
                (
                    *(result.source, result.frame, round(result.time_s or 0.0, 3), result.state, face.track),
                    *(*face.box.to_list(), face.emotion, round(face.confidence, 4), int(face.confident), *chances),
                )
            )
        return text.getvalue()


_COLUMNS = ("source", "frame", "time_s", "state", "track", "x", "y", "w", "h", "emotion", "confidence", "confident")

__all__ = ["LineSink"]

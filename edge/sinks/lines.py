"""Lines that are written whole or not at all, and the sink that writes a stream's results so."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import select
import stat
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.errors import OutputError
from edge.sinks.formats import CsvWriter, JsonLinesWriter, Writer
from edge.types import FrameResult

log = logging.getLogger(__name__)


class LineFile(io.FileIO):
    """A file to which each `write` goes whole or not at all, at once.

    There is no buffer of Python's, of which a kill would leave a part, and whose lock a reader that stalls would hold.
    """

    def write(self, data: Any) -> int:
        """Write bytes; raises OSError, and then a regular file ends where it ended before."""
        start = self.seek(0, os.SEEK_END) if self._is_regular else 0
        left = memoryview(data)
        try:
            while left:
                written = super().write(left)
                if written is None:  # a pipe that does not wait
                    select.select([], [self], [])
                left = left[written or 0 :]
        except BaseException:  # also Ctrl-C
            if self._is_regular:
                with contextlib.suppress(OSError):
                    if start < self.seek(0, os.SEEK_END) < start + len(data):
                        self.seek(self.truncate(start))
            raise
        return len(data)

    @property
    def _is_regular(self) -> bool:
        return stat.S_ISREG(os.fstat(self.fileno()).st_mode)


def standard_output() -> LineFile:
    """Standard output as a `LineFile`; it stays open."""
    return LineFile(sys.stdout.fileno(), "wb", closefd=False)


def cut_half_line(path: Path) -> None:
    """Cut what an earlier run, killed or without power, left behind the last whole line of a regular file."""
    if not path.is_file():
        return
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        keep = end
        while keep:
            block = max(0, keep - 65536)
            file.seek(block)
            newline = file.read(keep - block).rfind(b"\n")
            keep = block + newline + 1
            if newline >= 0:
                break
        if keep < end:
            file.truncate(keep)
            log.warning("%s ended in half a line, which was cut: %d bytes", path, end - keep)


class LineSink:
    """Writes a line a frame, or in CSV a line a face, to standard output, or appends them to a file.

    A disk that is full costs the results that do not fit and one warning; how many were lost is said at the end.

    Args:
        output: File to append to; None for standard output.
        form: ``jsonl`` or ``csv``.
    """

    def __init__(self, output: Path | None = None, form: Literal["jsonl", "csv"] = "jsonl") -> None:
        self._output = output
        self._form = form
        self._full = False
        self._lost = 0
        self._open()

    @property
    def failed(self) -> bool:
        """Whether lines were lost."""
        return self._lost > 0

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Write one result; raises BrokenPipeError when nobody reads."""
        try:
            self._writer.write(result)
        except BrokenPipeError:
            raise
        except OSError as error:
            if not self._full:
                log.warning("cannot write %s: %s; results are dropped until it works again", self._name, error.strerror)
            self._full = True
            self._lost += 1
        else:
            if self._full:
                log.warning("%s can be written again", self._name)
            self._full = False

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
        with contextlib.suppress(OSError):
            self._writer.close()
        with contextlib.suppress(OSError):
            self._file.close()

    def _open(self) -> None:
        try:
            if self._output is None:
                self._file = standard_output()
            else:
                cut_half_line(self._output)
                self._file = LineFile(self._output, "ab")
        except OSError as error:
            raise OutputError(
                f"cannot write {self._output}: {error.strerror}; give a place that can be written"
            ) from error
        more = self._output is not None and self._output.is_file() and self._output.stat().st_size > 0
        self._writer: Writer = (
            CsvWriter(self._file, frames=True, header=not more) if self._form == "csv" else JsonLinesWriter(self._file)
        )

    @property
    def _name(self) -> str:
        return "standard output" if self._output is None else str(self._output)


__all__ = ["LineFile", "LineSink", "cut_half_line", "standard_output"]

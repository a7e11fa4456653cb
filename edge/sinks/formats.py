"""Results of pictures and of frames as text, JSON, JSON lines or CSV; always UTF-8.

Each `Writer.write` gives its file the whole of a result in one piece.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable
from typing import IO, Protocol

from edge.labels import EMOTIONS
from edge.naming import one_line
from edge.types import Face, FrameResult

COLUMNS = ("source", "face", "x", "y", "w", "h", "emotion", "confidence", *EMOTIONS, "fallback", "error")
FRAME_COLUMNS = (
    *("source", "frame", "time_s", "state", "track", "x", "y", "w", "h", "emotion", "confidence", "confident"),
    *EMOTIONS,
)


class Writer(Protocol):
    """Writes results one after another."""

    def write(self, result: FrameResult) -> None:
        """Add one result."""
        ...

    def close(self) -> None:
        """Write what the form needs at its end. The file itself stays open."""
        ...


class TextWriter:
    """One line a face, for people. Pictures that could not be read leave no line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, result: FrameResult) -> None:
        """Add one result."""
        self._file.write("".join(line + "\n" for line in describe(result)).encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Nothing is needed at the end."""


class JsonLinesWriter:
    """One JSON object a line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, result: FrameResult) -> None:
        """Add one result."""
        self._file.write(_dump(result) + b"\n")

    def close(self) -> None:
        """Nothing is needed at the end."""


class JsonWriter:
    """One JSON array of all results, valid also when it ends early; or, with ``single``, the one object alone."""

    def __init__(self, file: IO[bytes], *, single: bool = False) -> None:
        self._file = file
        self._single = single
        self._begun = False

    def write(self, result: FrameResult) -> None:
        """Add one result."""
        before = b"" if self._single else b",\n" if self._begun else b"[\n"
        self._begun = True
        self._file.write(before + _dump(result))

    def close(self) -> None:
        """End the array."""
        if self._single:
            self._file.write(b"\n" if self._begun else b"")
        else:
            self._file.write(b"\n]\n" if self._begun else b"[]\n")


class CsvWriter:
    """One row a face, RFC 4180, with a header.

    Args:
        file: Where to.
        frames: Rows of a stream's frames, none where there is no face; else of pictures, which always have one.
        header: Whether the file still needs one. Where it cannot be written now, it comes before the first row.
    """

    def __init__(self, file: IO[bytes], *, frames: bool = False, header: bool = True) -> None:
        self._file = file
        self._columns, self._rows = (FRAME_COLUMNS, _frame_rows) if frames else (COLUMNS, _picture_rows)
        self._header = header
        with contextlib.suppress(OSError):
            self._put([])

    def write(self, result: FrameResult) -> None:
        """Add one result: a row a face; for a picture without one, a row that holds the error."""
        self._put(self._rows(result))

    def close(self) -> None:
        """Write the header if it is still missing."""
        self._put([])

    def _put(self, rows: list[tuple[object, ...]]) -> None:
        if self._header or rows:
            text = io.StringIO()
            csv.writer(text).writerows([self._columns, *rows] if self._header else rows)
            self._file.write(text.getvalue().encode("utf-8", "backslashreplace"))
            self._header = False


def _picture_rows(result: FrameResult) -> list[tuple[object, ...]]:
    end = (int(result.fallback), result.error or "")
    if not result.faces:
        return [(result.source, *[""] * (len(COLUMNS) - 3), *end)]
    return [
        (result.source, number, *face.box.to_list(), face.emotion, *_chances(face), *end)
        for number, face in enumerate(result.faces, 1)
    ]


def _frame_rows(result: FrameResult) -> list[tuple[object, ...]]:
    frame = (result.source, result.frame, round(result.time_s or 0.0, 3), result.state)
    rows: list[tuple[object, ...]] = []
    for face in result.faces:
        confidence, *chances = _chances(face)
        rows.append((*frame, face.track, *face.box.to_list(), face.emotion, confidence, int(face.confident), *chances))
    return rows


def _chances(face: Face) -> list[float]:
    """The confidence, and the probabilities by name, not in the model's order."""
    values = face.to_dict()
    return [values["confidence"], *(values["probabilities"][label] for label in EMOTIONS)]


def describe(result: FrameResult) -> list[str]:
    """The faces of one picture as lines for people."""
    if result.error is not None:
        return []
    name = one_line(result.source)
    if result.fallback:
        (face,) = result.faces
        return [f"{name}: no face found; the whole picture reads as {face.emotion} {face.confidence:.0%}"]
    if not result.faces:
        return [f"{name}: no face found"]
    lines = []
    for number, face in enumerate(result.faces, 1):
        percent = f"{face.emotion} {face.confidence:.0%}"
        if not face.confident:
            percent = f"not confident, best guess {percent}"
        box = face.box
        where = f"face {number} of {len(result.faces)}, {box.w}x{box.h} at ({box.x}, {box.y})"
        lines.append(f"{name}: {percent} ({where})")
    return lines


def _dump(result: FrameResult) -> bytes:
    return json.dumps(result.to_dict(), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


WRITERS: dict[str, Callable[[IO[bytes]], Writer]] = {
    "text": TextWriter,
    "json": JsonWriter,
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
}

__all__ = [
    "COLUMNS",
    "FRAME_COLUMNS",
    "WRITERS",
    "CsvWriter",
    "JsonLinesWriter",
    "JsonWriter",
    "TextWriter",
    "Writer",
    "describe",
]

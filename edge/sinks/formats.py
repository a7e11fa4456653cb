"""Results of pictures as text, JSON, JSON lines or CSV; always UTF-8."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import IO, Protocol

from edge.labels import EMOTIONS
from edge.naming import one_line
from edge.types import Face, FrameResult

COLUMNS = ("source", "face", "x", "y", "w", "h", "emotion", "confidence", *EMOTIONS, "fallback", "error")


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
        self._count = 0

    def write(self, result: FrameResult) -> None:
        """Add one result."""
        before = b"" if self._single else b",\n" if self._count else b"[\n"
        self._count += 1
        self._file.write(before + _dump(result))

    def close(self) -> None:
        """End the array."""
        if self._single:
            self._file.write(b"\n" if self._count else b"")
        else:
            self._file.write(b"\n]\n" if self._count else b"[]\n")


class CsvWriter:
    """One row a face, RFC 4180, with a header."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._file.write(_rows([COLUMNS]))

    def write(self, result: FrameResult) -> None:
        """Add one result: a row a face, or one row that holds the error."""
        end = (int(result.fallback), result.error or "")
        source = result.source
        if result.faces:
            rows = [(source, number, *_face_cells(face), *end) for number, face in enumerate(result.faces, 1)]
        else:
            rows = [(source, *[""] * (len(COLUMNS) - 3), *end)]
        self._file.write(_rows(rows))

    def close(self) -> None:
        """Nothing is needed at the end."""


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


def _face_cells(face: Face) -> tuple[object, ...]:
    values = face.to_dict()
    chances = values["probabilities"]
    return *values["box"], face.emotion, values["confidence"], *(chances[label] for label in EMOTIONS)


def _rows(rows: list[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8")


def _dump(result: FrameResult) -> bytes:
    return json.dumps(result.to_dict(), ensure_ascii=False).encode("utf-8", "backslashreplace")


WRITERS: dict[str, Callable[[IO[bytes]], Writer]] = {
    "text": TextWriter,
    "json": JsonWriter,
    "jsonl": JsonLinesWriter,
    "csv": CsvWriter,
}

__all__ = ["COLUMNS", "WRITERS", "CsvWriter", "JsonLinesWriter", "JsonWriter", "TextWriter", "Writer", "describe"]

"""Finds the file in a form (multipart/form-data), in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from edge.kiosk.replies import RefusedError

MAX_PARTS = 16


def first_file(body: bytes, boundary: bytes) -> bytes:
    """The first part of a form that is a file; empty when there is none.

    Args:
        body: The whole body.
        boundary: What its parts are divided by.

    Raises:
        RefusedError: The form is broken.
    """
    form = _FirstFile()
    try:
        parser = MultipartParser(boundary, cast("Any", form.callbacks()))
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise RefusedError(400, "broken_form", "The form is broken.") from None
    return bytes(form.data)


class _FirstFile:
    """Callbacks for the parser that keep the first file and skip all else."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._parts = 0
        self._name = self._value = b""
        self._taking = self._taken = False

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header(data[start:end], b""),
            "on_header_value": lambda data, start, end: self._header(b"", data[start:end]),
            "on_header_end": self._header_end,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise RefusedError(400, "broken_form", "The form has too many parts.")
        self._name = self._value = b""

    def _header(self, name: bytes, value: bytes) -> None:
        self._name += name
        self._value += value

    def _header_end(self) -> None:
        if self._name.lower() == b"content-disposition" and not self._taken:
            _, options = parse_options_header(self._value)
            self._taking = b"filename" in options or b"filename*" in options
        self._name = self._value = b""

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._taking:
            self.data += data[start:end]

    def _part_end(self) -> None:
        self._taken = self._taken or self._taking
        self._taking = False


__all__ = ["first_file"]

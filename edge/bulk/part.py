"""Reads one part of a listing: the one function that an engine has to call."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq

from edge.bulk import storage
from edge.bulk.listing import about, read_rows
from edge.bulk.rows import encode, unreadable
from edge.bulk.run import Options, check, describe, part_path, parts_of
from edge.bulk.watched import watched_reader
from edge.errors import ConfigError
from edge.naming import unicode_name


def score_part(listing: str, k: int, out: str, options: dict[str, Any]) -> dict[str, int]:
    """Read part ``k`` of a listing and write it as ``part-0000000K.parquet``, whole or not at all.

    A part that is there is left as it is, so it may be called again, anywhere, also twice at the same time: the same
    rows in the same order then take the same place. The first call into a folder writes ``run.json``; later ones
    compare with it. Pictures are read in a child process of the calling thread, which is kept for the next call.

    Args:
        listing: What ``emotion-edge bulk list`` wrote: a path, ``s3://`` or ``gs://``, the same on every machine.
        k: Number of the part, from 0; it holds rows ``k * part`` to ``(k + 1) * part``.
        out: Folder of the run, likewise.
        options: ``part`` (pictures a part, 500), ``limit_s`` (seconds a picture may take, 30), and the options of
            ``predict`` that say how a picture is read, with underscores: ``model``, ``faces``, ``threshold``...

    Returns:
        ``part``, ``pictures`` and ``unreadable``: how many rows it has, and how many of them hold an error.

    Raises:
        ConfigError: There is no such part, or ``out`` was begun with another listing, model, version or option.
        EdgeError: The model cannot be used, or the part cannot be written.
        OSError: The listing or object storage cannot be read.
    """
    path, settings = part_path(out, k), Options.of(options)
    if storage.exists(path):
        return {"part": k, **count(path)}
    reader = watched_reader(settings.reading, settings.limit_s)
    known = about(listing)
    parts = parts_of(known.pictures, settings.part)
    if not 0 <= k < parts:
        raise ConfigError(f"there is no part {k}; {listing} makes {parts} parts of {settings.part} pictures, from 0")
    check(out, describe(known, settings, reader.facts))
    rows: list[dict[str, Any]] = []
    entries = read_rows(listing, k * settings.part, (k + 1) * settings.part)
    read = iter(reader.read([name for name, error in entries if error is None]))
    for name, error in entries:
        rows.append(next(read) if error is None else unreadable(_text(name), error))
    storage.write_whole(path, encode(rows))
    return {"part": k, "pictures": len(rows), "unreadable": sum(row["error"] is not None for row in rows)}


def count(path: str) -> dict[str, int]:
    """``pictures`` and ``unreadable`` of a finished part, from the file's footer alone."""
    system, inner = storage.split(path)
    with system.open_input_file(inner) as file:
        metadata = pq.ParquetFile(file).metadata
    column = metadata.schema.names.index("error")
    pictures = metadata.num_rows
    errors = sum(
        metadata.row_group(number).num_rows - metadata.row_group(number).column(column).statistics.null_count
        for number in range(metadata.num_row_groups)
    )
    return {"pictures": pictures, "unreadable": errors}


def _text(name: bytes) -> str:
    return unicode_name(name.decode("utf-8", "surrogateescape"))


__all__ = ["count", "score_part"]

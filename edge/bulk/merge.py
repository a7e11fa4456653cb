"""What a run has done so far, and its parts as one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from edge.bulk import storage
from edge.bulk.part import count
from edge.bulk.rows import SCHEMA, decode
from edge.bulk.run import done_parts, load, part_path, parts_of
from edge.errors import ConfigError
from edge.sinks.formats import CsvWriter
from edge.types import Box, Face, FrameResult

GROUP = 20_000  # rows of the merged file that are held in memory at a time


@dataclass(frozen=True)
class Status:
    """How far a run is.

    Attributes:
        run: Its ``run.json``.
        parts: How many it has.
        missing: Numbers of those that are not there.
        pictures: Rows of those that are there.
        unreadable: How many of these hold an error.
    """

    run: dict[str, Any]
    parts: int
    missing: list[int]
    pictures: int
    unreadable: int


def status(out: str) -> Status:
    """How far a run is, from its files alone.

    Raises:
        ConfigError: The folder holds no run.
    """
    run = _run(out)
    parts = parts_of(run["listing"]["pictures"], run["options"]["part"])
    done = done_parts(out)
    counts = [count(part_path(out, k)) for k in sorted(done) if k < parts]
    return Status(
        run,
        parts,
        [k for k in range(parts) if k not in done],
        sum(one["pictures"] for one in counts),
        sum(one["unreadable"] for one in counts),
    )


def merge(out: str, result: str) -> int:
    """Write all rows of a finished run, in the listing's order, as one Parquet or CSV file.

    Returns:
        Rows, one a picture.

    Raises:
        ConfigError: Parts are missing, or the file's name says neither form.
    """
    form = Path(result).suffix.lower()
    if form not in (".parquet", ".csv"):
        raise ConfigError(f"{result} names no form that merge writes; wanted .parquet or .csv")
    run = _run(out)
    parts = parts_of(run["listing"]["pictures"], run["options"]["part"])
    missing = parts - len(done_parts(out) & set(range(parts)))
    if missing:
        raise ConfigError(f"{missing} of {parts} parts of {out} are missing; finish it with the same bulk score")
    rows = 0
    with storage.open_whole(result) as file:
        writer = _Parquet(file) if form == ".parquet" else _Csv(file)
        for k in range(parts):
            system, inner = storage.split(part_path(out, k))
            with system.open_input_file(inner) as part:
                table = pq.ParquetFile(part).read()
            writer.write(table)
            rows += table.num_rows
        writer.close()
    return rows


class _Parquet:
    """Row groups of many parts, which read faster than one a part."""

    def __init__(self, file: Any) -> None:
        self._writer = pq.ParquetWriter(file, SCHEMA, compression="zstd")
        self._tables: list[pa.Table] = []

    def write(self, table: pa.Table) -> None:
        self._tables.append(table)
        if sum(one.num_rows for one in self._tables) >= GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._tables:
            self._writer.write_table(pa.concat_tables(self._tables).combine_chunks())
            self._tables = []


class _Csv:
    """The CSV of ``predict``: one row a face."""

    def __init__(self, file: Any) -> None:
        self._writer = CsvWriter(file)

    def write(self, table: pa.Table) -> None:
        for row in decode(table):
            self._writer.write(_result(row))

    def close(self) -> None:
        self._writer.close()


def _result(row: dict[str, Any]) -> FrameResult:
    values = {name: value for name, value in row.items() if name != "schema"}
    faces = tuple(Face(**{**face, "box": Box(*face["box"])}) for face in values.pop("faces"))
    return FrameResult(**values, faces=faces)


def _run(out: str) -> dict[str, Any]:
    try:
        return load(out)
    except FileNotFoundError as error:
        raise ConfigError(f"{out} holds no run; begin one with: emotion-edge bulk score LISTING {out}") from error


__all__ = ["Status", "merge", "status"]

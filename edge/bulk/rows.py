"""Results as rows of Parquet: predict's schema 1, faces nested, one row a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from edge.labels import EMOTIONS
from edge.types import Box, Face, FrameResult

# What a whole result looks like: its plain values name the columns and their types.
_FACE = Face(Box(0, 0, 1, 1), "", 0.0, False, dict.fromkeys(EMOTIONS, 0.0), landmarks=((0.0, 0.0),))
_WHOLE = FrameResult(
    "", 1, 1, (_FACE,), error="", detector="", timing_ms=dict.fromkeys(("decode", "detect", "classify"), 0.0)
).to_dict()


def _typed(kind: pa.DataType) -> pa.DataType:
    """A column that the sample leaves empty holds text."""
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(one.name, _typed(one.type)) for one in kind])
    if pa.types.is_list(kind):
        return pa.list_(_typed(kind.value_type))
    return pa.string() if pa.types.is_null(kind) else kind


SCHEMA = pa.schema(list(_typed(pa.infer_type([_WHOLE]))))


def encode(rows: Sequence[dict[str, Any]]) -> pa.BufferOutputStream:
    """Rows, each ``FrameResult.to_dict()``, as one Parquet file.

    Raises:
        ValueError: A row has what the columns do not, which Arrow would pass over.
    """
    faces = [face for row in rows for face in row["faces"]]
    for known, found in ((_WHOLE, rows), (_WHOLE["faces"][0], faces)):
        more = {name for one in found for name in one} - set(known)
        if more:
            raise ValueError(f"no column for {', '.join(sorted(more))}")
    output = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), output, compression="zstd")
    return output


def decode(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as ``FrameResult.to_dict()`` gave them."""
    rows: list[dict[str, Any]] = table.to_pylist()
    for row in rows:  # a picture that was not read has no times
        row["timing_ms"] = {name: value for name, value in (row["timing_ms"] or {}).items() if value is not None}
    return rows


def unreadable(source: str, error: str) -> dict[str, Any]:
    """The row of a picture that could not be read."""
    return FrameResult(source, 0, 0, error=error).to_dict()


__all__ = ["SCHEMA", "decode", "encode", "unreadable"]

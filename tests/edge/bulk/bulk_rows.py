"""What reads a run's rows back, to be compared with those of `predict`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from edge.bulk.rows import decode


def rows_of(path: Path) -> list[dict[str, Any]]:
    """All rows of a Parquet file, or of all parts in a folder, without their times."""
    files = [one for one in sorted(path.glob("part-*")) if one.is_file()] if path.is_dir() else [path]
    return [without_times(row) for file in files for row in decode(pq.read_table(file))]


def without_times(row: dict[str, Any]) -> dict[str, Any]:
    """A row as two runs have it alike."""
    return {name: value for name, value in row.items() if name != "timing_ms"}


def predicted(cli: Any, *arguments: Any) -> list[dict[str, Any]]:
    """What ``predict`` says of the same pictures."""
    done = cli("predict", *arguments, "--format", "jsonl", "--threads", "1")
    return [without_times(json.loads(line)) for line in done.stdout.splitlines()]

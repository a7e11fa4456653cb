"""The listing: a Parquet file with a row a picture, written and read in pieces, never whole in memory.

Its columns are ``path`` (binary: a file name's own bytes, which need not be UTF-8) and ``error`` (why there is nothing
to read, or null). The file's metadata holds the SHA-256 of all paths.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from edge.bulk import storage
from edge.bulk.find import Found, find
from edge.errors import ConfigError

SEGMENT = 100_000
ROW_GROUP = 20_000
SCHEMA = pa.schema([pa.field("path", pa.binary(), nullable=False), pa.field("error", pa.string())])


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a listing without reading it.

    Attributes:
        pictures: Rows.
        sha256: Of all paths, each followed by a line break.
    """

    pictures: int
    sha256: str


def write_listing(source: str, listing: str, progress: Callable[[int], None] = lambda _: None) -> tuple[int, int, str]:
    """List the pictures of a source, going on where a run that was ended stopped.

    Names are kept in ``LISTING.partial`` until all are found.

    Args:
        source: See ``edge.bulk.find.find``.
        listing: The file to write, also in object storage.
        progress: Called with the number of names found so far.

    Returns:
        Pictures listed, videos left out, and the first of these.

    Raises:
        ConfigError: The source cannot be listed, or the listing is there already.
    """
    if storage.exists(listing):
        raise ConfigError(f"{listing} exists already; remove it to list anew")
    partial = listing + ".partial"
    names = storage.names_in(partial)
    state: dict[str, Any] = {"source": source, "found": 0, "videos": 0, "video": "", "last": None}
    if names:
        state = _state(storage.join(partial, names[-1]))
        if state["source"] != source:
            raise ConfigError(f"{partial} was begun for {state['source']}, now {source} is listed; remove it first")
    found = find(source, after=state["last"], count=state["found"])
    number = len(names)
    while chunk := list(islice(found, SEGMENT)):
        videos = [one.path for one in chunk if one.is_video and not one.error]
        state = {
            "source": source,
            "found": state["found"] + len(chunk),
            "videos": state["videos"] + len(videos),
            "video": state["video"] or (videos[0] if videos else ""),
            "last": chunk[-1].path,
        }
        _write_segment(storage.join(partial, f"{number:08}.parquet"), chunk, state)
        number += 1
        progress(state["found"])
    if state["found"] == state["videos"]:
        what = "only videos, which bulk does not read yet" if state["videos"] else "no pictures"
        if number:
            storage.remove_folder(partial)
        raise ConfigError(f"{source} has {what}; wanted .jpg, .png, .webp, .bmp, .gif, .tif, .avif or .heic")
    _join(partial, listing)
    return state["found"] - state["videos"], state["videos"], state["video"]


def about(listing: str) -> About:
    """What a listing holds.

    Raises:
        ConfigError: There is none, or it is another file.
    """
    with _open(listing) as file:
        return _about(file, listing)


def read_rows(listing: str, start: int, stop: int) -> list[tuple[bytes, str | None]]:
    """Paths and errors of some rows; only the row groups that hold them are read."""
    with _open(listing) as file:
        _about(file, listing)
        first, before = 0, 0
        groups: list[int] = []
        for number in range(file.num_row_groups):
            after = before + file.metadata.row_group(number).num_rows
            if before < stop and after > start:
                first = first if groups else before
                groups.append(number)
            before = after
        rows = file.read_row_groups(groups).slice(start - first, stop - start)
    return list(zip(rows["path"].to_pylist(), rows["error"].to_pylist(), strict=True))


@contextmanager
def _open(listing: str) -> Iterator[Any]:
    system, inner = storage.split(listing)
    if not storage.is_remote(listing) and Path(listing).is_dir():
        raise ConfigError(f"{listing} is a folder, not a listing; make one of it with: emotion-edge bulk list")
    try:
        opened = system.open_input_file(inner)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no listing {listing}; make it with: emotion-edge bulk list") from error
    with opened:
        try:
            yield pq.ParquetFile(opened)
        except pa.ArrowInvalid as error:
            raise ConfigError(f"{listing} is no listing ({error}); make one with: emotion-edge bulk list") from error


def _about(file: Any, listing: str) -> About:
    value = (file.schema_arrow.metadata or file.metadata.metadata or {}).get(b"emotion-edge")
    hashed = json.loads(value).get("sha256") if value else None
    if not hashed:
        raise ConfigError(f"{listing} is not a listing; make one with: emotion-edge bulk list")
    return About(file.metadata.num_rows, hashed)


def _state(segment: str) -> dict[str, Any]:
    with _open(segment) as file:
        state: dict[str, Any] = json.loads(file.schema_arrow.metadata[b"emotion-edge"])
    state["last"] = os.fsdecode(bytes.fromhex(state["last"]))
    return state


def _write_segment(path: str, chunk: list[Found], state: dict[str, Any]) -> None:
    wanted = [one for one in chunk if one.error or not one.is_video]
    columns = [[os.fsencode(one.path) for one in wanted], [one.error for one in wanted]]
    kept = {**state, "last": os.fsencode(state["last"]).hex()}
    schema = SCHEMA.with_metadata({"emotion-edge": json.dumps(kept)})
    output = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=schema), output, compression="zstd")
    storage.write_whole(path, output)


def _join(partial: str, listing: str) -> None:
    hashed = sha256()
    with storage.open_whole(listing) as output, pq.ParquetWriter(output, SCHEMA, compression="zstd") as writer:
        for name in storage.names_in(partial):
            with _open(storage.join(partial, name)) as file:
                rows = file.read().replace_schema_metadata(None)
            hashed.update(b"".join(path + b"\n" for path in rows["path"].to_pylist()))
            writer.write_table(rows, row_group_size=ROW_GROUP)
        writer.add_key_value_metadata({"emotion-edge": json.dumps({"sha256": hashed.hexdigest()})})
    storage.remove_folder(partial)


__all__ = ["About", "about", "read_rows", "write_listing"]

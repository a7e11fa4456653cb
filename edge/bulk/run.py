"""One run of scoring: its folder, its numbered parts, and ``run.json``, which says what they were made with."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.bulk import storage
from edge.bulk.listing import About
from edge.errors import ConfigError

PART = 500
LIMIT_S = 30.0
_NAME = re.compile(r"part-(\d{8})\.parquet")


@dataclass(frozen=True)
class Options:
    """The options of a run: ``part`` and ``limit_s`` are bulk's own, all others say how a picture is read.

    Attributes:
        part: Pictures a part.
        limit_s: Seconds after which a picture is given up.
        reading: What ``PictureReader`` takes, as plain JSON values.
    """

    part: int
    limit_s: float
    reading: dict[str, Any]

    @classmethod
    def of(cls, given: dict[str, Any]) -> Options:
        """From a dict as ``score_part`` takes it."""
        plain = {
            name: str(value) if isinstance(value, Path) else value for name, value in given.items() if value is not None
        }
        return cls(int(plain.pop("part", PART)), float(plain.pop("limit_s", LIMIT_S)), plain)

    def to_dict(self) -> dict[str, Any]:
        """As ``score_part`` takes them."""
        return {"part": self.part, "limit_s": self.limit_s, **self.reading}


def describe(about: About, options: Options, facts: dict[str, str]) -> dict[str, Any]:
    """What ``run.json`` holds: all that decides what a row says."""
    # The model counts by its content, and how long or with how many threads it is read decides nothing.
    apart = ("model", "detector_model", "threads")
    reading = {name: value for name, value in options.reading.items() if name not in apart}
    return {
        "listing": {"pictures": about.pictures, "sha256": about.sha256},
        "options": {"part": options.part, **reading},
        "versions": facts,
    }


def check(out: str, wanted: dict[str, Any]) -> None:
    """Write ``run.json`` into an empty folder, or compare with the one that is there.

    Raises:
        ConfigError: The folder holds another run's parts; says what differs.
    """
    path = storage.join(out, "run.json")
    try:
        found = load(out)
    except FileNotFoundError:
        storage.write_whole(path, json.dumps(wanted, indent=2).encode())
        return
    one, other = _flat(found), _flat(wanted)
    differs = [
        f"{name} {_word(one.get(name))} there, {_word(other.get(name))} here"
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
    ]
    if differs:
        raise ConfigError(f"{out} holds another run: {'; '.join(differs)}. Use the same settings, or another folder")


def load(out: str) -> dict[str, Any]:
    """``run.json`` of a folder.

    Raises:
        FileNotFoundError: There is none.
        ConfigError: It is damaged.
    """
    try:
        found: dict[str, Any] = json.loads(storage.read_bytes(storage.join(out, "run.json")))
    except ValueError as error:
        raise ConfigError(f"{out}/run.json is damaged: {error}") from error
    return found


def part_path(out: str, k: int) -> str:
    """Where part ``k`` goes."""
    return storage.join(out, f"part-{k:08}.parquet")


def parts_of(pictures: int, part: int) -> int:
    """How many parts so many pictures make."""
    return -(-pictures // part)


def done_parts(out: str) -> set[int]:
    """Numbers of the parts that are there."""
    return {int(found[1]) for name in storage.names_in(out) if (found := _NAME.fullmatch(name))}


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name} ") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _word(value: Any) -> str:
    return "nothing" if value is None else str(value)[:40]


__all__ = ["LIMIT_S", "PART", "Options", "check", "describe", "done_parts", "load", "part_path", "parts_of"]

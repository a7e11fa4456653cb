"""Writes the figures of docs/benchmarks.md from the records, and marks those that are older than the code they measure.

python -m benchmarks.page
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click

from benchmarks import detection, expressions, table
from common.records import ROOT, parts, state

PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "benchmarks" / "results"
RECORDS = (
    *sorted(RESULTS.glob("*.json")),
    *sorted((ROOT / "models").glob("metrics*.json")),
    ROOT / "tests/picamera2/record.json",
)
BLOCK = re.compile(r"(<!-- begin: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def peers() -> Iterator[str]:
    """The comparison with other ways."""
    yield from table.lines(read("peers"))
    yield from mark("peers")


def found_faces() -> Iterator[str]:
    """What is promised of the search for faces, and what was measured."""
    rows = []
    for what, ours, cascade, side, goal in detection.goals(read("detection")):
        kept = ours >= goal if side == "at least" else ours <= goal
        rows.append((what, figure(ours), figure(cascade), f"{side} {goal:g}", "" if kept else "missed"))
    yield from grid(("", "YuNet and close-ups", "cascade", "promised", ""), rows)
    yield from mark("detection")


def changed_expressions() -> Iterator[str]:
    """What is promised of changes of expression, by the rule before and the one now."""
    yield from (f"- {line}" for line in expressions.table(read("expressions")))
    yield from mark("expressions")


def limits() -> Iterator[str]:
    """Each stage of a frame beside the least that it takes."""
    found = read("limits")
    rows = []
    for row in found["stages"]:
        own, least = row["ms"], row["limit_here_ms"]
        times = figure(own / least) if least else ""
        pis = [f"{row[f'limit_{place}_ms']:.2f} ms" for place in ("pi4", "pi5")]
        arithmetic = f"{row['macs'] / 1e6:.1f}", f"{row['bytes'] / 1e6:.2f}"
        rows.append((row["stage"], *arithmetic, f"{own:.2f} ms", f"{least:.2f} ms", times, *pis))
    head = (
        "640x480, one core",
        "10^6 multiply-adds",
        "MB",
        "measured",
        "least here",
        "times",
        "least, Pi 4",
        "least, Pi 5",
    )
    yield from grid(head, rows)
    yield from mark("limits")


def mark(name: str) -> Iterator[str]:
    """Which of a record's figures are older than their code; :func:`records` says why."""
    stale = [part for part, about in parts(RESULTS / f"{name}.json") if state(about) != "current"]
    if stale:
        named = ", ".join(f"`{part}`" for part in stale if part)
        yield ""
        yield f"**Stale**, [see below](#records){named and ': '}{named}."


def records() -> Iterator[str]:
    """Every record: when it was measured, on what, and whether the code is still the same."""
    rows = []
    for path in RECORDS:
        for name, about in parts(path):
            place = f"{about['date']}, {about['machine']}"
            if about.get("load_before") is not None:
                place += f", load {about['load_before']}, niceness {about['niceness']}"
            rows.append((f"`{path.relative_to(ROOT)}`", name, place, state(about)))
    fresh = sum(row[-1] == "current" for row in rows)
    yield f"{fresh} of {len(rows)} were measured with the code as it is."
    yield ""
    yield from grid(("record", "part", "measured", "state"), rows)


BLOCKS: dict[str, Callable[[], Iterable[str]]] = {
    "peers": peers,
    "detection": found_faces,
    "expressions": changed_expressions,
    "limits": limits,
    "records": records,
}


def written(page: str) -> str:
    """The page with every block written anew."""

    def block(match: re.Match[str]) -> str:
        return f"{match[1]}\n" + "\n".join(BLOCKS[match[2]]()) + f"\n\n{match[3]}"

    return BLOCK.sub(block, page)


def read(name: str) -> dict[str, Any]:
    """A record."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return found


def grid(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table in Markdown."""
    head = list(head)
    yield f"| {' | '.join(head)} |"
    yield "| --- " * len(head) + "|"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def figure(value: float) -> str:
    """A number, empty where there is none."""
    return "" if math.isnan(value) else f"{value:.3g}"


@click.command(help=__doc__)
def main() -> None:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text()))


if __name__ == "__main__":
    main()

"""The rooms of this repository: files, lines, and which imports from which.

python -m benchmarks.rooms [--against COMMIT]
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks.peers import ROOT
from benchmarks.startup import checkout

PACKAGES = ("edge", "common", "train", "convert", "benchmarks")


class Room(NamedTuple):
    """Files and lines of one package without its sub packages, and the other rooms that it imports from."""

    files: int
    lines: int
    arrows: set[str]


def rooms(root: Path) -> dict[str, Room]:
    """Every package of a checkout that holds code, by its dotted name."""
    folders = sorted({path.parent for package in PACKAGES for path in (root / package).rglob("*.py")})
    names = {".".join(folder.relative_to(root).parts): folder for folder in folders}
    found = {}
    for name, folder in names.items():
        texts = [path.read_text() for path in folder.glob("*.py")]
        homes = {home_of(module, set(names)) for text in texts for module in imported(text)}
        found[name] = Room(len(texts), sum(text.count("\n") for text in texts), homes - {name, ""})
    return found


def imported(text: str) -> Iterator[str]:
    """Modules that a file imports, anywhere in it; of ``from a import b`` also ``a.b``, which may be one."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def home_of(module: str, names: set[str]) -> str:
    """The room that a module lies in; empty for one that is not ours."""
    while module and module not in names:
        module = module.rpartition(".")[0]
    return module


def concepts(root: Path) -> int:
    """How many names ``edge`` exports."""
    for node in ast.parse((root / "edge" / "__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return len(ast.literal_eval(node.value))
    return 0


@click.command()
@click.option("--against", metavar="COMMIT", help="Show that commit's numbers first.")
def main(against: str | None) -> None:
    """Print a table of the rooms."""
    with checkout(against) if against else nullcontext() as before:
        states = [folder for folder in (before, ROOT) if folder]
        tables, exported = [rooms(folder) for folder in states], [concepts(folder) for folder in states]
    for name in sorted(set().union(*tables)):
        cells = [table.get(name, Room(0, 0, set())) for table in tables]
        counts = " | ".join(f"{room.files:3} files {room.lines:5} lines {len(room.arrows):2} arrows" for room in cells)
        click.echo(f"{name:<16} {counts}  -> {', '.join(sorted(cells[-1].arrows)) or '-'}")
    for words, numbers in (
        ("files", [sum(room.files for room in table.values()) for table in tables]),
        ("lines", [sum(room.lines for room in table.values()) for table in tables]),
        ("arrows", [sum(len(room.arrows) for room in table.values()) for table in tables]),
        ("names exported by edge", exported),
    ):
        click.echo(f"{words}: {' -> '.join(map(str, numbers))}")


if __name__ == "__main__":
    main()

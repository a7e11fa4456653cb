"""Results that are written as they come, so that a run that was killed can go on: ``NAME.part`` until the end."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import stat
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import IO

import click

from edge.errors import OutputError
from edge.naming import one_line, unicode_name
from edge.sinks.lines import LineFile

# Forms in which every picture has lines of its own.
FORMS = ("jsonl", "csv")


def part_of(output: Path) -> Path:
    """Where results grow until they are whole; a link is followed."""
    target = Path(os.path.realpath(output))
    return target.with_name(target.name + ".part")


def check_resume(output: Path | None, form: str, resume: bool) -> None:
    """Refuse to resume what cannot be, and to begin anew over what could be resumed.

    Raises:
        click.UsageError: What is wrong and what to do.
    """
    if resume and (output is None or form not in FORMS):
        raise click.UsageError("--resume needs an --output in jsonl or csv")
    if output is not None and form in FORMS and not resume and part_of(output).exists():
        name = one_line(unicode_name(part_of(output)))
        raise click.UsageError(f"{name} holds the results of a run that was interrupted: add --resume, or delete it")


@contextlib.contextmanager
def growing_file(output: Path) -> Iterator[IO[bytes]]:
    """Open ``NAME.part``, which takes the place of NAME when the block ends without an error, and else stays.

    It holds whole lines at any moment.

    Raises:
        OutputError: It cannot be written, or the disk is full.
    """
    target, part = Path(os.path.realpath(output)), part_of(output)
    fresh = part.with_name(part.name + ".new")  # what is there already is copied before it is let go
    try:
        with LineFile(fresh, "wb") as file:
            yield file
            os.fsync(file.fileno())
        if target.is_file():
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        part.replace(target)
    except OSError as error:
        raise OutputError(
            f"{output} cannot be written: {error.strerror or error}; {part} keeps what is done"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def begin(file: IO[bytes], output: Path) -> None:
    """Let the file that `growing_file` gave take the place of an earlier ``NAME.part``."""
    Path(file.name).replace(part_of(output))


def earlier_results(output: Path, form: str) -> Iterator[tuple[str, bytes, bool]]:
    """Whole results of an earlier run: the picture's name, its lines, and whether it could not be read.

    A torn end is left out, in CSV the last picture, too, of which faces may be missing.
    """
    path = part_of(output) if part_of(output).exists() else output
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from (_json_lines if form == "jsonl" else _csv_rows)(file)
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError, ValueError, KeyError, csv.Error) as error:
        raise OutputError(f"{path} cannot be continued: it holds no results in {form} ({error})") from error


def _json_lines(file: IO[str]) -> Iterator[tuple[str, bytes, bool]]:
    for line in file:
        if not line.endswith("\n"):
            return
        result = json.loads(line)
        yield result["source"], line.encode(), result["error"] is not None


def _csv_rows(file: IO[str]) -> Iterator[tuple[str, bytes, bool]]:
    rows = csv.reader(file)
    header = next(rows, [])
    source, error = header.index("source"), header.index("error")
    held: tuple[str, bytes, bool] | None = None
    for name, group in groupby((row for row in rows if len(row) == len(header)), lambda row: row[source]):
        if held:
            yield held
        text, found = io.StringIO(), list(group)
        csv.writer(text).writerows(found)
        held = name, text.getvalue().encode(), any(row[error] for row in found)


__all__ = ["FORMS", "begin", "check_resume", "earlier_results", "growing_file"]

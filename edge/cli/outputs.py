"""Where results go: refuses, before anything is opened, a place that would destroy what the user gave."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from edge.naming import one_line, unicode_name
from edge.settings import Loaded
from edge.settings.load import ORIGINS
from edge.sources.files import HEIC, STDIN, SUFFIXES, VIDEOS

PICTURES = SUFFIXES | HEIC
MODELS = frozenset({".tflite", ".keras"})
FORMS = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
STDOUT = "-"

Outputs = Mapping[str, "Path | str | None"]


def check_outputs(outputs: Outputs, inputs: Iterable[Path | str | None]) -> None:
    """Refuse an output that is an input, or that two options share; also through links and other spellings.

    Args:
        outputs: Option to the file it writes; what is empty, ``-`` or a device passes.
        inputs: Files that are read, folders whose pictures are, and ``-`` for what standard input comes from; camera
            numbers and addresses pass.

    Raises:
        click.UsageError: An output would overwrite what is read.
    """
    sources = [os.fspath(path) for path in inputs if path]
    taken: dict[str, str] = {}
    for option, path in outputs.items():
        if not path or os.fspath(path) == STDOUT or is_special(path):
            continue
        place = os.path.realpath(path)
        if taken.setdefault(place, option) != option:
            raise click.UsageError(f"{taken[place]} and {option} both name {_shown(path)}; give each its own file")
        found = next((read for read in sources if _reads(read, place)), None)
        if found:
            raise click.UsageError(
                f"{option} {_shown(path)} would overwrite what is read from "
                f"{'standard input' if found == STDIN else _shown(found)}; give another name"
            )


def refuse_media(option: str, path: Path | str | None) -> None:
    """Refuse a picture, video or model as the place of text: a name was forgotten, as in ``--output photos/*.jpg``.

    Raises:
        click.UsageError: The name is that of a picture, video or model.
    """
    if not path or os.fspath(path) == STDOUT or is_special(path):
        return
    suffix = Path(path).suffix.lower()
    kind = next((kind for kind, some in _MEDIA.items() if suffix in some), None)
    if kind:
        raise click.UsageError(
            f"{option} {_shown(path)} is named like a {kind}, which results would overwrite; "
            "give a name such as results.jsonl"
        )


def file_of(output: Path | None) -> Path | None:
    """``--output`` as a file; None for standard output, which ``-`` names too."""
    return None if output is None or str(output) == STDOUT else output


def choose_form(loaded: Loaded[Any], output: Path | None, default: str, allowed: Iterable[str]) -> str:
    """The form of the results: as ``--format`` says, else as the suffix of ``--output`` names it.

    A suffix counts more than a format of a weaker origin, such as the environment.

    Args:
        loaded: The verb's settings, with ``format`` and ``output``.
        output: Where results go; None for standard output.
        default: The form where neither says one.
        allowed: Forms that can be written to a file.

    Raises:
        click.UsageError: The suffix and ``--format`` contradict each other, or the form cannot go to a file.
    """
    form, origins = loaded.settings.format, loaded.origins
    if output is None:
        return form or default
    named = FORMS.get(output.suffix.lower())
    allowed = tuple(allowed)
    weaker = ORIGINS.index(origins["format"]) < ORIGINS.index(origins["output"])
    wanted = named if named and (weaker or not form) else form or default
    if wanted not in allowed:
        raise click.UsageError(
            f"--output {_shown(output)} cannot take {wanted}; wanted {' or '.join(allowed)}, with such a suffix or none"
        )
    if named and named != wanted:
        raise click.UsageError(
            f"--output {_shown(output)} is named like {named}, but --format is {form}; change one of them"
        )
    return wanted


def _reads(path: str, place: str) -> bool:
    """Whether the existing regular file ``place`` is this input, or a picture in this input folder."""
    try:
        wanted = os.stat(place)  # noqa: PTH116 - Path.stat is slower, and this may meet a million names
        if not stat.S_ISREG(wanted.st_mode):
            return False
        found = os.stat(0 if path == STDIN else path)  # noqa: PTH116
    except (OSError, ValueError):
        return False
    if not stat.S_ISDIR(found.st_mode):
        return os.path.samestat(found, wanted)
    return any(os.path.samestat(file, wanted) for file in _pictures(path, wanted.st_ino))


def _pictures(folder: str, inode: int) -> Iterator[os.stat_result]:
    """Pictures in a folder tree that may have this inode: a name is only looked at closely where it can."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from _pictures(entry.path, inode)
                elif (entry.is_symlink() or entry.inode() == inode) and Path(entry.name).suffix.lower() in PICTURES:
                    yield entry.stat()
    except OSError:
        return


def is_special(path: Path | str) -> bool:
    """Whether it is a device or a pipe, which holds nothing that could be overwritten."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _shown(path: Path | str) -> str:
    return one_line(unicode_name(path))


_MEDIA = {"picture": PICTURES, "video": VIDEOS, "model": MODELS}

__all__ = ["STDOUT", "check_outputs", "choose_form", "file_of", "is_special", "refuse_media"]

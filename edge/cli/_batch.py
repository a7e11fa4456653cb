"""Reads many pictures, in order, several at a time, and writes what was found; the work behind ``predict``."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from edge.analysis import PictureReader
from edge.atomic import atomic_write
from edge.cli import _resume
from edge.cli._annotated import annotated_path, save_annotated
from edge.cli._progress import Progress
from edge.cli._quick import interruptible
from edge.cli.outputs import is_special
from edge.errors import ImageError, OutputError
from edge.heap import keep_freed_memory
from edge.images import MAX_STREAM_BYTES
from edge.naming import one_line, unicode_name
from edge.opencv import cv2
from edge.runtime import default_threads
from edge.sinks.formats import WRITERS, JsonWriter, Writer
from edge.sinks.lines import standard_output
from edge.sources.files import STDIN, Picture, Skipped, find_pictures
from edge.types import FrameResult

if TYPE_CHECKING:
    from concurrent.futures import Future

    from edge.cli.predict import PredictSettings


@dataclass(frozen=True)
class _Reader:
    """Turns one picture into its result. A thread keeps one reader: neither detector nor interpreter can be shared."""

    reading: dict[str, Any]
    annotate: Path | None
    own: threading.local

    def reader(self) -> PictureReader:
        made: PictureReader | None = getattr(self.own, "reader", None)
        if made is None:
            made = self.own.reader = PictureReader(**self.reading)
        return made

    def __call__(self, picture: Picture) -> FrameResult:
        source = unicode_name(picture.path)
        try:
            if picture.error:
                raise ImageError(picture.error)
            content = _standard_input() if picture.path == STDIN else picture.path
        except ImageError as error:
            return FrameResult(source, 0, 0, error=str(error))
        result, image = self.reader().read(content, source)
        if self.annotate and image is not None:
            save_annotated(image, result, self.annotate, picture)
        return result


def run(paths: tuple[str, ...], settings: PredictSettings, form: str) -> int:
    """Do a whole ``predict``; returns how many pictures could not be read."""
    output, annotate, jobs = settings.output, settings.annotate, settings.jobs
    threads = settings.threads or max(1, default_threads() // jobs)
    cv2.setNumThreads(threads)
    keep_freed_memory()
    warnings.filterwarnings("ignore", module="PIL")  # about oddities in files that are read all the same
    interruptible()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is done gets written then, too
    reader = _Reader({**settings.for_reader(), "threads": threads}, annotate, threading.local())
    reader.reader()  # what is wrong with the model is said once, before any picture
    single = len(paths) == 1 and not os.path.isdir(paths[0])  # noqa: PTH112
    skipped: Skipped = Counter()
    pictures = find_pictures(paths, skip=annotate, skipped=skipped)
    watched = sys.stderr.isatty() and not single
    progress = Progress(sum(1 for _ in find_pictures(paths, skip=annotate)) if watched else None, skipped)
    grows = output is not None and form in _resume.FORMS and not single and not is_special(output)
    with _open_output(output, grows=grows) as file:
        writer = JsonWriter(file, single=single) if form == "json" else WRITERS[form](file)
        if output is not None and grows:
            kept = _keep(file, output, form, progress) if settings.resume else set()
            _resume.begin(file, output)
            pictures = (picture for picture in pictures if unicode_name(picture.path) not in kept)
        interrupted = _write_all(_read_all(reader, pictures, jobs), writer, progress)
        writer.close()
    if not single:
        progress.end()
    if annotate and progress.done > progress.bad:
        where = annotated_path(annotate, next(find_pictures(paths))) if single else annotate
        click.echo(f"annotated {'picture' if single else 'pictures'}: {one_line(unicode_name(where))}", err=True)
    if interrupted:
        click.echo("interrupted", err=True)
        if jobs > 1:  # a thread that waits for a slow disk or a pipe would hold up a normal exit
            os._exit(130)
        raise click.exceptions.Exit(130)
    return progress.bad


def _keep(file: IO[bytes], output: Path, form: str, progress: Progress) -> set[str]:
    """Copy what an earlier run has written; the names of its pictures."""
    names = set()
    for name, lines, bad in _resume.earlier_results(output, form):
        file.write(lines)
        names.add(name)
        progress.keep(bad)
    return names


def _write_all(results: Iterator[FrameResult], writer: Writer, progress: Progress) -> bool:
    """Write results as they come; true when Ctrl-C ended them. What is done is then written all the same."""
    try:
        for result in results:
            progress.clear()
            writer.write(result)
            progress.count(result)
    except KeyboardInterrupt:
        return True
    return False


def _read_all(reader: _Reader, pictures: Iterator[Picture], jobs: int) -> Iterator[FrameResult]:
    """Results in the pictures' order, at most 2 pictures a job under way."""
    if jobs == 1:
        yield from map(reader, pictures)
        return
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(jobs)
    window: deque[Future[FrameResult]] = deque()
    try:
        for picture in pictures:
            window.append(pool.submit(reader, picture))
            if len(window) >= 2 * jobs:
                yield window.popleft().result()
        while window:
            yield window.popleft().result()
    except KeyboardInterrupt:
        yield from (future.result() for future in window if future.done() and not future.exception())
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def _open_output(path: Path | None, *, grows: bool) -> Iterator[IO[bytes]]:
    if path is not None:
        with _resume.growing_file(path) if grows else atomic_write(path) as file:
            yield file
        return
    try:
        yield standard_output()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error


def _standard_input() -> bytes:
    data = sys.stdin.buffer.read(MAX_STREAM_BYTES + 1)
    if len(data) > MAX_STREAM_BYTES:
        raise ImageError(f"is a stream of more than {MAX_STREAM_BYTES >> 20} MiB, too long for a picture")
    return data


__all__ = ["run"]

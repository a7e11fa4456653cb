"""``emotion-edge bulk``: more pictures than one machine can read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar, cast

import click

from edge.cli._quick import interruptible
from edge.cli.options import takes
from edge.cli.outputs import FORMS, check_outputs, refuse_media
from edge.errors import ConfigError
from edge.naming import one_line, unicode_name
from edge.settings import Loaded, Verb, setting
from edge.settings.reading import ReadingSettings

F = TypeVar("F", bound=Callable[..., Any])


def needs_the_extra(function: F) -> F:
    """Say what is missing before anything is done; nothing is loaded to find out."""

    @wraps(function)
    def checked(*args: Any, **options: Any) -> Any:
        for name in ("distributed", "pyarrow"):
            if find_spec(name) is None:
                raise ConfigError(f"bulk needs {name}; install it with: pip install 'emotion-edge[bulk]'")
        return function(*args, **options)

    return cast(F, checked)


@dataclass(frozen=True)
class ScoreSettings(ReadingSettings):
    """Everything that can be set about ``bulk score``."""

    scheduler: str | None = setting(None, "A Dask scheduler.", form="tcp://HOST:PORT", otherwise="one is started here")
    workers: int | None = setting(None, "Workers to start here.", low=1, otherwise="one a core")
    host: str = setting("127.0.0.1", "Address a scheduler started here listens on.")
    part: int = setting(500, "Pictures a part.", low=1)
    limit_s: float = setting(30.0, "Give a picture up after so many seconds.", above=0)
    tls_ca_file: Path | None = setting(None, "Certificate authority of a tls:// scheduler.")
    tls_cert: Path | None = setting(None, "Certificate of this client.")
    tls_key: Path | None = setting(None, "Private key of this client.")


SCORE = Verb("bulk score", ScoreSettings)


@click.group("bulk")
def command() -> None:
    """Read more pictures than one machine can: list them, score the listing, merge the result.

    Folders and files may lie in object storage (s3://, gs://). It needs: pip install 'emotion-edge[bulk]'
    """


@command.command("list")
@click.argument("source")
@click.argument("listing")
@needs_the_extra
def list_command(source: str, listing: str) -> None:
    """List the pictures of SOURCE in the file LISTING.

    SOURCE is a folder, which is searched recursively, a pattern in quotation marks ("photos/**/*.jpg"), a .txt file
    with a path a line, or an address in object storage. LISTING is a Parquet file, such as pictures.parquet. A listing
    that was interrupted goes on with the same command.
    """
    from edge.bulk.listing import write_listing

    refuse_media("LISTING", listing)
    if listing.lower().endswith((*FORMS, ".txt")):
        name = one_line(unicode_name(listing))
        raise click.UsageError(f"LISTING {name} would be a Parquet file; give a name such as pictures.parquet")
    check_outputs({"LISTING": listing}, [source])
    interruptible()
    began = monotonic()

    def say(found: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{found} names", nl=False, err=True)

    pictures, videos, first = write_listing(source, listing, say)
    click.echo(f"{pictures} pictures in {one_line(unicode_name(listing))}, {monotonic() - began:.1f} s", err=True)
    if videos:
        name = one_line(unicode_name(first))
        click.echo(f"error: left out {videos} videos, which bulk does not read yet, the first of them {name}", err=True)
        raise click.exceptions.Exit(1)


@command.command("score")
@click.argument("listing")
@click.argument("out")
@needs_the_extra
@takes(SCORE)
def score(listing: str, out: str, loaded: Loaded[ScoreSettings]) -> None:
    """Read the pictures of LISTING into the folder OUT.

    Each part of the listing becomes a Parquet file. Parts that are there are left as they are: the same command goes on
    after whatever ended it. A picture that cannot be read, that hangs or that ends the interpreter is a row with an
    error. The exit code is 1 when parts were lost.
    """
    from edge.bulk.cluster import Security, connect, score_parts
    from edge.bulk.listing import about
    from edge.bulk.run import Options, check, describe, done_parts, parts_of

    interruptible()
    given = loaded.settings
    security = None
    if given.tls_ca_file and given.tls_cert and given.tls_key:
        security = Security(str(given.tls_ca_file), str(given.tls_cert), str(given.tls_key))
    elif given.tls_ca_file or given.tls_cert or given.tls_key:
        raise click.UsageError("--tls-ca-file, --tls-cert and --tls-key go together; give all three")
    elif given.scheduler and given.scheduler.startswith("tls://"):
        raise click.UsageError("a tls:// scheduler needs --tls-ca-file, --tls-cert and --tls-key")
    if given.scheduler and given.workers:
        raise click.UsageError("--workers starts workers here, --scheduler uses those that are there; give one of them")
    listing, out = _absolute(listing), _absolute(out)
    if Path(out).is_file():
        raise click.UsageError(f"OUT {one_line(unicode_name(out))} is a file; give a folder, which may be new")
    reading = given.for_reader()
    for name in ("model", "detector_model"):
        reading[name] = reading[name] and _absolute(reading[name])
    settings = Options.of({"part": given.part, "limit_s": given.limit_s, **reading})
    known = about(listing)
    check(out, describe(known, settings, _facts(settings.reading)))
    done = done_parts(out)
    parts = parts_of(known.pictures, settings.part)
    open_pictures = known.pictures - sum(min(settings.part, known.pictures - k * settings.part) for k in done)
    progress = _Progress(open_pictures)
    if len(done) < parts:
        with connect(given.scheduler, workers=given.workers, host=given.host, security=security) as client:
            click.echo(f"dashboard: {client.dashboard_link}", err=True)
            todo = (k for k in range(parts) if k not in done)
            lost = score_parts(
                client, todo, listing=listing, out=out, options=settings.to_dict(), progress=progress.count
            ).lost
    else:
        lost = {}
    progress.end()
    click.echo(f"{parts - len(lost)} of {parts} parts in {one_line(out)}, {len(done)} of them from before", err=True)
    if lost:
        reason = one_line(next(iter(lost.values())))
        click.echo(
            f"error: lost {len(lost)} parts after 4 tries each: {_numbers(list(lost))} ({reason}); "
            "the same command tries them again",
            err=True,
        )
        raise click.exceptions.Exit(1)


@command.command("status")
@click.argument("out")
@needs_the_extra
def status_command(out: str) -> None:
    """Say how far the run in the folder OUT is."""
    from edge.bulk.merge import status

    found = status(out)
    total = found.run["listing"]["pictures"]
    facts = {
        "parts": f"{found.parts - len(found.missing)} of {found.parts}",
        "pictures": f"{found.pictures} of {total}",
        "unreadable": found.unreadable,
        "missing": _numbers(found.missing) or "none",
        **found.run["options"],
        **found.run["versions"],
    }
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {value}")


@command.command("merge")
@click.argument("out")
@click.argument("result")
@needs_the_extra
def merge_command(out: str, result: str) -> None:
    """Write all rows of the run in OUT as RESULT.

    The run must be finished; RESULT is a .parquet file or predict's .csv.
    """
    from edge.bulk.merge import merge

    refuse_media("RESULT", result)
    _refuse_own_files(out, result)
    interruptible()
    click.echo(f"{merge(out, result)} pictures in {one_line(unicode_name(result))}", err=True)


def _facts(reading: dict[str, Any]) -> dict[str, str]:
    """What is wrong with the model is said here, once, before anything is started."""
    import json

    from edge.bulk.child import facts

    return facts(json.dumps(reading, sort_keys=True))


def _refuse_own_files(out: str, result: str) -> None:
    """A result may replace neither a part of its run nor a listing."""
    from edge.bulk import listing, storage

    name = one_line(unicode_name(result))
    place, folder = (path if storage.is_remote(path) else os.path.realpath(path) for path in (result, out))
    if place.startswith(storage.join(folder, "")):
        raise click.UsageError(
            f"RESULT {name} lies in {one_line(unicode_name(out))}, among the parts; give another place"
        )
    if not storage.exists(result):
        return
    with suppress(ConfigError):
        listing.about(result)
        raise click.UsageError(f"RESULT {name} is a listing, which would be overwritten; give another name")


def _absolute(path: str) -> str:
    """Workers run in folders of their own."""
    from edge.bulk.storage import is_remote

    return path if is_remote(path) else str(Path(path).absolute())


def _numbers(parts: list[int], shown: int = 10) -> str:
    """Numbers as ranges: 1-3, 7."""
    ranges: list[list[int]] = []
    for k in sorted(parts):
        if ranges and k == ranges[-1][1] + 1:
            ranges[-1][1] = k
        else:
            ranges.append([k, k])
    words = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:shown]]
    return ", ".join(words) + (f" and {len(ranges) - shown} ranges more" if len(ranges) > shown else "")


class _Progress:
    """Says how far a run is, how fast, and how long it will take: on a terminal a running line, else one a minute."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._unreadable = total, 0, 0
        self._live = sys.stderr.isatty()
        self._began = self._shown = monotonic()

    def count(self, part: dict[str, int]) -> None:
        """Add a finished part."""
        self._done += part["pictures"]
        self._unreadable += part["unreadable"]
        now = monotonic()
        if now - self._shown > (0.2 if self._live else 60):
            self._shown = now
            click.echo(("\r\x1b[K" if self._live else "") + self._line(now), nl=not self._live, err=True)

    def _line(self, now: float) -> str:
        rate = self._done / (now - self._began)
        minutes, seconds = divmod(round((self._total - self._done) / rate), 60)
        left = f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        return (
            f"{self._done} of {self._total} pictures, {self._unreadable} unreadable, {rate:.1f} a second, {left} left"
        )

    def end(self) -> None:
        """Leave one closing line."""
        if self._done:
            seconds = monotonic() - self._began
            line = f"{self._done} pictures, {self._unreadable} unreadable, in {seconds:.1f} s"
            click.echo(("\r\x1b[K" if self._live else "") + line, err=True)


__all__ = ["command"]

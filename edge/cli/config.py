"""``emotion-edge config``: show or check the settings of a kiosk or a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from edge.cli.kiosk import command as kiosk_command
from edge.cli.stream import STREAM
from edge.cli.stream import command as stream_command
from edge.errors import EdgeError, SettingsError
from edge.kiosk.settings import KIOSK, SOURCE_WORDS, KioskSettings
from edge.naming import one_line
from edge.settings import Verb, to_toml

F = TypeVar("F", bound=Any)
_COMMANDS = {"kiosk": kiosk_command, "stream": stream_command}
_VERBS: dict[str, Verb[Any]] = {"kiosk": KIOSK, "stream": STREAM}


def _verb_option(function: F) -> F:
    option = click.option(
        "--verb",
        type=click.Choice(list(_VERBS)),
        default="kiosk",
        show_default=True,
        help="Whose settings they are.",
    )
    return option(function)


@click.group("config")
def command() -> None:
    """Show or check the settings of a kiosk or a stream."""


@command.command("show", context_settings={"ignore_unknown_options": True})
@_verb_option
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF THE VERB]...")
def show(verb: str, options: tuple[str, ...]) -> None:
    """Print every setting as TOML, and where its value comes from.

    Further options are those of the verb: --config FILE, or --threshold 0.5. Passwords in addresses are left out.
    """
    given = _COMMANDS[verb].make_context(f"emotion-edge config show --verb {verb}", list(options)).params
    loaded = _VERBS[verb].load(given, path=given.pop("config"))
    default = _VERBS[verb].default_file
    click.echo(f"# file: {loaded.path or (f'none ({default} is not there)' if default else 'none')}")
    for name, value in to_toml(loaded.settings):
        click.echo(f"{f'{name} = {value}':<40}  # {loaded.origins[name]}")


@command.command("check")
@_verb_option
@click.argument("path", required=False, type=click.Path(path_type=Path))
def check(verb: str, path: Path | None) -> None:
    """Check settings, and that the files they name are there.

    They are those of PATH, by default the installed file, and of the environment.

    Everything that is wrong gets a line, and the exit code is then 1.
    """
    try:
        loaded = _VERBS[verb].load(path=path)
        problems = list(_faults(loaded.settings))
    except SettingsError as error:
        problems = [*error.problems, *_faults(error.rest)]
    for problem in problems:
        click.echo(f"error: {one_line(problem)}", err=True)
    if problems:
        raise click.exceptions.Exit(1)
    click.echo(f"{loaded.path} is fine" if loaded.path else "no file; the defaults and the environment are fine")


def _faults(settings: Any) -> Iterator[str]:
    """What is wrong with settings that are right each for itself: what they name is not there."""
    from edge.kiosk.logo import read_logo
    from edge.sinks.mqtt import problems
    from edge.sources import open_source

    for name in ("model", "detector_model"):
        path = getattr(settings, name)
        if path is not None and not path.is_file():
            yield f"{name}: no such file: {path}"
    kiosk = isinstance(settings, KioskSettings)
    if not (kiosk and settings.source in SOURCE_WORDS):
        yield from _fault(lambda: open_source(settings.source))
    if kiosk and settings.logo is not None:
        yield from _fault(lambda: read_logo(settings.logo))
    yield from problems(settings)


def _fault(use: Callable[[], object]) -> Iterator[str]:
    try:
        use()
    except EdgeError as error:
        yield str(error)


__all__ = ["command"]

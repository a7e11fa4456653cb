"""``emotion-edge config``: show or check the kiosk's configuration."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from edge.cli.kiosk import setting_options
from edge.errors import SettingsError
from edge.kiosk.config import DEFAULT_PATH, load
from edge.naming import one_line


@click.group("config")
def command() -> None:
    """Show or check the kiosk's configuration."""


@command.command("show")
@setting_options
def show(path: Path | None, **given: Any) -> None:
    """Print every setting as TOML, and where its value comes from."""
    loaded = load(given, path=path)
    click.echo(f"# file: {loaded.path or f'none ({DEFAULT_PATH} is not there)'}")
    for name, value in asdict(loaded.config).items():
        if value is None:
            click.echo(f"{f'# {name} is not set':<40}  # {loaded.origins[name]}")
            continue
        # A JSON text, number, truth value or list of texts is the same in TOML.
        said = json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
        click.echo(f"{f'{name} = {said}':<40}  # {loaded.origins[name]}")


@command.command("check")
@click.argument("path", required=False, type=click.Path(path_type=Path))
def check(path: Path | None) -> None:
    """Check a configuration file (by default the installed one) and the environment.

    Everything that is wrong gets a line, and the exit code is then 1.
    """
    try:
        loaded = load(path=path)
    except SettingsError as error:
        for problem in error.problems:
            click.echo(f"error: {one_line(problem)}", err=True)
        raise click.exceptions.Exit(1) from error
    click.echo(f"{loaded.path or 'no file: defaults and environment'} is fine")


__all__ = ["command"]

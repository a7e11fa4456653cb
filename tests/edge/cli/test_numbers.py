"""No option of any verb takes nan or infinity for a number."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from edge.cli import VERBS, cli


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for inner, one in command.commands.items():
            yield from commands(one, f"{name} {inner}")
    else:
        yield name, command


def verbs() -> list[tuple[str, click.Command]]:
    context = click.Context(cli)
    return [pair for verb in VERBS for pair in commands(cli.get_command(context, verb), verb)]


@pytest.mark.parametrize("value", ["nan", "-nan", "inf", "-inf", "Infinity", "1e999"])
def test_every_option_refuses_what_is_no_number(value: str) -> None:
    numbers = []
    for name, command in verbs():
        context = click.Context(command)
        for option in command.params:
            if isinstance(option, click.Option) and option.is_flag:
                continue
            given: Any = [value] if option.multiple or option.nargs == -1 else value
            try:
                taken = option.process_value(context, given)
            except click.UsageError:
                numbers.append(name)
                continue
            assert not (isinstance(taken, float) and not math.isfinite(taken)), f"{name} {option.name} takes {value}"
    assert {"predict", "stream", "kiosk", "bulk score", "benchmark"} <= set(numbers)


@pytest.mark.parametrize(
    "words", ["predict p.jpg --max-megapixels inf", "stream --duration nan", "benchmark --seconds inf"]
)
def test_it_is_usage(cli: Any, words: str) -> None:
    done = cli(*words.split())
    assert done.returncode == 2
    assert words.rsplit(maxsplit=1)[-1] in done.stderr.decode().splitlines()[-1]


def test_conversion_too(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "convert", "--data", "d", "--threshold", "nan"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nan is not a number that can be used" in done.stderr

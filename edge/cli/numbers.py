"""Refuses nan and infinity, which Python takes for numbers, in every option of a command."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import click


def only_numbers(command: click.Command) -> click.Command:
    """Let every option of a command, and of those in a group, refuse nan and infinity.

    Returns:
        The command itself.
    """
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            only_numbers(inner)
    for parameter in command.params:
        parameter.callback = partial(_finite, parameter.callback)
    return command


def _finite(then: Callable[..., Any] | None, ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number that can be used; give one such as 0.5", ctx, parameter)
    return then(ctx, parameter, value) if then else value


__all__ = ["only_numbers"]

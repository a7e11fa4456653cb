"""Turns the settings of a verb into its options."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.settings import Setting, Verb, settings_of

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Command = Callable[..., None]

_FORMS = {int: "INTEGER", float: "NUMBER", str: "TEXT", Path: "PATH"}


def takes(verb: Verb[Any]) -> Callable[[Command], Command]:
    """Give a command one option for each setting of its verb; it is called with ``loaded``, a `Loaded`.

    What is not given on the command line comes from the environment, the file, or the default.
    """

    def decorate(function: Command) -> Command:
        names = settings_of(verb.settings)

        @wraps(function)
        def call(config: Path | None = None, **params: Any) -> None:
            given = {name: params.pop(name) for name in names}
            function(loaded=verb.load(given, path=config), **params)

        options = [option_of(each) for each in names.values()]
        if verb.takes_file:
            options.append(config_option(verb.default_file))
        command: Command = call
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def config_option(default: Path | None = None) -> Callable[[Command], Command]:
    """``--config``: the TOML file that holds settings."""
    shown = f"{default} if it is there" if default else "none"
    return click.option("--config", type=_PATH, help=f"A TOML file of these settings.  [default: {shown}]")


def option_of(each: Setting) -> Callable[[Command], Command]:
    """The option of a setting; None, or an empty tuple of several, where it is not given."""
    words = "--" + each.name.replace("_", "-")
    facts = "; ".join(filter(None, (each.range, f"default: {default_of(each)}" if default_of(each) else "")))
    text = each.help + (f"  [{facts}]" if facts else "")
    if each.kind is bool:
        return click.option(f"{words}/--no-{words[2:]}", each.name, default=None, help=text)
    return click.option(words, each.name, type=_Value(each), metavar=form_of(each), multiple=each.many, help=text)


def form_of(each: Setting) -> str:
    """What stands for the value in help."""
    return each.form or "|".join(map(str, each.choices)) or _FORMS[each.kind]


def default_of(each: Setting) -> str:
    """The default in words; empty where there is none."""
    if each.kind is bool:
        return each.name.replace("_", "-") if each.default else ""
    if each.default is None or each.default == ():
        return each.otherwise
    return f"{each.default:g}" if each.kind is float else str(each.default)


class _Value(click.ParamType):  # type: ignore[type-arg]
    """Checks the text of an option as the setting wants it."""

    def __init__(self, each: Setting) -> None:
        self.name = form_of(each)
        self._setting = each

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._setting.check_text(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        if self._setting.kind is Path:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(word) for word in map(str, self._setting.choices) if word.startswith(incomplete)]


_PATH = _Value(Setting("config", Path, None))

__all__ = ["config_option", "default_of", "form_of", "option_of", "takes"]

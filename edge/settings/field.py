"""What a field of a settings class takes, and the check of a value from a file, the environment or an option."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from dataclasses import MISSING, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes", Path: "a path"}
_PLURAL = {bool: "truth values", int: "whole numbers", float: "numbers", str: "texts", Path: "paths"}
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def setting(default: Any, help: str, **rules: Any) -> Any:  # noqa: A002 - the word click uses
    """A field of a settings class.

    Args:
        default: Its value where nothing is given.
        help: One sentence: what it means.
        **rules: ``low``, ``high`` (both included) and ``above`` (not included) bound a number; ``parse`` turns a text
            into the value or raises ValueError("must be ..."); ``form`` is what help shows for the value; ``otherwise``
            says what None stands for; ``variable`` is an environment variable that all verbs share; ``show`` takes the
            secrets out of a value that may hold them, whenever it is shown.
    """
    return field(default=default, metadata={"help": help, **rules})


class Size(NamedTuple):
    """Width and height in pixels; its text is ``640x480``."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read ``WIDTHxHEIGHT``; each from 16 to 8192."""
        width, _, height = text.lower().partition("x")
        if not all(part.isascii() and part.isdecimal() and 16 <= int(part) <= 8192 for part in (width, height)):
            raise ValueError(f"must be WIDTHxHEIGHT such as 640x480, each from 16 to 8192, got {text!r}")
        return cls(int(width), int(height))


class Setting(NamedTuple):
    """One setting: its name, what it takes, and what it means.

    Attributes:
        name: Key in the file.
        kind: Type of the value, of each of ``many`` values, or the settings class of a table.
        optional: Whether None is a value; in a file an empty text stands for it.
    """

    name: str
    kind: type[Any]
    default: Any
    many: bool = False
    optional: bool = False
    choices: tuple[Any, ...] = ()
    help: str = ""
    low: float | None = None
    high: float | None = None
    above: float | None = None
    parse: Callable[[str], Any] | None = None
    form: str = ""
    otherwise: str = ""
    variable: str = ""
    show: Callable[[str], str] | None = None

    @property
    def is_table(self) -> bool:
        """Whether it is a table of further settings."""
        return is_dataclass(self.kind)

    @property
    def range(self) -> str:
        """The bounds in words; empty where there are none."""
        if self.low is not None and self.high is not None:
            return f"from {self.low:g} to {self.high:g}"
        lowest = f"above {self.above:g}" if self.above is not None else ""
        lowest = f"at least {self.low:g}" if self.low is not None else lowest
        return ", ".join(filter(None, (lowest, f"at most {self.high:g}" if self.high is not None else "")))

    def check(self, value: Any) -> Any:
        """The value of a file in the setting's own type; raises ValueError that says what is wanted."""
        if self.optional and value == "":
            return None
        if not self.many:
            return self._check_one(value)
        kinds = (int, float) if self.kind is float else (str,) if self.kind is Path else (self.kind,)
        if not isinstance(value, list | tuple) or not all(type(item) in kinds for item in value):
            raise ValueError(f"must be a list of {_PLURAL[self.kind]}, got {value!r}")
        return tuple(self._check_one(item) for item in value)

    def check_text(self, text: str) -> Any:
        """The same for one text of the command line or the environment."""
        if self.parse or self.kind in (str, Path):
            return self._check_one(text)
        if self.kind is bool:
            if text.lower() not in _TRUE + _FALSE:
                raise ValueError(f"must be true or false, got {text!r}")
            return text.lower() in _TRUE
        try:
            value = self.kind(text)
        except ValueError:
            raise ValueError(f"must be {self._wanted}, got {text[:80]!r}") from None
        return self._check_one(value)

    @property
    def _wanted(self) -> str:
        return f"one of {', '.join(map(str, self.choices))}" if self.choices else _WORDS[self.kind]

    def _check_one(self, value: Any) -> Any:
        if self.parse and type(value) in (str, int):  # a file may hold 5 for --detect-every
            return self.parse(str(value))
        if self.kind is float and type(value) is int and abs(value) < 1e300:
            value = float(value)
        if self.kind is Path and type(value) is str and value and "\0" not in value:
            return Path(value)
        if type(value) is not self.kind:
            got = f"a {type(value).__name__}" if self.show else repr(value)
            raise ValueError(f"must be {self._wanted}, got {got}")
        if self.choices and value not in self.choices:
            raise ValueError(f"must be {self._wanted}, got {value!r}")
        if self.kind is float and not math.isfinite(value):
            raise ValueError(f"must be a finite number, got {value}")
        too_low = (self.low is not None and value < self.low) or (self.above is not None and value <= self.above)
        if too_low or (self.high is not None and value > self.high):
            raise ValueError(f"must be {self.range}, got {value}")
        return value


_KNOWN: dict[type[Any], dict[str, Setting]] = {}


def settings_of(cls: type[Any]) -> dict[str, Setting]:
    """The settings of a class by name: its own first, then those of its bases."""
    if cls in _KNOWN:
        return _KNOWN[cls]
    hints = get_type_hints(cls)
    known = {each.name: each for each in fields(cls)}
    names = [name for base in cls.__mro__ for name in vars(base).get("__annotations__", {}) if name in known]
    _KNOWN[cls] = {name: _setting_of(known[name], hints[name]) for name in dict.fromkeys(names)}
    return _KNOWN[cls]


def _setting_of(each: Any, hint: Any) -> Setting:
    default = each.default_factory() if each.default is MISSING else each.default
    rules: dict[str, Any] = dict(each.metadata)
    if get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint):
        rules["optional"] = True
        hint = Union[tuple(one for one in get_args(hint) if one is not type(None))]  # noqa: UP007 - of a tuple
    if get_origin(hint) is tuple:
        rules["many"] = True
        hint = get_args(hint)[0]
    if get_origin(hint) is Literal:
        rules["choices"] = get_args(hint)
        hint = type(get_args(hint)[0])
    return Setting(each.name, str if "parse" in rules else hint, default, **rules)


__all__ = ["Setting", "Size", "setting", "settings_of"]

"""Puts settings together from defaults, a TOML file, the environment and the command line, and lists all problems."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from edge.errors import SettingsError
from edge.settings.field import Setting, settings_of

T = TypeVar("T")

ORIGINS = ("default", "file", "environment", "command line")
"""Where a value can come from; a later one wins."""


class Loaded(NamedTuple, Generic[T]):
    """Settings, where each value came from, and the file that was read.

    Attributes:
        settings: The settings.
        origins: Name to one of `ORIGINS`; of tables ``table.name``.
        path: The TOML file that was read, or None.
    """

    settings: T
    origins: Mapping[str, str]
    path: Path | None


class Verb(NamedTuple, Generic[T]):
    """A verb of the command line, and where its settings come from.

    Attributes:
        name: As it is typed, such as ``bulk score``.
        settings: Its settings class.
        takes_file: Whether they may stand in a file: ``--config``, or ``EMOTION_EDGE_NAME_CONFIG``.
        default_file: Read if it is there and no other is named.
    """

    name: str
    settings: type[T]
    takes_file: bool = False
    default_file: Path | None = None

    @property
    def prefix(self) -> str:
        """How its environment variables begin: ``EMOTION_EDGE_BULK_SCORE_``."""
        return f"EMOTION_EDGE_{self.name.upper().replace(' ', '_')}_"

    def load(
        self,
        given: Mapping[str, Any] | None = None,
        *,
        path: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Loaded[T]:
        """Put the settings together.

        Args:
            given: Values of the command line, already checked; None and () are not given.
            path: A TOML file that must exist; None reads the default one if it is there.
            environ: The environment; that of the process by default.

        Raises:
            SettingsError: Keys or variables are unknown, values are wrong, or the file cannot be read. It lists all.
        """
        environ = os.environ if environ is None else environ
        if path is None and self.takes_file and environ.get(self.prefix + "CONFIG"):
            path = Path(environ[self.prefix + "CONFIG"])
        if path is None and self.default_file is not None and self.default_file.is_file():
            path = self.default_file
        build = _Builder()
        if path is not None:
            build.add(self.settings, build.read_file(path), "file", str(path))
        build.add_environment(self, environ)
        for name, value in (given or {}).items():
            if value not in (None, ()):
                build.values[name], build.origins[name] = value, "command line"
        return build.finish(self.settings, path)


def load(cls: type[T], *, path: Path, overrides: Iterable[str] = ()) -> Loaded[T]:
    """Read a TOML file, then apply overrides.

    Args:
        cls: The settings class.
        path: The file.
        overrides: ``key=value`` or ``table.key=value``, values in TOML's form (a bare word is a text).

    Raises:
        SettingsError: Keys are unknown, values are wrong, or the file cannot be read. It lists all.
    """
    build = _Builder()
    build.add(cls, build.read_file(path), "file", str(path))
    for override in overrides:
        build.add_override(cls, override)
    return build.finish(cls, path)


class _Builder:
    """Collects the values of all layers, the last one wins, and everything that is wrong."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}  # by name; of tables by "table.name"
        self.origins: dict[str, str] = {}
        self.problems: list[str] = []

    def read_file(self, path: Path) -> dict[str, Any]:
        import tomllib

        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}")
        except tomllib.TOMLDecodeError as error:
            self.problems.append(f"{path} is not TOML: {error}")
        return {}

    def add(self, cls: type[Any], values: Mapping[str, Any], origin: str, where: str, table: str = "") -> None:
        known = settings_of(cls)
        for key, value in values.items():
            name = table + key
            if key not in known:
                self.problems.append(f"{where}: unknown key '{name}'{_nearest(key, known)}")
            elif known[key].is_table:
                if isinstance(value, dict):
                    self.add(known[key].kind, value, origin, where, f"{name}.")
                else:
                    self.problems.append(f"{name} ({where}) must be a table, got {value!r}")
            else:
                self._set(name, known[key].check, value, origin, f"{name} ({where})")

    def add_environment(self, verb: Verb[Any], environ: Mapping[str, str]) -> None:
        known = {verb.prefix + name.upper(): one for name, one in settings_of(verb.settings).items()}
        shared = {one.variable: one for one in known.values() if one.variable}
        for variable, text in sorted(environ.items(), key=lambda item: item[0] in known):
            each = known.get(variable) or shared.get(variable)
            if each is not None:
                if text:  # an empty variable is one that is not set
                    self._set(each.name, partial(_from_environment, each), text, "environment", variable)
            elif variable.startswith(verb.prefix) and not (verb.takes_file and variable == verb.prefix + "CONFIG"):
                self.problems.append(f"unknown environment variable {variable}{_nearest(variable, known)}")

    def add_override(self, cls: type[Any], override: str) -> None:
        import tomllib

        key, equals, text = override.partition("=")
        if not equals:
            self.problems.append(f"{override!r} must be key=value")
            return
        try:
            value = tomllib.loads(f"v = {text.strip()}")["v"]
        except tomllib.TOMLDecodeError:
            value = text.strip()
        for part in reversed(key.strip().split(".")):
            value = {part: value}
        self.add(cls, value, "command line", f"override {override!r}")

    def finish(self, cls: type[T], path: Path | None) -> Loaded[T]:
        origins = {name: self.origins.get(name, "default") for name, _, _ in _flat(cls)}
        loaded = Loaded(self._build(cls), origins, path)
        if self.problems:
            raise SettingsError(self.problems, loaded.settings)
        return loaded

    def _build(self, cls: type[T], table: str = "") -> T:
        built = {
            name: self._build(each.kind, f"{table}{name}.") if each.is_table else self.values.get(table + name)
            for name, each in settings_of(cls).items()
            if each.is_table or table + name in self.values
        }
        return cls(**built)

    def _set(self, name: str, check: Callable[[Any], Any], value: Any, origin: str, where: str) -> None:
        try:
            self.values[name], self.origins[name] = check(value), origin
        except ValueError as error:
            self.problems.append(f"{where} {error}")


def _from_environment(each: Setting, text: str) -> Any:
    if not each.many:
        return each.check_text(text)
    return tuple(each.check_text(part.strip()) for part in text.split(",") if part.strip())


def _flat(cls: type[Any], settings: Any = None, table: str = "") -> Iterator[tuple[str, Setting, Any]]:
    for name, each in settings_of(cls).items():
        value = getattr(settings, name, None)
        if each.is_table:
            yield from _flat(each.kind, value, f"{table}{name}.")
        else:
            yield table + name, each, value


def to_toml(settings: Any) -> Iterator[tuple[str, str]]:
    """Name and value of every setting as TOML has them: ``('port', '8000')``; None is empty, secrets are left out."""
    import json

    for name, each, value in _flat(type(settings), settings):
        plain = [_plain(item) for item in value] if each.many else _plain(value)
        if each.show is not None and isinstance(plain, str):
            plain = each.show(plain)
        # A JSON text, number, truth value or list of texts is the same in TOML.
        yield name, json.dumps(plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return value if type(value) in (bool, int, float) else "" if value is None else str(value)


def _nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: what was probably meant, or all that there are."""
    from difflib import get_close_matches

    known = list(known)
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(known)}"


__all__ = ["ORIGINS", "Loaded", "Verb", "load", "to_toml"]

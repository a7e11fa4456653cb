"""The kiosk's settings: command line over environment over ``kiosk.toml`` over defaults.

`KioskConfig` is the only list of settings there is: the options of ``emotion-edge kiosk``, the names of the environment
variables, the keys of the file and what ``emotion-edge config show`` prints all come from its fields.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from edge.errors import ConfigError, SettingsError

DEFAULT_PATH = Path("/etc/emotion-edge/kiosk.toml")
PREFIX = "EMOTION_EDGE_KIOSK_"

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def _setting(default: Any, help: str, **rules: Any) -> Any:  # noqa: A002 - the word click uses
    return field(default=default, metadata={"help": help, **rules})


@dataclass(frozen=True, slots=True)
class KioskConfig:
    """Everything that can be set about a kiosk; each field says what it means."""

    source: str = _setting(
        "auto",
        "Camera number or device, picamera[:N], video file, folder of pictures, address, or 'demo' for drawn faces; "
        "'auto' takes a camera if it finds one, else the demo; 'none' serves the upload page alone.",
    )
    host: str = _setting("127.0.0.1", "Address to listen on; any but this device's own needs a token.")
    port: int = _setting(8000, "Port to listen on; 0 takes a free one.", low=0, high=65535)
    video: str = _setting("on", "What picture leaves the process.", choices=("on", "blur", "off"))
    video_fps: float = _setting(15.0, "Pictures a second sent to the page, at most.", low=1, high=60)
    size: str = _setting("640x480", "Camera picture as WIDTHxHEIGHT.")
    rotate: int = _setting(0, "Turn of the camera picture in degrees clockwise.", choices=(0, 90, 180, 270))
    flip: str = _setting("none", "Mirroring of it.", choices=("none", "horizontal", "vertical", "both"))
    model: str = _setting("", "Model file; empty for the one that comes with the package.")
    threads: int = _setting(0, "Threads of the interpreter; 0 leaves one core free.", low=0, high=64)
    threshold: float | None = _setting(
        None,
        "Below this confidence an answer is shown as not confident; by default the model's own.",
        kind=float,
        low=0,
        high=1,
    )
    detector: str = _setting(
        "auto", "What finds faces; 'auto' takes YuNet where it can run.", choices=("auto", "yunet", "haar")
    )
    detector_model: str = _setting("", "Another .onnx file of YuNet; empty for the one that was measured.")
    min_face: float = _setting(
        0.0, "Smallest face that counts, as a share of the picture's height; 0 for as small as is found.", low=0, high=1
    )
    auth: bool = _setting(True, "Ask for the token where the address needs one.")
    token_file: str = _setting(
        "", "File of the token; empty for token in $STATE_DIRECTORY or ~/.local/state/emotion-edge."
    )
    allow_host: tuple[str, ...] = _setting((), "Further host names by which the page may be called; '*' for any.")
    max_uploads: int = _setting(4, "Uploads worked on at a time; further ones are told to come back.", low=1, high=64)
    max_upload_mb: float = _setting(10.0, "Largest upload in megabytes.", low=0.1, high=100)
    event_log: str = _setting(
        "", "Database file (SQLite) of who showed what for how long, without pictures; empty for none."
    )
    language: str = _setting("auto", "Language of the page.", choices=("auto", "en", "de", "fr", "es", "hi"))
    theme: str = _setting("auto", "Colours of the page.", choices=("auto", "dark", "light"))

    @property
    def loopback(self) -> bool:
        """Whether only this device can reach the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def camera_size(self) -> tuple[int, int]:
        """``size`` as (width, height) in pixels."""
        width, _, height = self.size.lower().partition("x")
        return int(width), int(height)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, where each value came from, and the file that was read.

    Attributes:
        config: The settings.
        origins: Setting name to ``command line``, ``environment``, ``file`` or ``default``.
        path: The TOML file that was read, or None.
    """

    config: KioskConfig
    origins: Mapping[str, str]
    path: Path | None


def load(
    given: Mapping[str, Any] | None = None,
    *,
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Loaded:
    """Put the settings together.

    Args:
        given: What the command line says; None values are not said.
        path: A TOML file that must exist; None reads ``/etc/emotion-edge/kiosk.toml`` if it is there.
        environ: The environment; that of the process by default.

    Raises:
        SettingsError: Keys are unknown, values have the wrong type or range, or the file cannot be read; it lists all.
    """
    environ = os.environ if environ is None else environ
    if path is None and environ.get(PREFIX + "CONFIG"):
        path = Path(environ[PREFIX + "CONFIG"])
    if path is None and DEFAULT_PATH.is_file():
        path = DEFAULT_PATH
    values: dict[str, Any] = {}
    origins = {setting.name: "default" for setting in fields(KioskConfig)}
    problems: list[str] = []
    for name, value, origin, where in _layers(given or {}, path, environ, problems):
        try:
            values[name] = _checked(name, value, where)
            origins[name] = origin
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise SettingsError(problems)
    return Loaded(KioskConfig(**values), origins, path)


def _layers(
    given: Mapping[str, Any], path: Path | None, environ: Mapping[str, str], problems: list[str]
) -> Iterator[tuple[str, Any, str, str]]:
    """Name, value, origin and where exactly, the strongest last; what cannot be read goes to ``problems``."""
    if path is not None:
        try:
            yield from ((name, value, "file", str(path)) for name, value in _from_file(path).items())
        except ConfigError as error:
            problems.append(str(error))
    known = {PREFIX + setting.name.upper(): setting for setting in fields(KioskConfig)}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable == PREFIX + "CONFIG":
            continue
        try:
            if variable not in known:
                raise ConfigError(f"unknown environment variable {variable}{_nearest(variable, list(known))}")
            name = known[variable].name
            yield name, _from_text(variable, text, kind_of(known[variable])), "environment", "environment"
        except ConfigError as error:
            problems.append(str(error))
    for name, value in given.items():
        if value not in (None, ()):
            yield name, value, "command line", "command line"


def kind_of(setting: Field[Any]) -> type[Any]:
    """The type of a setting's value, also where the default is None."""
    kind: type[Any] = setting.metadata.get("kind", type(setting.default))
    return kind


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"cannot read the configuration {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def _from_text(variable: str, text: str, kind: type[Any]) -> Any:
    """The text of an environment variable in the type of the setting."""
    if kind is bool:
        if text.lower() not in _TRUE | _FALSE:
            raise ConfigError(f"{variable} must be true or false, got {text!r}")
        return text.lower() in _TRUE
    if kind is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise ConfigError(f"{variable} must be a number, got {text!r}") from None
    return text


def _checked(name: str, value: Any, origin: str) -> Any:
    """The value in the setting's own type, or a ConfigError that says what is wanted."""
    known = {setting.name: setting for setting in fields(KioskConfig)}
    if name not in known:
        raise ConfigError(f"{origin}: unknown key '{name}'{_nearest(name, list(known))}")
    rules, default = known[name].metadata, known[name].default
    where = f"{name} ({origin})"
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise ConfigError(f"{where} must be a list of texts, got {value!r}")
        return tuple(value)
    wanted = kind_of(known[name])
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not wanted:
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}
        raise ConfigError(f"{where} must be {words[wanted]}, got {value!r}")
    if "choices" in rules and value not in rules["choices"]:
        raise ConfigError(f"{where} must be one of {', '.join(map(str, rules['choices']))}, got {value!r}")
    if "low" in rules and not rules["low"] <= value <= rules["high"]:
        raise ConfigError(f"{where} must be from {rules['low']} to {rules['high']}, got {value}")
    if name == "size":
        width, _, height = str(value).lower().partition("x")
        if not (width.isdecimal() and height.isdecimal() and 0 < int(width) <= 8192 and 0 < int(height) <= 8192):
            raise ConfigError(f"{where} must be WIDTHxHEIGHT such as 640x480, got {value!r}")
    return value


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(known)}"


__all__ = ["DEFAULT_PATH", "PREFIX", "KioskConfig", "Loaded", "kind_of", "load"]

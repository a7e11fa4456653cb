"""Settings of a model, in a file next to its Keras file: ``models/emotion.toml`` for ``models/emotion.keras``.

So that converting it again needs no options: crop margin, threshold, version, licence and training data belong to a
model.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from edge.atomic import atomic_write
from edge.errors import ConfigError
from edge.metadata import DEFAULT_THRESHOLD, LEAST_MARGIN


@dataclass(frozen=True, slots=True)
class Settings:
    """What a file says of its model beyond its weights.

    Attributes:
        crop_margin: Share of the face box that the runtime adds on each side; negative takes some away.
        threshold: Confidence below which the runtime says that it is not sure.
        brighten: Whether the runtime brightens dark faces.
        version: Version of the model; None makes one of the package version and the Keras file's hash.
        licence: Licence of the weights.
        training_data: What it was trained on; None describes the data set that it is converted with.
    """

    crop_margin: float = 0.0
    threshold: float = DEFAULT_THRESHOLD
    brighten: bool = False
    version: str | None = None
    licence: str = "MIT"
    training_data: str | None = None

    def __post_init__(self) -> None:
        for name, least in (("crop_margin", LEAST_MARGIN), ("threshold", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 1:
                raise ConfigError(f"{name} is {value!r}; wanted a number from {least:g} to 1")
        if not isinstance(self.brighten, bool):
            raise ConfigError(f"brighten is {self.brighten!r}; wanted true or false")
        for name in ("version", "licence", "training_data"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise ConfigError(f"{name} is {value!r}; wanted text in quotes")


def settings_of(model: Path, **given: object) -> Settings:
    """The settings of a model: what was given, else what the file next to it says, else the defaults.

    Args:
        model: The Keras file.
        given: Values by name; None where nothing was given.

    Raises:
        ConfigError: The file next to it is not TOML, or a key or value is unknown.
    """
    path = model.with_suffix(".toml")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    known = [field.name for field in fields(Settings)]
    if unknown := sorted(set(values) - set(known)):
        raise ConfigError(f"{path} has the unknown key {', '.join(unknown)}; known are {', '.join(known)}")
    try:
        return Settings(**values | {name: value for name, value in given.items() if value is not None})
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}" if path.is_file() else str(error)) from error


def write_settings(model: Path, settings: Settings) -> None:
    """Write a model's settings next to it, where ``settings_of`` reads them.

    Args:
        model: The Keras file.
        settings: All of them.
    """
    values = {field.name: getattr(settings, field.name) for field in fields(Settings)}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items() if value is not None]
    with atomic_write(model.with_suffix(".toml")) as file:
        file.write("".join(lines).encode())


__all__ = ["Settings", "settings_of", "write_settings"]

"""A recipe: every setting of a training run, read from TOML and overridable one by one."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from edge.errors import ConfigError

RECIPES = Path(__file__).parent / "recipes"

CHOICES = {
    "precision": ("float32", "mixed_bfloat16"),
    "targets": ("votes", "label"),
    "optimizer": ("adamw", "adam"),
    "schedule": ("cosine", "constant", "plateau"),
}


@dataclass(frozen=True, slots=True)
class Augment:
    """Ranges of the random changes; 0 switches one off."""

    flip: bool = True
    rotation: float = 15.0  # degrees either way
    zoom: float = 0.15  # natural logarithm of the scale, either way
    aspect: float = 0.05  # likewise, of one axis against the other
    shift: float = 0.08  # share of the picture, either way
    brightness: float = 0.1  # added to values in [0, 1]
    contrast: float = 0.4  # natural logarithm of the factor
    exposure: float = 0.0  # natural logarithm of the factor; down by all of it, up by half
    gamma: float = 0.3  # natural logarithm of the exponent
    blur: float = 0.0  # most of a 3x3 blur mixed in
    noise: float = 0.0  # most standard deviation
    cutout: float = 0.4  # largest side as a share of the picture


@dataclass(frozen=True, slots=True)
class Distill:
    """Learning from larger networks that were trained before, on the very same changed pictures."""

    teachers: tuple[str, ...] = ()  # .keras files; without a GPU faster as .tflite files of the format "dynamic"
    copies: int = 10  # changed copies of every picture that the teachers answer; the epochs take turns with them
    share: float = 0.7  # of the loss that compares with the teachers; the rest compares with people
    temperature: float = 2.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained."""

    architecture: str = "compact"
    start: str = ""  # .keras file of this architecture whose weights the first epoch begins with
    size: int = 48  # pictures are kept at this height and width
    seed: int = 0
    epochs: int = 80
    batch: int = 128
    precision: str = "float32"
    rounded: bool = False  # compute with kernels rounded to int8, as the converter will round them; in float32
    targets: str = "votes"  # the distribution of the votes, or "label": the plurality alone
    stray: int = 1  # votes up to this many for a class are dropped as strays
    class_weights: float = 0.5  # exponent of the inverse class frequency: 0 none, 0.5 square root, 1 full
    photo_balance: float = 0.0  # how far photos' rare classes are favoured: 1 as if all were as frequent
    mixup: float = 0.0  # alpha of the Beta distribution
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    schedule: str = "cosine"  # or "constant", both after a linear warm-up; or "plateau"
    warmup: float = 0.1  # share of all steps
    average: float = 0.0  # momentum of averaged weights, 0 none
    early_stopping: int = 0  # epochs without a better validation loss, 0 never; restores the best weights
    sample: tuple[int, ...] = ()  # train on this many pictures of each class only, a fifth of them to watch
    augment: Augment = field(default_factory=Augment)
    distill: Distill = field(default_factory=Distill)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the run's own copy of its recipe."""
        return dataclasses.asdict(self)


def load_recipe(name: str, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe by name (``train/recipes/NAME.toml``) or path, then apply ``key=value`` overrides.

    Args:
        name: A recipe's name or a path to a TOML file.
        overrides: ``key=value`` or ``table.key=value``, values in TOML's form (a bare word is a string).

    Raises:
        ConfigError: The file is missing or not TOML, or a key or value is unknown.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.toml")))
        raise ConfigError(f"no recipe at {path}; give the path of a TOML file or one of: {known}")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise ConfigError(f"override {override!r} is not key=value")
        table = values
        *tables, key = key.strip().split(".")
        for part in tables:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise ConfigError(f"override {override!r}: {part} is not a table")
        table[key] = _value(text.strip())
    return _build(Recipe, values, str(path))


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _build(kind: type[Any], values: dict[str, Any], where: str) -> Any:
    fields = {f.name: f for f in dataclasses.fields(kind)}
    built = {}
    for key, value in values.items():
        if key not in fields:
            near = get_close_matches(key, fields, n=1)
            raise ConfigError(f"{where}: unknown setting {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        built[key] = _checked(getattr(_DEFAULTS[kind], key), value, f"{where}: {key}")
        if key in CHOICES and built[key] not in CHOICES[key]:
            raise ConfigError(f"{where}: {key} is one of {', '.join(CHOICES[key])}; got {value!r}")
    return kind(**built)


def _checked(default: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(default):
        if not isinstance(value, dict):
            raise ConfigError(f"{where} is a table; got {value!r}")
        return _build(type(default), value, where)
    if isinstance(default, tuple):
        kind = str if where.endswith("teachers") else int
        if not isinstance(value, list) or not all(type(v) is kind for v in value):
            raise ConfigError(f"{where} takes a list of {kind.__name__} values; got {value!r}")
        return tuple(value)
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise ConfigError(f"{where} takes a {type(default).__name__}; got {value!r}")
    return value


_DEFAULTS: dict[type[Any], Any] = {Augment: Augment(), Distill: Distill(), Recipe: Recipe()}

__all__ = ["Augment", "Distill", "Recipe", "load_recipe"]

"""A recipe: every setting of a training run, read from TOML and overridable one by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.errors import ConfigError
from edge.settings import load

RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, slots=True)
class Augment:
    """Ranges of the random changes; 0 switches one off."""

    rotation_deg: float = 15.0  # either way
    zoom: float = 0.15  # natural logarithm of the scale, either way; a third of it for one axis against the other
    shift: float = 0.08  # share of the face's frame, either way
    light: float = 0.5  # natural logarithm of contrast, exposure and gamma, either way
    blur: float = 0.0  # share of pictures that are blurred, enlarged from a small face, noisy or saved as a poor JPEG
    cover: float = 0.0  # share of pictures with a mask, sunglasses or a covered patch


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained."""

    network: str = "compact"  # name in train/networks.py
    start: str = ""  # .keras file of this network whose weights the first epoch begins with
    blend: float = 1.0  # share of the learned weights in the mean with the start's that is kept; 1 keeps them alone
    seed: int = 0
    epochs: int = 80
    batch: int = 256
    learning_rate: float = 4e-3  # of AdamW; rises over a twentieth of all steps, then falls as a cosine
    patience: int = 0  # epochs without a better watched loss after which the best weights are kept; 0 never stops
    original_label: float = 0.0  # share of FER2013's own label, if there, where it says Angry or Sad, votes Neutral
    smoothing: float = 0.0  # share of the targets that is spread over all classes
    balance: float = 0.5  # 0 learns each set's class frequencies, 1 learns as if all classes were as frequent
    described: bool = False  # one label, class weights, lower rates on plateaus, nothing rounded, brightened, mirrored
    sample: tuple[int, ...] = ()  # train on this many pictures of each class only, a fifth of them to watch
    crop_margin: float = 0.0  # share of the detector's box that the device adds on every side for this network
    augment: Augment = field(default_factory=Augment)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the run's own copy of its recipe."""
        return dataclasses.asdict(self)


def load_recipe(name: str, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe by name (``train/recipes/NAME.toml``) or path, then apply ``key=value`` overrides.

    Args:
        name: A recipe's name or a path to a TOML file.
        overrides: ``key=value`` or ``table.key=value``, values in TOML's form (a bare word is a string).

    Raises:
        ConfigError: The file is missing or not TOML, or keys or values are wrong; all that is wrong is listed.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.toml")))
        raise ConfigError(f"no recipe at {path}; give the path of a TOML file or one of: {known}")
    return load(Recipe, path=path, overrides=overrides).settings


__all__ = ["Augment", "Recipe", "load_recipe"]

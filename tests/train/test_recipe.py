"""Recipes: every value can be overridden, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import ConfigError
from train.recipe import RECIPES, load_recipe


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_of_ours_loads(path: Path) -> None:
    assert load_recipe(path.stem) == load_recipe(str(path))


def test_values_are_overridden_one_by_one() -> None:
    settings = ["epochs=3", "learning_rate=1", "augment.zoom=0.5", "sample=[1, 2]", "described=true", "start=a.keras"]
    recipe = load_recipe("plain", settings)
    assert (recipe.epochs, recipe.learning_rate, recipe.described, recipe.start) == (3, 1.0, True, "a.keras")
    assert recipe.augment.zoom == 0.5
    assert recipe.sample == (1, 2)
    assert recipe.batch == load_recipe("plain").batch


@pytest.mark.parametrize("name", load_recipe("plain").to_dict())
def test_every_setting_can_be_overridden(name: str) -> None:
    value = load_recipe("plain").to_dict()[name]
    if isinstance(value, dict):
        settings = [f"{name}.{key}={_toml(inner)}" for key, inner in value.items()]
    else:
        settings = [f"{name}={_toml(value)}"]
    assert load_recipe("plain", settings) == load_recipe("plain")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("learnin_rate=1", "unknown key 'learnin_rate'; did you mean 'learning_rate'"),
        ("augment.rotate=1", "unknown key 'augment.rotate'; did you mean 'rotation_deg'"),
        ("epochs=many", "epochs .* must be a whole number, got 'many'"),
        ("epochs=1.5", "epochs .* must be a whole number, got 1.5"),
        ("augment=1", "augment .* must be a table, got 1"),
        ("sample=[1, 'two']", "sample .* must be a list of whole numbers"),
        ("epochs", "'epochs' must be key=value"),
        ("epochs.more=1", "epochs .* must be a whole number"),
        ("described=1", "described .* must be true or false, got 1"),
    ],
)
def test_a_wrong_override_is_a_clear_error(setting: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_recipe("plain", [setting])


def test_a_recipe_that_is_not_there_names_the_ones_that_are() -> None:
    with pytest.raises(ConfigError, match=r"give the path of a TOML file or one of: .*plain.*reference"):
        load_recipe("plane")


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("epochs: 3")
    with pytest.raises(ConfigError, match=r"bad.toml is not TOML"):
        load_recipe(str(tmp_path / "bad.toml"))


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(list(value)) if isinstance(value, tuple) else repr(value)


def test_there_are_at_most_20_settings() -> None:
    settings = load_recipe("plain").to_dict()
    assert len(settings) - 1 + len(settings["augment"]) <= 20

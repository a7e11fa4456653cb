"""Settings of a verb or a training run: command line over environment over TOML file over defaults.

A settings class is a frozen dataclass. A field's annotation says what it takes: ``bool``, ``int``, ``float``, ``str``,
``Path``, a ``Literal`` of texts or whole numbers, a ``tuple[X, ...]`` of them, ``X | None``, or another settings class
(a table of the file). `setting` adds a help text, a range, or a parser for a form of its own.

    load(Recipe, path=Path("recipe.toml"), overrides=["epochs=5"]).settings
    Verb("stream", StreamSettings, takes_file=True).load({"fps": 5.0}).settings
"""

from edge.settings.field import Setting, Size, setting, settings_of
from edge.settings.load import Loaded, Verb, load, to_toml

__all__ = ["Loaded", "Setting", "Size", "Verb", "load", "setting", "settings_of", "to_toml"]

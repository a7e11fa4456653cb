"""The package ``edge`` under a name that fits among other packages; every part of it is the same object."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import edge


class _Alias:  # both finder and loader
    """Finds ``emotion_edge.X`` as the module ``edge.X``."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        own = f"{__name__}.__main__"  # run as a program, it has to be a file
        if fullname == own or not fullname.startswith(f"{__name__}."):
            return None
        return ModuleSpec(fullname, self)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module("edge" + spec.name.removeprefix(__name__))
        self._own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own  # it was run already, under its own name


def __getattr__(name: str) -> Any:
    return getattr(edge, name)


def __dir__() -> list[str]:
    return dir(edge)


sys.meta_path.insert(0, _Alias())
__all__ = edge.__all__
__version__ = edge.__version__

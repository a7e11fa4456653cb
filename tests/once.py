"""What takes long to make is made once, however many processes run the tests."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first of several test processes fills for all of them.

    It outlives the run where EMOTION_TEST_MODELS names a place for it.
    """
    place = Path(os.environ.get("EMOTION_TEST_MODELS") or factory.getbasetemp())
    if "PYTEST_XDIST_WORKER" in os.environ and "EMOTION_TEST_MODELS" not in os.environ:
        place = place.parent
    place.mkdir(parents=True, exist_ok=True)
    folder, done = place / name, place / f"{name}.made"
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder

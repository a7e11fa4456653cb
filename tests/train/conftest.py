"""Drawn data, and the training command with a tiny network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., "subprocess.Popen[str]"]
TINY = ("network=tiny", "batch=20")


@pytest.fixture(scope="session")
def trainer(environment: dict[str, str]) -> Command:
    """Start the training command with the tiny network known to it; text on stdout, logs and errors with it."""

    def start(*args: Any, env: dict[str, str] | None = None, script: str = "tiny_training.py") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / script), *map(str, args)],
            env={**environment, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3", **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=os.environ.get("TMPDIR", "/tmp"),
        )

    return start


@pytest.fixture(scope="session")
def fit(trainer: Command, folders: Path) -> Command:
    """Start a short training of the tiny network in a folder."""

    def start(run: Path, *settings: str, **options: Any) -> subprocess.Popen[str]:
        sets = [part for setting in (*TINY, *settings) for part in ("--set", setting)]
        return trainer("fit", "--data", folders, "--recipe", "plain", "--run", run, *sets, **options)

    return start


@pytest.fixture(scope="session")
def settings() -> tuple[str, ...]:
    """What a whole run of the tests is trained with; its callbacks have a memory."""
    return "epochs=4", "described=true", "patience=3", "crop_margin=-0.05", "augment.blur=0.5", "augment.cover=0.5"


@pytest.fixture(scope="session")
def finished(fit: Command, settings: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that went through without an interruption."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    process = fit(run, *settings)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return run

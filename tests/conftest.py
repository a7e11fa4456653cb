"""What all tests share: the bundled photo, the real command as a process of its own, and the development data."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
RunCli = Callable[..., "subprocess.CompletedProcess[bytes]"]

# A shell's `&` leaves SIGINT ignored, and what is started from here would inherit that. A handler is not inherited.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, lambda *_: None)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def photo() -> Path:
    """The bundled photo: 512x512 pixels, one face."""
    return ROOT / "examples" / "astronaut.jpg"


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Environment of a command: this one without our own variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EMOTION_EDGE_")}
    return {**kept, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="session")
def cli(environment: dict[str, str]) -> RunCli:
    """Run `emotion-edge ARGS` as a process; output is bytes. `env` adds variables."""

    def run(*args: Any, env: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "edge", *args],
            env={**environment, **(env or {})},
            capture_output="stdout" not in options,
            timeout=120,
            check=False,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The development data, which is no part of the project."""
    where = os.environ.get("EMOTION_DATA")
    if not where:
        pytest.skip("EMOTION_DATA is not set")
    return Path(where)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of a folder per class, 15 drawings each."""
    from cartoons import write_folders

    return write_folders(tmp_path_factory.mktemp("data") / "faces", 15)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem; server.pem and client.pem with server.key and client.key, signed by it."""
    from broker import make_certificates

    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed (Debian: openssl)")
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder

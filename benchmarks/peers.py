"""Who is compared with whom: each way's environment, and its process that reads pictures on demand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.stream import make_fer

ROOT = Path(__file__).parent.parent
WORKERS = ROOT / "benchmarks" / "_workers.py"
VENVS = ROOT / ".venvs"
OPENCV = ["opencv-python-headless>=4.8,<4.12", "pillow", "numpy>=1.26,<2"]


@dataclass(frozen=True)
class Peer:
    """One way to read pictures.

    Attributes:
        name: Short name, the key in records.
        title: What it is, for the table.
        way: Which of the workers.
        venv: Folder of its environment under .venvs.
        needs: What pip installs there.
        own: Whether it is ours.
    """

    name: str
    title: str
    way: str
    venv: str
    needs: list[str] = field(default_factory=list)
    own: bool = False

    @property
    def python(self) -> Path:
        """Its Python."""
        return VENVS / self.venv / "bin" / "python"


PEERS = (
    Peer("ours", "emotion-edge", "ours", "edge", ["."], own=True),
    Peer("ours-litert", "emotion-edge, LiteRT", "ours", "edge-litert", [".[litert]"], own=True),
    Peer(
        "described",
        "described path: TensorFlow `predict`",
        "described",
        "described",
        ["tensorflow-cpu>=2.21,<2.22", *OPENCV],
    ),
    Peer("fer", "PyPI `fer`, Haar", "fer", "fer"),
    Peer("plain", "bare loop, tflite-runtime", "plain", "plain-tflite", ["tflite-runtime==2.14.0", *OPENCV]),
    Peer("plain-litert", "bare loop, LiteRT", "plain", "plain-litert", ["ai-edge-litert>=2.1,<3", *OPENCV]),
)


def install(peers: Iterable[Peer]) -> None:
    """Make the environments that are missing; ours always holds the code as it is now."""
    for peer in peers:
        if peer.way == "fer":
            make_fer()
            continue
        done = VENVS / peer.venv / ".installed"
        pip = [str(peer.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if not done.is_file():
            subprocess.run([sys.executable, "-m", "venv", str(VENVS / peer.venv)], check=True)
            subprocess.run([*pip, *peer.needs], check=True, cwd=ROOT)
        if peer.own:
            subprocess.run([*pip, "--force-reinstall", "--no-deps", "."], check=True, cwd=ROOT)
        done.touch()


def size(peer: Peer) -> dict[str, Any]:
    """Packages in an environment and their megabytes on disk, without pip and setuptools."""
    (packages,) = (VENVS / peer.venv).glob("lib/python*/site-packages")
    tools = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")
    total = 0
    for entry in packages.iterdir():
        if entry.name.split("-")[0] in tools:
            continue
        files = entry.rglob("*") if entry.is_dir() and not entry.is_symlink() else [entry]
        total += sum(file.lstat().st_size for file in files if file.is_file() and "__pycache__" not in file.parts)
    listed = [entry.name for entry in packages.glob("*.dist-info") if entry.name.split("-")[0] not in tools]
    return {"installed_mb": round(total / 1e6), "packages": len(listed)}


class Worker:
    """A peer's process, pinned to one core, that reads the pictures when asked."""

    def __init__(self, peer: Peer, model: Path, pictures: list[Path], core: int | None) -> None:
        self._name = peer.title
        command = [str(peer.python), "-P", str(WORKERS), peer.way, str(model), "loop", *map(str, pictures)]
        if core is not None:
            command = ["taskset", "-c", str(core), *command]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd="/",
            env=clean_environment(),
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()

    def ready(self) -> None:
        """Wait until it has read its first picture."""
        self._answer("ready")

    def turn(self) -> dict[str, Any]:
        """Let it read all pictures once."""
        self._process.stdin.write("\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        answer: dict[str, Any] = json.loads(self._answer("{"))
        return answer

    def _answer(self, wanted: str) -> str:
        for line in self._process.stdout:  # type: ignore[union-attr]
            if line.startswith(wanted):
                return line
        raise RuntimeError(f"the process of {self._name} ended; run its command by hand to see why")


def clean_environment() -> dict[str, str]:
    """This environment without what would change how a peer works."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EMOTION_EDGE_", "PYTHON", "OMP_", "OPENBLAS_"))
    }


__all__ = ["PEERS", "ROOT", "WORKERS", "Peer", "Worker", "clean_environment", "install", "size"]

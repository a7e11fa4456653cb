"""Who is compared with whom: each way's environment, and its process that reads pictures on demand."""

from __future__ import annotations

import json
import os
import shutil
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
FACE_API = ROOT / "benchmarks" / "face_api.mjs"
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
        needs: What pip, or npm for face-api.js, installs there.
        own: Whether it is ours.
        options: Further words of our command.
    """

    name: str
    title: str
    way: str
    venv: str
    needs: list[str] = field(default_factory=list)
    own: bool = False
    options: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where its environment lies."""
        return VENVS / self.venv

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"

    @property
    def model(self) -> Path:
        """The model file that it reads."""
        return DESCRIBED if self.way == "described" else ROOT / "models" / "emotion.tflite"

    def once(self, picture: Path) -> list[str]:
        """The command of a whole process that reads one picture."""
        if self.own:
            command = str(self.python.parent / "emotion-edge")
            return [command, "predict", str(picture), "--threads", "1", *self.options]
        return self.worker("once", [picture])

    def worker(self, mode: str, pictures: Iterable[Path]) -> list[str]:
        """The command of its worker; see benchmarks/_workers.py."""
        if self.way == "face-api":
            return [shutil.which("node") or "node", str(FACE_API), str(self.folder), mode, *map(str, pictures)]
        return [str(self.python), "-P", str(WORKERS), self.way, str(self.model), mode, *map(str, pictures)]


DESCRIBED = ROOT / "models" / "reference" / "model.keras"
PEERS = (
    Peer("ours", "emotion-edge", "ours", "edge", ["."], own=True),
    Peer("ours-litert", "emotion-edge, LiteRT", "ours", "edge-litert", [".[litert]"], own=True),
    Peer(
        "ours-haar",
        "emotion-edge `--detector haar`",
        "haar",
        "edge",
        ["."],
        own=True,
        options=("--detector", "haar", "--faces", "largest"),
    ),
    Peer(
        "described",
        "described path: TensorFlow `predict`",
        "described",
        "described",
        ["tensorflow-cpu>=2.21,<2.22", *OPENCV],
    ),
    Peer("fer", "PyPI `fer`, Haar", "fer", "fer"),
    Peer(
        "mediapipe",
        "MediaPipe's face detector, our model",
        "mediapipe",
        "mediapipe-faces",
        ["mediapipe==0.10.21", "tflite-runtime==2.14.0", "pillow", "numpy>=1.26,<2"],
    ),
    Peer(
        "face-api",
        "face-api.js in Node.js, WebAssembly",
        "face-api",
        "face-api",
        [
            "@vladmandic/face-api@1.7.15",
            "@tensorflow/tfjs@4.22.0",
            "@tensorflow/tfjs-backend-wasm@4.22.0",
            "sharp@0.34.5",
        ],
    ),
    Peer("plain", "bare loop, tflite-runtime", "plain", "plain-tflite", ["tflite-runtime==2.14.0", *OPENCV]),
    Peer("plain-litert", "bare loop, LiteRT", "plain", "plain-litert", ["ai-edge-litert>=2.1,<3", *OPENCV]),
)

BY_NAME = {peer.name: peer for peer in PEERS}


def install(peers: Iterable[Peer]) -> None:
    """Make the environments that are missing; ours always holds the code as it is now."""
    for peer in peers:
        if peer.way == "fer":
            make_fer()
            continue
        done = peer.folder / ".installed"
        if peer.way == "face-api":
            if not done.is_file():
                peer.folder.mkdir(parents=True, exist_ok=True)
                npm = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(peer.folder)]
                subprocess.run([*npm, *peer.needs], check=True)
                done.touch()
            continue
        pip = [str(peer.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if not done.is_file():
            subprocess.run([sys.executable, "-m", "venv", str(peer.folder)], check=True)
            subprocess.run([*pip, *peer.needs], check=True, cwd=ROOT)
        if peer.own:
            subprocess.run([*pip, "--force-reinstall", "--no-deps", "."], check=True, cwd=ROOT)
        done.touch()


def size(peer: Peer) -> dict[str, Any]:
    """Packages in an environment and their megabytes on disk, without pip and setuptools."""
    if peer.way == "face-api":
        return _size_of_modules(peer.folder / "node_modules")
    (packages,) = peer.folder.glob("lib/python*/site-packages")
    tools = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")
    total = 0
    for entry in packages.iterdir():
        if entry.name.split("-")[0] in tools:
            continue
        files = entry.rglob("*") if entry.is_dir() and not entry.is_symlink() else [entry]
        total += sum(file.lstat().st_size for file in files if file.is_file() and "__pycache__" not in file.parts)
    listed = [entry.name for entry in packages.glob("*.dist-info") if entry.name.split("-")[0] not in tools]
    return {"installed_mb": round(total / 1e6), "packages": len(listed)}


def _size_of_modules(modules: Path) -> dict[str, Any]:
    total = sum(file.lstat().st_size for file in modules.rglob("*") if file.is_file())
    packages = [*modules.glob("[!.@]*"), *modules.glob("@*/*")]
    return {"installed_mb": round(total / 1e6), "packages": len(packages)}


class Worker:
    """A peer's process, pinned to one core, that reads the pictures when asked."""

    def __init__(self, peer: Peer, pictures: list[Path], core: int | None) -> None:
        self._name = peer.title
        command = peer.worker("loop", pictures)
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


__all__ = ["BY_NAME", "PEERS", "ROOT", "Peer", "Worker", "clean_environment", "install", "size"]

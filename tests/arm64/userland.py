"""Makes, once, what stands in for a Pi: an arm64 Debian with the wheels that a Pi would install, run by QEMU.

Nothing is installed inside: mmdebstrap only unpacks, and pip on this machine unpacks wheels for the other one. The
user land's ``python3`` is a script that starts its real Python under QEMU, so programs that start Python work too.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".venvs" / "arm64"
MIRROR = "http://deb.debian.org/debian"
LIBRARIES = "python3,libstdc++6,libgomp1,zlib1g"
EXTRA = ("pytest>=8.2",)
# glibc releases that wheels are built for, up to the user land's own.
GLIBC = (17, 24, 26, 27, 28, 31, 34, 35, 36, 38, 39, 40, 41)
CPU = "cortex-a72"


class CannotBeMadeError(Exception):
    """A tool or the network is missing."""


@dataclass(frozen=True, slots=True)
class System:
    """A release of Raspberry Pi OS, by the Debian it is made of."""

    name: str
    python: str
    glibc: int
    runtime: str
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", CACHE / self.name)

    @property
    def interpreter(self) -> Path:
        """The user land's Python, which starts under QEMU."""
        return self.folder / "root" / "usr" / "bin" / "python3"

    def requirements(self) -> list[str]:
        """What the package needs there, read from pyproject.toml."""
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        wanted = [Requirement(line) for line in project["dependencies"]]
        here = {"python_version": self.python, "python_full_version": f"{self.python}.0"}
        return [f"{r.name}{r.specifier}" for r in wanted if r.marker is None or r.marker.evaluate(here)]


SYSTEMS = {
    "bookworm": System("bookworm", "3.11", 36, "tflite_runtime"),
    "trixie": System("trixie", "3.13", 41, "ai_edge_litert"),
}


def command(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a tool; CannotBeMadeError with its last words when it is missing or fails."""
    try:
        return subprocess.run(arguments, check=True, capture_output=True, text=True, **options)
    except FileNotFoundError as error:
        raise CannotBeMadeError(
            f"{arguments[0]} is missing; install it with: apt install mmdebstrap qemu-user-static"
        ) from error
    except subprocess.CalledProcessError as error:
        raise CannotBeMadeError(f"{arguments[0]} failed: {error.stderr.strip()[-600:]}") from error


def make(system: System) -> None:
    """Make the user land, both sets of wheels and the project's own wheel; all but the last are kept."""
    recipe = json.dumps([system.requirements(), EXTRA, LIBRARIES, Path(__file__).read_text(), sys.version])
    digest, stamp = hashlib.sha256(recipe.encode()).hexdigest(), system.folder / "stamp"
    if not stamp.is_file() or stamp.read_text() != digest:
        shutil.rmtree(system.folder, ignore_errors=True)
        system.folder.mkdir(parents=True)
        unpack_debian(system)
        wheels = ["--only-binary=:all:", "--implementation", "cp", "--python-version", system.python]
        wheels += ["--abi", f"cp{system.python.replace('.', '')}", "--abi", "abi3", "--abi", "none"]
        for minor in GLIBC:
            wheels += ["--platform", f"manylinux_2_{minor}_aarch64"] if minor <= system.glibc else []
        pip(system.folder / "packages", *wheels, "--platform", "manylinux2014_aarch64", *system.requirements(), *EXTRA)
        # The same releases for this machine, under its own Python.
        pinned = [f"{name}=={release}" for name, release in releases(system).items()]
        pip(system.folder / "here", "--no-deps", *pinned)
        stamp.write_text(digest)
    install_project(system)


def unpack_debian(system: System) -> None:
    """Unpack Debian for arm64, and put QEMU in front of its Python."""
    root = system.folder / "root"
    debian = ("mmdebstrap", "--quiet", "--variant=extract")
    command(*debian, "--architectures=arm64", f"--include={LIBRARIES}", system.name, root, MIRROR)
    if not (root / "lib").exists():  # from Debian 13 on, a script that is not run here makes this link
        (root / "lib").symlink_to("usr/lib")
    if system.name == "bookworm":
        qemu = shutil.which("qemu-aarch64-static")
        if qemu is None:
            raise CannotBeMadeError(
                "qemu-aarch64-static is missing; install it with: apt install mmdebstrap qemu-user-static"
            )
    else:  # LiteRT crashes under the QEMU 7.2 of Debian 12: take the one of the same Debian, which is linked statically
        command(*debian, "--architectures=amd64", "--include=qemu-user", system.name, system.folder / "qemu", MIRROR)
        qemu = str(system.folder / "qemu" / "usr" / "bin" / "qemu-aarch64")
    python = system.interpreter
    python.unlink()
    python.write_text(
        "#!/bin/sh\n"
        'root="${0%/usr/bin/*}"\n'  # so that a checkout may be moved
        f'exec {qemu} -0 "$0" -cpu "${{QEMU_CPU:-{CPU}}}" -L "$root" "$0{system.python.removeprefix("3")}" "$@"\n'
    )
    python.chmod(0o755)
    (system.folder / "qemu-version").write_text(command(qemu, "--version").stdout.splitlines()[0])


def pip(target: Path, *arguments: str | Path) -> None:
    """Unpack wheels into a folder."""
    quiet = ("--quiet", "--disable-pip-version-check", "--target", target)
    command(sys.executable, "-m", "pip", "install", *quiet, *arguments)


def releases(system: System) -> dict[str, str]:
    """Name and release of what was unpacked for the other machine."""
    found = {}
    for folder in (system.folder / "packages").glob("*.dist-info"):
        name, release = folder.name.removesuffix(".dist-info").split("-")
        found[name] = release
    return dict(sorted(found.items()))


def install_project(system: System) -> None:
    """Build this project's wheel and unpack it for both."""
    folder = system.folder / "project"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(system.folder / "dist", ignore_errors=True)
    command(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", system.folder / "dist", ROOT)
    (wheel,) = (system.folder / "dist").glob("*.whl")
    pip(folder, "--no-deps", "--no-compile", wheel)


def environment(system: System, packages: str) -> dict[str, str]:
    """Variables for a Python that finds one set of wheels and the project."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EMOTION_EDGE_", "PYTHON"))}
    path = f"{system.folder / 'project'}:{system.folder / packages}"
    return {**kept, "PYTHONPATH": path, "EMOTION_EDGE_RUNTIME": system.runtime, "LC_ALL": "C.UTF-8"}

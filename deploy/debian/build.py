"""Makes a Debian package of the kiosk, for this processor or the other one: ``make deb [ARGS='--arch arm64']``.

What PyPI offers lies in an environment of its own, /usr/lib/emotion-edge, as no Debian has the interpreter
and a fitting OpenCV. pip only unpacks wheels there, so any machine can make the package for any other.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from email.utils import formatdate
from pathlib import Path

from packaging.requirements import Requirement

from edge import __version__

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
NAME = "emotion-edge-kiosk"
HOME = "usr/lib/emotion-edge"
EXTRAS = ("kiosk", "mqtt")
# A release of Debian, and so of Raspberry Pi OS: its Python, the one after that, and its glibc.
RELEASES = {"bookworm": ("3.11", "3.12", 36), "trixie": ("3.13", "3.14", 41)}
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
GLIBC = (17, 24, 26, 27, 28, 31, 34, 35, 36, 38, 39, 40, 41)  # releases that wheels are built for
SCRIPT = f"""#!/{HOME}/bin/python3
import sys

from edge.__main__ import run

sys.exit(run())
"""


def requirements(python: str) -> list[str]:
    """What the kiosk needs under that Python, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = map(Requirement, [*project["dependencies"], *(line for extra in EXTRAS for line in extras[extra])])
    there = {"python_version": python, "python_full_version": f"{python}.0"}
    return [f"{one.name}{one.specifier}" for one in wanted if one.marker is None or one.marker.evaluate(there)]


def environment(tree: Path, release: str, arch: str) -> None:
    """Lay out a virtual environment with the wheels of that machine, as ``venv`` and ``pip`` would there."""
    python, _, glibc = RELEASES[release]
    packages = tree / HOME / "lib" / f"python{python}" / "site-packages"
    (tree / HOME / "bin").mkdir(parents=True)
    (tree / HOME / "bin" / "python3").symlink_to("/usr/bin/python3")
    (tree / HOME / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = true\n")  # for picamera2
    platforms = [f"manylinux_2_{minor}_{MACHINES[arch]}" for minor in GLIBC if minor <= glibc]
    platforms.append(f"manylinux2014_{MACHINES[arch]}")
    wheels = ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    wheels += ["--abi", f"cp{python.replace('.', '')}", "--abi", "abi3", "--abi", "none"]
    wheels += [word for platform in platforms for word in ("--platform", platform)]
    pip(packages, *wheels, *requirements(python))
    pip(packages, "--no-deps", "--upgrade", str(ROOT))
    shutil.rmtree(packages / "bin", ignore_errors=True)
    for folder in [*packages.rglob("tests"), *packages.rglob("__pycache__")]:
        shutil.rmtree(folder, ignore_errors=True)
    for library in packages.rglob("*.so*"):
        library.chmod(0o644)
    script = tree / HOME / "bin" / "emotion-edge"
    script.write_text(SCRIPT)
    script.chmod(0o755)


def pip(target: Path, *words: str) -> None:
    """Unpack into a folder."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-warn-conflicts", "--no-compile", "--target", str(target))
    subprocess.run([sys.executable, "-m", "pip", "install", *quiet, *words], check=True)


def files(tree: Path) -> None:
    """What lies around the environment: command, unit, settings, screen and documents."""
    put(tree / "usr/bin/emotion-edge").symlink_to("../lib/emotion-edge/bin/emotion-edge")
    for source, target in (
        ("emotion-edge-kiosk.service", "lib/systemd/system/emotion-edge-kiosk.service"),
        ("kiosk-screen.sh", f"{HOME}/bin/kiosk-screen"),
        ("kiosk.toml", "etc/emotion-edge/kiosk.toml"),
    ):
        text = (ROOT / "deploy" / source).read_text()
        put(tree / target).write_text(text.replace("/opt/emotion-edge/bin/emotion-edge", "/usr/bin/emotion-edge"))
    (tree / HOME / "bin" / "kiosk-screen").chmod(0o755)
    documents = tree / "usr/share/doc" / NAME
    shutil.copy(ROOT / "LICENSE", put(documents / "copyright"))
    shutil.copy(ROOT / "NOTICE", documents / "NOTICE")


def describe(tree: Path, version: str, release: str, arch: str) -> None:
    """The control files."""
    python, following, _ = RELEASES[release]
    control = (HERE / "control").read_text()
    maintainer = re.search("^Maintainer: (.*)$", control, re.MULTILINE)
    log = (
        f"{NAME} ({version}) {release}; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n"
        f" -- {maintainer[1] if maintainer else ''}  {formatdate()}\n"
    )
    (tree / "usr/share/doc" / NAME / "changelog.Debian.gz").write_bytes(gzip.compress(log.encode(), mtime=0))
    own = [path for path in sorted(tree.rglob("*")) if path.is_file() and not path.is_symlink()]
    filled = {
        "VERSION": version,
        "ARCHITECTURE": arch,
        "PYTHON": python,
        "NEXT": following,
        "SIZE": str(sum(path.stat().st_size for path in own) // 1024),
    }
    for key, value in filled.items():
        control = control.replace(f"@{key}@", value)
    put(tree / "DEBIAN" / "control").write_text(control)
    (tree / "DEBIAN" / "conffiles").write_text("/etc/emotion-edge/kiosk.toml\n")
    sums = (f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n" for path in own)  # noqa: S324
    (tree / "DEBIAN" / "md5sums").write_text("".join(sums))
    for name in ("postinst", "prerm", "postrm"):
        shutil.copy(HERE / name, tree / "DEBIAN" / name)
        (tree / "DEBIAN" / name).chmod(0o755)


def put(path: Path) -> Path:
    """A path whose folder is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def build(output: Path, release: str, arch: str, compress: str) -> Path:
    """Make the package in a folder; its path."""
    version = f"{__version__}-1+{release}"
    package = output / f"{NAME}_{version}_{arch}.deb"
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        tree.mkdir(mode=0o755)
        environment(tree, release, arch)
        files(tree)
        describe(tree, version, release, arch)
        subprocess.run(["chmod", "-R", "go-w,a+rX", tree], check=True)
        output.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "--root-owner-group", f"-Z{compress}", "-z3", "--build", tree, package], check=True)
    return package


def main() -> None:
    """Make what the options say."""
    here = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", choices=MACHINES, default=here, help="processor; this machine's by default")
    parser.add_argument("--release", choices=RELEASES, default="bookworm", help="of Debian and Raspberry Pi OS")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder")
    parser.add_argument("--compress", choices=["xz", "gzip"], default="xz", help="gzip is larger, and sooner done")
    options = parser.parse_args()
    build(options.output, options.release, options.arch, options.compress)


if __name__ == "__main__":
    main()

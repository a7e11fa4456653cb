"""The Debian package of the kiosk: installed, started, upgraded, removed and purged in a user land of its own."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from broker import free_port
from userland import ROOT, base, run, serving

pytestmark = pytest.mark.packages
NAME = "emotion-edge-kiosk"
LEFT = ("usr/lib/emotion-edge", "usr/bin/emotion-edge", f"lib/systemd/system/{NAME}.service")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("dpkg-deb"):
        pytest.skip("no dpkg-deb")
    folder = tmp_path_factory.mktemp("deb")
    run(sys.executable, ROOT / "deploy/debian/build.py", "--output", folder, "--compress", "gzip")
    (path,) = folder.glob("*.deb")
    return path


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("land")
    run("tar", "-C", place, "--exclude=./dev/*", "-xf", base())
    shutil.copy("/etc/resolv.conf", place / "etc/resolv.conf")
    mounts = [place / "proc", place / "dev"]
    run("mount", "-t", "proc", "proc", mounts[0])
    run("mount", "--rbind", "/dev", mounts[1])
    try:
        yield place
    finally:
        for mount in mounts:
            run("umount", "--lazy", mount)


def inside(land: Path, *words: str) -> str:
    return run("chroot", land, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "PATH=/usr/sbin:/usr/bin", *words)


def install(land: Path, package: Path) -> None:
    shutil.copy(package, land / "root" / package.name)
    inside(land, "apt-get", "install", "-y", "-qq", "--no-install-recommends", f"/root/{package.name}")


def start(land: Path, port: int) -> dict[str, object]:
    """Run the service's command as its user, as systemd would; what its health says."""
    unit = (land / LEFT[2]).read_text()
    command = re.search("^ExecStart=(.*)$", unit, re.MULTILINE)[1].split()
    user = re.search("^User=(.*)$", unit, re.MULTILINE)[1]
    inside(land, "install", "-d", "-m", "700", "-o", user, "-g", user, "/var/lib/emotion-edge")  # StateDirectory
    state = ["env", "-i", "PATH=/usr/bin:/bin", "STATE_DIRECTORY=/var/lib/emotion-edge"]
    with serving(["chroot", f"--userspec={user}:{user}", land, *state, *command], port) as said:
        return json.loads(said)


def newer(package: Path) -> Path:
    """The same package with a higher version."""
    tree = package.parent / "newer"
    run("dpkg-deb", "-R", package, tree)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub("^Version: .*$", "Version: 99.0.0-1", control.read_text(), flags=re.MULTILINE))
    run("dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, package.parent / "newer.deb")
    shutil.rmtree(tree)
    return package.parent / "newer.deb"


def test_installs_starts_upgrades_and_leaves_nothing(package: Path, land: Path) -> None:
    inside(land, "apt-get", "update", "-qq")
    install(land, package)
    assert "44(video)" in inside(land, "id", "emotion-edge")
    inside(land, "emotion-edge", "doctor")
    enabled = land / f"etc/systemd/system/multi-user.target.wants/{NAME}.service"
    assert enabled.is_symlink()

    settings, port = land / "etc/emotion-edge/kiosk.toml", free_port()
    changed = settings.read_text().replace('source = "picamera"', 'source = "demo"')
    settings.write_text(changed.replace("port = 8000", f"port = {port}"))
    assert start(land, port)["status"] == "ok"

    before = settings.read_text()
    install(land, newer(package))
    assert "99.0.0-1" in inside(land, "dpkg-query", "-W", NAME)
    assert settings.read_text() == before
    assert start(land, port)["status"] == "ok"

    inside(land, "dpkg", "--remove", NAME)
    assert not [path for path in LEFT if (land / path).exists() or (land / path).is_symlink()]
    assert settings.read_text() == before

    inside(land, "dpkg", "--purge", NAME)
    assert not (land / "etc/emotion-edge").exists()
    assert not (land / "var/lib/emotion-edge").exists()
    assert not enabled.is_symlink()
    assert "emotion-edge" not in (land / "etc/passwd").read_text()


def test_it_says_which_machine_and_python_it_is_for(package: Path) -> None:
    field = {name: run("dpkg-deb", "-f", package, name).strip() for name in ("Architecture", "Depends")}
    assert field["Architecture"] == run("dpkg", "--print-architecture").strip()
    assert "python3 (>= 3.11), python3 (<< 3.12)" in field["Depends"]


@pytest.mark.skipif(not shutil.which("lintian"), reason="lintian is not installed")
def test_lintian_finds_no_other_fault(package: Path) -> None:
    """What it takes amiss comes with the wheels, which bring libraries of their own, and is that they have a Python."""
    said = run("lintian", "--allow-root", "--fail-on", "none", package)
    ours = [line for line in said.splitlines() if line.startswith("E:") and "/site-packages/" not in line]
    assert [line.split()[2] for line in ours] == ["wrong-path-for-interpreter"], said

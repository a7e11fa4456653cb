"""The container: built from deploy/Containerfile on a minimal Debian, small, and at work with a read-only root."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from userland import ROOT, base, run, serving

from common.records import measured

pytestmark = pytest.mark.packages
LIMIT_MB = 350
PORT = 8000


@dataclass
class Image:
    root: Path
    config: dict[str, Any]
    size_mb: float

    def command(self, *words: str) -> list[str | Path]:
        """A command inside, as the image's user and with its variables; its root is mounted read-only."""
        inside, root = ["env", "-i", *self.config["Env"], *words], self.root
        mounts = f"mount --bind {root} {root} && mount -o remount,bind,ro {root} && mount -t proc proc {root}/proc"
        mounts += f" && mount --rbind /dev {root}/dev && mount --bind {root.parent}/state {root}/var/lib/emotion-edge"
        chroot = ["chroot", f"--userspec={self.config['User']}", self.root, *inside]
        return ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', "sh", *chroot]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    archive = base()
    if not shutil.which("buildah"):
        pytest.skip("no buildah; install it with: apt install buildah")
    place = tmp_path_factory.mktemp("container")
    own = ["buildah", "--root", place / "store", "--runroot", place / "run"]
    environ = {**os.environ, "BUILDAH_ISOLATION": "chroot"}

    def buildah(*words: str | Path) -> str:
        return run(*own, *words, env=environ).strip()

    empty = buildah("from", "scratch")
    buildah("add", "-q", empty, archive, "/")
    buildah("commit", "-q", empty, "localhost/base")
    # pip trusts here what this machine trusts.
    (place / "pip.conf").write_text("[global]\ncert = /trusted/ca-certificates.crt\n")
    trust = ["-v", "/etc/ssl/certs:/trusted:ro", "-v", f"{place}/pip.conf:/etc/pip.conf:ro"]
    named = ["--build-arg", "BASE=localhost/base", "-f", ROOT / "deploy/Containerfile", "-t", "emotion-edge"]
    buildah("bud", "-q", "--network", "host", "--format", "docker", *trust, *named, ROOT)
    about = json.loads(buildah("inspect", "--type", "image", "emotion-edge"))["Docker"]
    made = buildah("from", "emotion-edge")
    size_mb = float(run("du", "-sxm", "--apparent-size", mounted := buildah("mount", made)).split()[0])
    state = Path(mounted).parent / "state"
    state.mkdir(mode=0o700)
    os.chown(state, 10001, 10001)
    try:
        yield Image(Path(mounted), about["config"], size_mb)
    finally:
        buildah("umount", made)
        buildah("rm", "--all")
        buildah("rmi", "--all", "--force")


def test_small_and_without_rights(image: Image) -> None:
    if records := os.environ.get("EMOTION_RECORDS"):  # `make test-packages` keeps the size
        record = {"measured": measured("deploy/Containerfile", "pyproject.toml"), "size_mb": image.size_mb}
        (Path(records) / "container.json").write_text(json.dumps(record, indent=2) + "\n")
    assert image.size_mb < LIMIT_MB
    assert image.config["User"] == "10001:10001"
    assert image.config["Volumes"] == {"/var/lib/emotion-edge": {}}
    assert image.config["ExposedPorts"] == {f"{PORT}/tcp": {}}


def test_serves_with_a_read_only_root_and_its_health_check_agrees(image: Image) -> None:
    words = [*image.config["Entrypoint"], *image.config["Cmd"], "--source", "demo"]
    check = image.config["Healthcheck"]["Test"]
    assert check[0] == "CMD"
    assert subprocess.run(image.command(*check[1:]), capture_output=True, check=False).returncode == 1
    with serving(image.command(*words), PORT) as said:
        assert json.loads(said)["status"] == "ok"
        assert "Read-only file system" in run(*image.command("sh", "-c", "touch /opt/new || true"))
        assert subprocess.run(image.command(*check[1:]), capture_output=True, check=False).returncode == 0
    assert (image.root.parent / "state" / "token").is_file()


def test_reads_a_picture(image: Image) -> None:
    with (ROOT / "examples" / "astronaut.jpg").open("rb") as picture:
        assert "Happy" in run(*image.command("emotion-edge", "predict", "-"), stdin=picture)

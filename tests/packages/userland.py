"""A minimal Debian in a folder, as root: what a package is installed into, and what a container begins with."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE = ROOT / ".venvs" / "bookworm.tar"
MIRROR = "http://deb.debian.org/debian"
# As the image debian:bookworm-slim is made.
SLIM = ("path-exclude=/usr/share/doc/*", "path-include=/usr/share/doc/*/copyright", "path-exclude=/usr/share/man/*")
SLIM += ("path-exclude=/usr/share/locale/*", "force-unsafe-io")
# Without Perl, which `usrmerge` needs.
MERGED = ("--include=usr-is-merged", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr")


def run(*words: str | Path, **options: object) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert done.returncode == 0, f"{words} ended with {done.returncode}\n{done.stdout[-3000:]}"
    return done.stdout


def base() -> Path:
    """The archive of a minimal Debian, made once; the test is skipped where that cannot be done."""
    if os.geteuid() != 0:
        pytest.skip("a user land is made and entered as root")
    if not BASE.is_file():
        if not shutil.which("mmdebstrap"):
            pytest.skip("no mmdebstrap; install it with: apt install mmdebstrap")
        clean = 'rm -rf "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/*'
        words = [*(f"--dpkgopt={one}" for one in SLIM), f"--customize-hook={clean}"]
        unfinished = BASE.with_name(f"unfinished-{BASE.name}")
        run("mmdebstrap", "--quiet", "--variant=apt", *MERGED, *words, "bookworm", unfinished, MIRROR)
        unfinished.rename(BASE)
    return BASE


@contextmanager
def serving(command: list[str | Path], port: int, **options: object) -> Iterator[str]:
    """A kiosk while it answers; what its /healthz said."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    try:
        end = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as reply:
                    said = reply.read().decode()
                    break
            except OSError as error:
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < end, error
                time.sleep(0.5)
        yield said
    finally:
        process.terminate()
        process.communicate(timeout=60)

"""Memory that a picture leaves free serves the next one: reading more of them takes hardly a new page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WAYS = {
    "predict": ["-m", "edge", "predict"],
    "bulk": [
        "-c",
        "import os, sys; from edge.bulk.child import read; read('{}', [os.fsencode(p) for p in sys.argv[1:]])",
    ],
    "stream": ["-m", "edge", "stream", "--format", "none", "--source"],
}


def page_faults(environment: dict[str, str], words: list[str]) -> int:
    process = subprocess.Popen([sys.executable, *words], env=environment, stdout=-3, stderr=-3)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_minflt


@pytest.mark.parametrize("way", WAYS)
def test_pictures_share_their_memory(tmp_path: Path, photo: Path, environment: dict[str, str], way: str) -> None:
    """A picture of 512x512 took some 4,600 page faults, a frame 600."""
    found = []
    for count in (3, 23):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            (folder / f"{number}.jpg").symlink_to(photo)
        paths = [str(folder)] if way == "stream" else [str(path) for path in folder.iterdir()]
        found.append(page_faults(environment, [*WAYS[way], *paths]))
    assert found[1] - found[0] < 20 * 250, found

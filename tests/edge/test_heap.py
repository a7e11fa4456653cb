"""Memory that a picture leaves free serves the next one: reading more of them takes hardly a new page."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from itertools import pairwise
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


def heaps_of_threads(pid: int) -> int:
    """Heaps that glibc made for threads: each is a part of 64 MB of addresses that begins at a multiple of that."""
    size, found = 64 << 20, 0
    ranges = [line.split()[:2] for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    for (used, rights), (rest, none) in pairwise(ranges):
        start, end = (int(place, 16) for place in used.split("-"))
        is_heap = rights == "rw-p" and none == "---p" and rest == f"{end:x}-{start + size:x}"
        found += is_heap and start % size == 0
    return found


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has other heaps")
@pytest.mark.parametrize("words", [["stream", "--format", "jsonl"], ["kiosk", "--port", "0", "--event-log", "log.db"]])
def test_threads_share_one_heap(environment: dict[str, str], tmp_path: Path, words: list[str]) -> None:
    """Each kept room for the most that its thread ever held: in an hour the stream grew by two megabytes."""
    command = [sys.executable, "-m", "edge", *words, "--source", "synthetic:1"]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, **both)
    try:
        assert process.stdout is not None
        for _ in range(20 if words[0] == "stream" else 1):
            assert process.stdout.readline()
        assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) > 1
        assert heaps_of_threads(process.pid) == 0
    finally:
        process.kill()
        process.wait()


LEFT_FREE = """
import ctypes, time
from edge import heap

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
heap.RETURN_EVERY_S = 0.5
heap.stay_small()
for _ in range(2):
    blocks = [libc.malloc(50_000) for _ in range(1500)]  # so small that glibc does not give them back by itself
    for block in blocks:
        ctypes.memset(block, 1, 50_000)
    resident_mb = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
    full_mb = resident_mb()
    for block in blocks[:-1]:  # the last one keeps all that lies below it
        libc.free(block)
    while resident_mb() > full_mb - 50:
        time.sleep(0.1)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has another heap")
def test_what_was_left_free_goes_back_to_the_system_again_and_again(environment: dict[str, str]) -> None:
    """Such as by two uploads that met while a camera came back: it stayed until the kiosk ended."""
    subprocess.run([sys.executable, "-c", LEFT_FREE], env=environment, timeout=30, check=True)

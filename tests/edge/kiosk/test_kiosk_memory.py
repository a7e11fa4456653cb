"""What a kiosk that runs for days keeps of memory."""

import ctypes
import platform
from pathlib import Path

import pytest
from kiosk_stage import running, until

from edge.kiosk import service

BLOCKS, BLOCK_BYTES = 1500, 50_000  # below the size from which glibc gives blocks back by itself
pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has another heap")


def rss_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def test_what_was_left_free_goes_back_to_the_system(monkeypatch):
    """Such as by two uploads that met while a camera came back: it stayed until the kiosk ended."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    blocks = [libc.malloc(BLOCK_BYTES) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK_BYTES)
    # The last block keeps all that lies below it from being given back at once.
    for block in blocks[:-1]:
        libc.free(block)
    kept = rss_mb()
    monkeypatch.setattr(service, "TICK_S", 0.05)
    monkeypatch.setattr(service, "RETURN_TICKS", 2)
    with running(None, source="none"):
        until(lambda: rss_mb() < kept - 50)
    libc.free(blocks[-1])

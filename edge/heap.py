"""What a process does with memory that it freed: keep it for the next picture, or give it back to the system."""

from __future__ import annotations

import ctypes
import threading
import time
from contextlib import suppress

# Numbers of glibc's <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
KEPT_BYTES = 32 << 20
# Larger blocks stay the system's own and go back to it at once: the limit of a picture's memory counts on that.
MAPPED_BYTES = 8 << 20
RETURN_EVERY_S = 60.0


def keep_freed_memory() -> None:
    """Call once in a process that reads many pictures; another C library than glibc is left as it is.

    By itself glibc returns what a picture leaves free, and the next one pays for some two thousand page faults.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES)
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)


def stay_small() -> None:
    """Call before threads start in a process that goes on for days: it shares one heap, and gives back what is free.

    By itself glibc gives each thread a heap of its own, which keeps room for the most that the thread ever held, and
    keeps what lies free below a block that is in use. What is free goes back once a minute, which takes 1 to 2 ms.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
    threading.Thread(target=_return_again_and_again, name="freed memory", daemon=True).start()


def return_freed_memory() -> None:
    """Give what is kept to the system: before a large picture, whose blocks are the system's own and come on top."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _return_again_and_again() -> None:
    while True:
        time.sleep(RETURN_EVERY_S)
        return_freed_memory()


__all__ = ["KEPT_BYTES", "MAPPED_BYTES", "keep_freed_memory", "return_freed_memory", "stay_small"]

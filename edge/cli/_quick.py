"""Spares what only costs time in a short run; `python -m benchmarks.startup` prints how much each measure does."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

from edge.heap import keep_freed_memory

# NumPy 1 and Pillow load these at their own import; nothing on the way to a first prediction uses them.
UNUSED = {"PIL.TiffTags", "numpy.ctypeslib", "numpy.fft", "numpy.ma", "numpy.polynomial", "numpy.random"}


class _Later:
    """Finds what is rarely used as a module that loads on its first use."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in UNUSED else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


_COLLECTS_AFTER = gc.get_threshold()


def start_quickly() -> None:
    """Call before anything large is imported."""
    # Importing makes many lasting objects and hardly a cycle; the collector would go through them again and again.
    gc.set_threshold(100_000, 10, 10)
    # Nothing here calls BLAS, whose threads numpy would otherwise start and let spin.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.meta_path.insert(0, _Later())


def interruptible() -> None:
    """Call when there is something to put away: from here on Ctrl-C raises KeyboardInterrupt, instead of ending it."""
    if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, signal.SIG_DFL):
        signal.signal(signal.SIGINT, signal.default_int_handler)


def keep_tidy() -> None:
    """Call before work that goes on for days: from here on garbage is collected as often as Python does by itself.

    Freed memory is kept for the next frame.
    """
    gc.freeze()  # what was imported stays; among it is no garbage worth a search
    gc.set_threshold(*_COLLECTS_AFTER)
    keep_freed_memory()


def leave_quickly(status: int) -> None:
    """End the process without taking its objects apart one by one, unless threads still work.

    Everything that was opened has been closed by now, but for the standard streams.
    """
    if threading.active_count() > 1:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a traceback would be all that Python's own end has to say
        return
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError):
                status = status or 1
    os._exit(status)


__all__ = ["UNUSED", "interruptible", "keep_tidy", "leave_quickly", "start_quickly"]

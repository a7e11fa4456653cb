"""The only file that imports a TFLite interpreter: LiteRT first, then tflite-runtime, then TensorFlow's own."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from edge.errors import ModelError, RuntimeMissingError

# Name -> (module that holds Interpreter, distributions it may come from), in the order tried.
RUNTIMES = {
    "ai_edge_litert": ("ai_edge_litert.interpreter", ("ai-edge-litert",)),
    "tflite_runtime": ("tflite_runtime.interpreter", ("tflite-runtime",)),
    "tensorflow": ("tensorflow.lite.python.interpreter", ("tensorflow-cpu", "tensorflow", "tensorflow-aarch64")),
}
# What pip installs each with.
PACKAGES = {
    "ai_edge_litert": "'ai-edge-litert>=2.1,<3'",
    "tflite_runtime": "'tflite-runtime==2.14.0' 'numpy<2'",
    "tensorflow": "'tensorflow-cpu>=2.21,<2.22'" if os.uname().machine == "x86_64" else "'tensorflow>=2.21,<2.22'",
}
VARIABLE = "EMOTION_EDGE_RUNTIME"

_stderr = threading.Lock()


@dataclass(frozen=True, slots=True)
class Runtime:
    """An interpreter with a model in it, and where it comes from.

    Attributes:
        interpreter: The TFLite ``Interpreter``, tensors allocated.
        name: ``ai_edge_litert``, ``tflite_runtime`` or ``tensorflow``.
        delegate: ``XNNPACK`` when it took over operations with weights, else ``none``.
        threads: Threads it was given.
    """

    interpreter: Any
    name: str
    delegate: str
    threads: int

    @property
    def version(self) -> str:
        """Its version, or ``unknown``."""
        return runtime_version(self.name)


def default_threads() -> int:
    """Cores minus one, at least one: a runtime that takes them all spins badly when anything else wants a core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)


def find_runtime() -> tuple[str, Any]:
    """Import the first interpreter there is, or the one that EMOTION_EDGE_RUNTIME names.

    Returns:
        Its name and its ``Interpreter`` class.

    Raises:
        RuntimeMissingError: None is installed, the named one is unknown or missing, or numpy does not fit it.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted and wanted not in RUNTIMES:
        raise RuntimeMissingError(f"{VARIABLE} is {wanted!r}; wanted one of {', '.join(RUNTIMES)}")
    failures = []
    for name in [wanted] if wanted else RUNTIMES:
        try:
            interpreter = import_module(RUNTIMES[name][0]).Interpreter
        except ImportError as error:
            failures.append(str(error) if wanted else f"{name}: {error}")
            continue
        _check_numpy(name)
        return name, interpreter
    old = sys.version_info < (3, 12)  # tflite-runtime came for no later Python
    if wanted:
        remedy = f"install it with: pip install {PACKAGES[wanted]}"
        if wanted == "tflite_runtime" and not old:
            remedy = "it has no release for this Python; name ai_edge_litert instead"
        raise RuntimeMissingError(f"{VARIABLE} names {wanted}, which cannot be imported ({failures[0]}); {remedy}")
    fix = PACKAGES["tflite_runtime" if old else "ai_edge_litert"]
    raise RuntimeMissingError(f"no TFLite interpreter ({'; '.join(failures)}); install one with: pip install {fix}")


def runtime_version(name: str) -> str:
    """Version of an installed runtime, or ``unknown``."""
    from importlib import metadata  # brings the whole of `email`: not on the way to a first result

    for distribution in RUNTIMES[name][1]:
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(distribution)
    return str(getattr(sys.modules.get(name), "__version__", "unknown"))


def load(model: Path | bytes, threads: int | None = None) -> Runtime:
    """Make an interpreter for a model.

    Args:
        model: The ``.tflite`` file or its content. The content is kept in memory, so the file may change meanwhile.
        threads: Threads for one inference; by default cores minus one.

    Raises:
        RuntimeMissingError: There is no interpreter that works.
        ModelError: The interpreter refuses the model.
    """
    name, interpreter_class = find_runtime()
    threads = threads or default_threads()
    content = model if isinstance(model, bytes) else model.read_bytes()
    try:
        with _quiet_stderr():
            interpreter = interpreter_class(model_content=content, num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{name} {runtime_version(name)} cannot load the model: {reason}") from error
    return Runtime(interpreter, name, _delegate(interpreter), threads)


def _check_numpy(name: str) -> None:
    """tflite-runtime 2.14 was built for numpy 1: under numpy 2 it imports, then ends the process on first use."""
    import numpy as np

    if name == "tflite_runtime" and int(np.__version__.split(".")[0]) >= 2:
        raise RuntimeMissingError(
            f"tflite-runtime {runtime_version(name)} needs numpy 1, found numpy {np.__version__}; "
            "mend it with: pip install 'numpy<2' 'opencv-python-headless<4.12'"
        )


def _delegate(interpreter: Any) -> str:
    try:
        operations = interpreter._get_ops_details()
    except Exception:  # a private call: its absence must not stop the work
        return "unknown"
    delegated = (op for op in operations if op["op_name"] == "DELEGATE")
    return "XNNPACK" if any(len(op["inputs"]) > 1 for op in delegated) else "none"  # a softmax alone has one input


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hold back what the C++ side writes to file descriptor 2, and pass on all but its INFO chatter.

    One thread at a time: of two, the later would put the other's scratch file back in stderr's place.
    """
    with _stderr:
        try:
            saved = os.dup(2)
        except OSError:  # stderr is closed
            yield
            return
        with tempfile.TemporaryFile() as held:
            os.dup2(held.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(saved, 2)
                os.close(saved)
                held.seek(0)
                for line in held:
                    if not line.startswith(b"INFO:"):
                        os.write(2, line)


__all__ = ["RUNTIMES", "VARIABLE", "Runtime", "default_threads", "find_runtime", "load", "runtime_version"]

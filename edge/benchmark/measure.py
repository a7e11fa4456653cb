"""The measurements: one face, whole pictures, and a process from its start to its first result."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from edge.benchmark.frames import make_frame
from edge.classifier import Classifier
from edge.errors import OutputError
from edge.opencv import cv2
from edge.pipeline import Pipeline
from edge.sources.drawn import POSES, draw_face

SIZES = ((320, 240), (640, 480), (1280, 720))
FACES = (0, 1, 5)
# A process's peak memory begins with what its parent held when starting it; this parent holds next to nothing.
_LAUNCHER = """
import os, sys, time
null = os.open(os.devnull, os.O_WRONLY)
began = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
_, status, usage = os.wait4(pid, 0)
seconds = time.perf_counter() - began
print(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))
"""


def repeat(work: Callable[[], object], *, rounds: int, seconds: float, least: int = 3) -> list[float]:
    """Run something again and again; its times in milliseconds.

    Args:
        work: What is timed; runs once before, untimed.
        rounds: Times at most.
        seconds: No new round after so long, but always ``least``.
        least: Times at least.
    """
    work()
    times: list[float] = []
    began = perf_counter()
    while len(times) < rounds and (len(times) < least or perf_counter() - began < seconds):
        started = perf_counter()
        work()
        times.append((perf_counter() - started) * 1e3)
    return times


def spread(times_ms: Iterable[float]) -> dict[str, float]:
    """Median, 95th percentile and worst, in milliseconds, and how many there were."""
    times = np.array(list(times_ms))
    return {
        "median_ms": round(float(np.median(times)), 3),
        "p95_ms": round(float(np.percentile(times, 95)), 3),
        "worst_ms": round(float(times.max()), 3),
        "rounds": len(times),
    }


def measure_face(model: Path | None, threads: int | None, **limits: Any) -> dict[str, float]:
    """Milliseconds to read one face whose place is known."""
    reader = Pipeline(Classifier(model, threads=threads)).reader
    face = np.ascontiguousarray(draw_face(POSES["Happy"])[:, :, :3])
    return spread(repeat(lambda: reader.probabilities(face, None), least=10, **limits))


def measure_pictures(model: Path | None, threads: int | None, **limits: Any) -> Iterator[dict[str, Any]]:
    """Milliseconds from a decoded picture to its result, a row for each size and number of faces."""
    pipeline = Pipeline(Classifier(model, threads=threads))
    for (width, height), faces in product(SIZES, FACES):
        frame = make_frame((width, height), faces)
        result = pipeline.analyze(frame)
        times = spread(repeat(lambda: pipeline.analyze(frame), **limits))  # noqa: B023
        found = 0 if result.fallback else len(result.faces)
        yield {"width": width, "height": height, "faces": faces, "found": found, **times}


def measure_start(model: Path | None, *, rounds: int) -> dict[str, Any]:
    """What ``emotion-edge predict`` on one 640x480 picture takes as a whole process, from start to end.

    Returns:
        Seconds, processor seconds, peak memory in MB and the number of runs.

    Raises:
        OutputError: The picture cannot be written, or the process failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        if not cv2.imwrite(str(picture), cv2.cvtColor(make_frame((640, 480), 1), cv2.COLOR_RGB2BGR)):
            raise OutputError(f"{picture} cannot be written")
        words = [sys.executable, "-m", "edge", "predict", str(picture), *(["--model", str(model)] if model else [])]
        runs = [launch(words) for _ in range(rounds)]
    return {
        "seconds": round(float(np.median([run["seconds"] for run in runs])), 3),
        "cpu_seconds": round(float(np.median([run["cpu_seconds"] for run in runs])), 3),
        "peak_rss_mb": round(max(run["peak_rss_mb"] for run in runs), 1),
        "rounds": rounds,
    }


def launch(command: list[str]) -> dict[str, float]:
    """Run a program to its end: ``seconds``, ``cpu_seconds`` and ``peak_rss_mb``; its output is dropped.

    Raises:
        OutputError: It failed.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command], capture_output=True, text=True, check=False
    )
    numbers = done.stdout.split()
    if len(numbers) != 4 or numbers[3] != "0":
        raise OutputError(f"{json.dumps(command)} failed: {' '.join(done.stderr.split())[-500:]}")
    return dict(zip(("seconds", "cpu_seconds", "peak_rss_mb"), map(float, numbers[:3]), strict=True))


def own_peak_mb() -> float:
    """This process's peak resident memory in MB (2**20 bytes)."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


__all__ = [
    "FACES",
    "SIZES",
    "launch",
    "measure_face",
    "measure_pictures",
    "measure_start",
    "own_peak_mb",
    "repeat",
    "spread",
]

"""When, on what and with which code a figure was measured, and whether that code is still the same.

A record, or each part of one that is measured apart, keeps what :func:`measured` gives under the key ``measured``. The
page that shows the figures (``benchmarks/page.py``) marks those as stale whose files have changed since.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.device import describe_device

ROOT = Path(__file__).parents[1]
# What figures depend on, besides the program that measures them.
PICTURES = (
    *("edge/pipeline.py", "edge/analysis.py", "edge/reader.py", "edge/preprocess.py", "edge/classifier.py"),
    *("edge/images.py", "edge/decoding.py", "edge/decoding_memory.py", "edge/pixels.py", "edge/heap.py"),
    *("edge/runtime.py", "edge/opencv.py", "edge/detectors", "models/emotion.tflite"),
)
COMMAND = (*PICTURES, "edge/cli", "edge/settings", "edge/sinks")
STREAM = (*PICTURES, "edge/stream", "edge/sources")
KIOSK = (*STREAM, "edge/kiosk")
BULK = (*PICTURES, "edge/bulk")


def measured(*paths: str) -> dict[str, Any]:
    """Date, machine and load as a measurement begins, and the digests of the files and folders it depends on.

    Args:
        paths: Files and folders, relative to the repository.
    """
    device = describe_device()
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{device['model'] or device['cpu']}, {device['cores']} cores, Python {platform.python_version()}",
        "load_before": round(os.getloadavg()[0], 2),
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "files": {path: digest(ROOT / path) for path in paths},
    }


def digest(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder with their names; shortened, and "" where there is nothing."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    inside = (one for one in path.rglob("*") if one.is_file() and "__pycache__" not in one.parts)
    lines = sorted(f"{one.relative_to(path).as_posix()} {digest(one)}" for one in inside)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] if lines else ""


def state(about: dict[str, Any], root: Path = ROOT) -> str:
    """``current``, or what makes a figure stale, as Markdown.

    Args:
        about: What :func:`measured` gave.
        root: The repository.
    """
    if not about["files"]:
        return "**stale**, its code is unknown"
    changed = [f"`{path}`" for path, was in about["files"].items() if digest(root / path) != was]
    return f"**stale** since {', '.join(changed)} changed" if changed else "current"


def parts(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each part of a record and what was ``measured`` for it; the name is empty where the record has no parts.

    Raises:
        ValueError: The record, or a part of it, does not say when it was measured.
    """
    record = json.loads(path.read_text())
    if "measured" in record:
        yield "", record["measured"]
        return
    for name, part in record.items():
        if not isinstance(part, dict) or "measured" not in part:
            raise ValueError(f"{path}: {name} does not say when it was measured; measure it again")
        yield name, part["measured"]


__all__ = ["BULK", "COMMAND", "KIOSK", "PICTURES", "ROOT", "STREAM", "digest", "measured", "parts", "state"]

"""What the search for faces costs, in ratio to other ways, taken in turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.face_scenes import PHOTO, Picture
from benchmarks.peers import BY_NAME, ROOT, install
from benchmarks.ratios import ratio
from benchmarks.run import measure_pictures
from benchmarks.scenes import Actor, play, wander
from benchmarks.stream import race
from edge.benchmark.measure import launch
from edge.types import Box

ROUNDS = 3
FRAMES = {"ours": 300, "described": 40, "fer": 40}


def measure_speed(known: Sequence[tuple[Picture, Box]]) -> dict[str, Any]:
    """Ratios of processor time: single pictures, frames with one and five faces, and the start."""
    # The development environment holds TensorFlow, which is all that the described way needs.
    ours, described = BY_NAME["ours"], replace(BY_NAME["described"], venv="dev")
    install([ours])
    with TemporaryDirectory() as name:
        folder = Path(name)
        one = play(folder / "one.mp4", [Actor(*known[0], wander((200, 440), 9))], 12)
        lanes = [(70 + 120 * at, 90 + 120 * at) for at in range(5)]
        five = [Actor(*head, wander(lane, 9, width=90)) for head, lane in zip(known[1:6], lanes, strict=True)]
        pictures = measure_pictures(folder, ROUNDS, 6, (ours, described))
        frames = race(one, ROUNDS, FRAMES)
        crowd = _five_over_one(one, play(folder / "five.mp4", five, 12))
    start = measure_start(ours.python)
    return {
        "predict": pictures["described"]["times_ours_cpu"]["median"],
        "stream_described": frames["times_described"],
        "stream_fer": frames["times_fer"],
        "five_faces": crowd,
        "start": start,
    }


def measure_start(python: Path, rounds: int = 2 * ROUNDS) -> float:
    """Processor time of a whole process, from its start to its first result, over that with the cascade."""
    command = [str(python.parent / "emotion-edge"), "predict", str(PHOTO), "--threads", "1", "--detector"]
    runs: dict[str, list[dict[str, float]]] = {"auto": [], "haar": []}
    for _ in range(rounds):
        for name, own in runs.items():
            own.append(launch([*command, name]))
    return ratio(runs["auto"], runs["haar"], "cpu_seconds")["median"]


def _five_over_one(one: Path, five: Path) -> float:
    """Processor time a frame and face with five faces, over that of one."""
    shares = []
    for _ in range(ROUNDS):
        few, many = (_cpu_ms(video) for video in (one, five))
        shares.append(many / 5 / few)
    return statistics.median(shares)


def _cpu_ms(video: Path) -> float:
    script = ROOT / "benchmarks" / "_stream_paths.py"
    done = subprocess.run(
        [sys.executable, str(script), "ours", str(video), str(FRAMES["ours"])],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures["cpu_ms_a_frame"]


__all__ = ["measure_speed"]

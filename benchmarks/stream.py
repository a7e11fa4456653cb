"""The stream on a minute of video with two faces, and its speed and memory beside two other ways to do the same.

    python -m benchmarks.stream                 # measures and writes benchmarks/results/stream.json
    python -m benchmarks.stream --print         # prints the last record

The other ways: what the project's description says for a workstation (Haar on every full frame, TensorFlow `predict`
of the 128x128 network), and PyPI's `fer` in an environment of its own. All are pinned to one core. Without --data the
video is made from the bundled photo.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from benchmarks.scenes import FPS, Actor, heads_from, identities, play, two_people, wander
from common.records import STREAM, measured

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "benchmarks" / "results" / "stream.json"
PARTS = ("two_faces", "age_in_real_time", "one_core_one_face", "one_core_two_faces")
FER_VENV = ROOT / ".venvs" / "fer"
# fer's own list also wants torch (for a detector that is not used here) and an OpenCV without a cascade.
FER = ["fer==25.10.3"]
FER_NEEDS = ["tensorflow-cpu>=2.21,<2.22", "opencv-contrib-python-headless<5", "pandas", "tqdm", "requests", "pillow"]
FER_NEEDS += ["setuptools<81"]


def make_fer() -> Path:
    """Python of an environment with `fer`, made when it is not there."""
    python = FER_VENV / "bin" / "python"
    if not (FER_VENV / ".installed").is_file():
        subprocess.run([sys.executable, "-m", "venv", str(FER_VENV)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", *FER], check=True)
        subprocess.run([*pip, *FER_NEEDS], check=True)
        (FER_VENV / ".installed").touch()
    return python


def run_stream(video: Path, *words: str) -> list[dict[str, Any]]:
    """The lines of `emotion-edge stream` on a video."""
    command = [sys.executable, "-m", "edge", "stream", "--source", str(video), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def quality(video: Path, actors: Sequence[Actor], seconds: float) -> dict[str, Any]:
    """Identities and labels over the whole video."""
    lines = run_stream(video)
    history = identities(lines, actors)
    minutes = seconds / 60
    raw_changes = shown_changes = 0
    by_track: dict[int, list[dict[str, Any]]] = {}
    for one in lines:
        for face in one["faces"]:
            by_track.setdefault(face["track"], []).append(face)
    for faces in by_track.values():
        raw = [max(face["raw"], key=face["raw"].get) for face in faces if "raw" in face]
        raw_changes += sum(before != after for before, after in pairwise(raw))
        shown_changes += sum(before["emotion"] != after["emotion"] for before, after in pairwise(faces))
    frames = [one for one in lines if one["state"] == "ok"]
    return {
        "frames": len(frames),
        "tracks_of_each_person": history,
        "identity_switches": sum(len(numbers) - 1 for numbers in history),
        "frames_with_both_faces": sum(len(one["faces"]) == 2 for one in frames),
        "label_changes_per_minute_and_face": {
            "raw": raw_changes / minutes / len(actors),
            "smoothed": shown_changes / minutes / len(actors),
        },
    }


def ages(video: Path) -> dict[str, Any]:
    """How old results are when the video plays in real time."""
    frames = [one for one in run_stream(video, "--realtime") if one["state"] == "ok"]
    ages_ms = sorted(one["timing_ms"]["age"] for one in frames[5:])
    limit_ms = 2 * 1000 / FPS
    return {
        "processed": len(frames),
        "skipped": frames[-1]["frame"] + 1 - len(frames),
        "median_ms": statistics.median(ages_ms),
        "p99_ms": ages_ms[len(ages_ms) * 99 // 100],
        "largest_ms": ages_ms[-1],
        "limit_ms": limit_ms,
        "older_than_limit": sum(age > limit_ms for age in ages_ms),
    }


def race(video: Path, rounds: int, frames: dict[str, int]) -> dict[str, Any]:
    """Frames a second and memory of each way, in turns, on one core."""
    core = min(os.sched_getaffinity(0))
    pythons = {"ours": sys.executable, "described": sys.executable, "fer": str(make_fer())}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in pythons}
    for _ in range(rounds):
        for name, python in pythons.items():
            script = ROOT / "benchmarks" / "_stream_paths.py"
            done = subprocess.run(
                [python, str(script), name, str(video), str(frames[name])],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                check=True,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    result: dict[str, Any] = {
        name: {
            "fps": statistics.median(one["fps"] for one in runs),
            "fps_of_each_round": [round(one["fps"], 2) for one in runs],
            "cpu_ms_a_frame": statistics.median(one["cpu_ms_a_frame"] for one in runs),
            "peak_rss_mb": max(one["peak_rss_mb"] for one in runs),
        }
        for name, runs in found.items()
    }
    # Other programs take time from all alike, but not evenly: processor time is what one quiet core would need.
    for name in ("described", "fer"):
        result[f"times_{name}"] = result[name]["cpu_ms_a_frame"] / result["ours"]["cpu_ms_a_frame"]
        result[f"times_{name}_by_the_clock"] = result["ours"]["fps"] / result[name]["fps"]
        result[f"memory_share_of_{name}"] = result["ours"]["peak_rss_mb"] / result[name]["peak_rss_mb"]
    return result


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), envvar="EMOTION_DATA", help="Development photos to make the video of."
)
@click.option("--seconds", default=60.0, show_default=True, help="Length of the video.")
@click.option("--rounds", default=3, show_default=True, help="Turns of the race.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Measure only this; the rest is kept.")
@click.option("--print", "only_print", is_flag=True, help="Print the record instead of making one.")
def main(data: Path | None, seconds: float, rounds: int, parts: tuple[str, ...], only_print: bool) -> None:
    """Measure identities, labels, ages, speed and memory of the stream."""
    if not only_print:
        with tempfile.TemporaryDirectory() as folder:
            record = json.loads(RESULT.read_text()) if parts and RESULT.is_file() else {}
            record |= measure(Path(folder), data, seconds, rounds, parts or PARTS)
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(rounded(record), indent=2) + "\n")
    record = json.loads(RESULT.read_text())
    click.echo(json.dumps(record, indent=2))
    misses = verdict(record)
    for miss in misses:
        click.echo(f"missed: {miss}", err=True)
    raise SystemExit(bool(misses))


def measure(folder: Path, data: Path | None, seconds: float, rounds: int, parts: Sequence[str]) -> dict[str, Any]:
    """One record, or some parts of it."""
    heads = heads_from(ROOT / "examples" / "astronaut.jpg", data)
    actors = two_people(heads, seconds)
    two = play(folder / "two.mp4", actors, seconds)
    one = play(folder / "one.mp4", [Actor(*heads[0], wander((200, 440), 9))], 24)
    frames = {"ours": 600, "described": 60, "fer": 120}
    work: dict[str, Callable[[], dict[str, Any]]] = {
        "two_faces": lambda: quality(two, actors, seconds),
        "age_in_real_time": lambda: ages(two),
        "one_core_one_face": lambda: race(one, rounds, frames),
        "one_core_two_faces": lambda: race(two, rounds, frames),
    }
    persons = "the development photos" if data else "the bundled photo"
    video = f"640x480, {FPS:g} frames a second, {seconds:g} s, two persons of {persons}"
    files = (*STREAM, "benchmarks/stream.py", "benchmarks/_stream_paths.py", "benchmarks/scenes.py")
    return {name: {"measured": measured(*files), "video": video, **work[name]()} for name in parts}


def verdict(record: dict[str, Any]) -> list[str]:
    """What the record misses of what is promised."""
    checks = {f"{name} is measured": name in record for name in PARTS}
    if two := record.get("two_faces"):
        checks["no identity switch"] = two["identity_switches"] == 0
        checks["at most 1 label change a minute and face"] = two["label_changes_per_minute_and_face"]["smoothed"] <= 1
    if age := record.get("age_in_real_time"):
        checks["no result older than 2 frame times"] = age["older_than_limit"] == 0
    for race_name in ("one_core_one_face", "one_core_two_faces"):
        if run := record.get(race_name):
            for name in ("described", "fer"):
                checks[f"{race_name}: at least 6 times {name}"] = run[f"times_{name}"] >= 6
                checks[f"{race_name}: at most a fifth of the memory of {name}"] = run[f"memory_share_of_{name}"] <= 0.2
    return [what for what, kept in checks.items() if not kept]


def rounded(value: Any) -> Any:
    """Floats to three digits after the point."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()

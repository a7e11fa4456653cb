"""`predict` on very many pictures: what two jobs gain, and whether time and memory grow with their number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT, Peer
from benchmarks.ratios import ratio, summary
from edge.benchmark.measure import launch

PHOTO = ROOT / "examples" / "astronaut.jpg"


def links(folder: Path, picture: Path, count: int) -> Path:
    """A folder with so many links to one picture."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:06}{picture.suffix}").symlink_to(picture)
    return folder


def predict(peer: Peer, folder: Path, jobs: int) -> dict[str, float]:
    """Time, processor time and memory of `predict` on a folder, one thread a job."""
    command = [str(peer.python.parent / "emotion-edge"), "predict", str(folder), "--jobs", str(jobs), "--threads", "1"]
    return launch([*command, "--format", "jsonl"])


def measure_jobs(folder: Path, peer: Peer, count: int, rounds: int) -> dict[str, Any]:
    """The bundled photo so many times, with one job and with two, in turns."""
    place = links(folder / "jobs", PHOTO, count)
    runs: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for _ in range(rounds):
        for jobs, found in runs.items():
            found.append(predict(peer, place, jobs))
    return {
        "pictures": count,
        "seconds_1": summary(run["seconds"] for run in runs[1]),
        "seconds_2": summary(run["seconds"] for run in runs[2]),
        "cores_used_1": summary(run["cpu_seconds"] / run["seconds"] for run in runs[1]),
        "cores_used_2": summary(run["cpu_seconds"] / run["seconds"] for run in runs[2]),
        "gain": ratio(runs[1], runs[2], "seconds"),
        "cpu_seconds_1_to_2": ratio(runs[1], runs[2], "cpu_seconds"),
    }


def measure_many(folder: Path, peer: Peer, count: int) -> dict[str, Any]:
    """A small synthetic picture a tenth, half and all so many times: seconds a picture and peak memory."""
    from PIL import Image

    small = folder / "small.png"
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(small)
    found: dict[str, Any] = {}
    for part in (count // 10, count // 2, count):
        run = predict(peer, links(folder / f"many-{part}", small, part), 1)
        found[str(part)] = {
            "ms_a_picture": run["seconds"] / part * 1e3,
            "cpu_ms_a_picture": run["cpu_seconds"] / part * 1e3,
            "peak_rss_mb": run["peak_rss_mb"],
        }
    return found


__all__ = ["measure_jobs", "measure_many"]

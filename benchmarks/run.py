"""Measures the package beside what people use today, in one run.

    python -m benchmarks.run                       # everything; writes results/peers.json
    python -m benchmarks.run --only start,pictures # some parts anew; the others keep their record
    python -m benchmarks.run --print               # the last record and what it misses

All ways read the same pictures and the same video in turns, so that a busy machine slows all alike; ratios are taken
within a round, and their median is reported with the lowest and the highest. One thread, one core, except for `--jobs`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from benchmarks import many, table
from benchmarks.peers import BY_NAME, PEERS, ROOT, Peer, Worker, clean_environment, install, size
from benchmarks.ratios import ratio, summary
from benchmarks.scenes import Actor, heads_from, play, render, wander
from benchmarks.stream import race
from common.records import COMMAND, PICTURES, STREAM, measured
from edge.benchmark.measure import launch

RESULT = ROOT / "benchmarks" / "results" / "peers.json"
PHOTO = ROOT / "examples" / "astronaut.jpg"
# The parts, and what each depends on.
PARTS: dict[str, tuple[str, ...]] = {
    "size": ("pyproject.toml", "benchmarks/peers.py"),
    "start": (*COMMAND, "edge/__main__.py", "benchmarks/run.py", "benchmarks/peers.py", "benchmarks/_workers.py"),
    "memory": (*PICTURES, "benchmarks/_memory.py"),
    "pictures": (*PICTURES, "benchmarks/run.py", "benchmarks/peers.py", "benchmarks/_workers.py"),
    "overhead": (*PICTURES, "benchmarks/_overhead.py"),
    "stream": (*STREAM, "benchmarks/_stream_paths.py"),
    "jobs": (*COMMAND, "benchmarks/many.py"),
    "accuracy": (*PICTURES, "models/reference/model.keras", "benchmarks/_workers.py", "common/photos.py"),
    "many": (*COMMAND, "benchmarks/many.py"),
}


def measure_size() -> dict[str, Any]:
    """What each way takes on disk."""
    return {peer.name: size(peer) for peer in PEERS}


def measure_start(rounds: int) -> dict[str, Any]:
    """Each way as a whole process, from its start to the end of its first picture."""
    runs: dict[str, list[dict[str, float]]] = {peer.name: [] for peer in PEERS}
    for _ in range(rounds):
        for peer in PEERS:
            runs[peer.name].append(launch(peer.once(PHOTO)))
    return {
        name: {
            "seconds": summary(run["seconds"] for run in own),
            "cpu_seconds": summary(run["cpu_seconds"] for run in own),
            "peak_rss_mb": max(run["peak_rss_mb"] for run in own),
            "times_ours": ratio(own, runs["ours"], "seconds"),
            "times_ours_cpu": ratio(own, runs["ours"], "cpu_seconds"),
        }
        for name, own in runs.items()
    }


def measure_pictures(folder: Path, rounds: int, count: int, peers: Sequence[Peer] = PEERS) -> dict[str, Any]:
    """Pictures of 640x480 with one face, by processes that are already running; and whether all find the same face."""
    from PIL import Image

    (head,) = heads_from(PHOTO, None, 1)
    actor = Actor(*head, wander((200, 440), 9, width=150))
    pictures = []
    for number in range(count):
        pictures.append(folder / f"{number}.jpg")
        Image.fromarray(render([actor], number * 0.7, seed=number)).save(pictures[-1], quality=92)
    core = min(os.sched_getaffinity(0))
    runs: dict[str, list[dict[str, Any]]] = {peer.name: [] for peer in peers}
    with ExitStack() as stack:
        workers = {peer.name: stack.enter_context(Worker(peer, pictures, core)) for peer in peers}
        for worker in workers.values():
            worker.ready()
        for _ in range(rounds):
            for name, worker in workers.items():
                runs[name].append(worker.turn())
    boxes = {name: [box for box, _ in own[0]["found"]] for name, own in runs.items()}
    return {
        name: {
            "ms_a_picture": summary(run["seconds"] / count * 1e3 for run in own),
            "cpu_ms_a_picture": summary(run["cpu_seconds"] / count * 1e3 for run in own),
            "peak_rss_mb": own[-1]["peak_rss_mb"],
            "pictures": count,
            "same_box_as_described": sum(a == b for a, b in zip(boxes[name], boxes["described"], strict=True)),
            "times_ours": ratio(own, runs["ours"], "seconds"),
            "times_ours_cpu": ratio(own, runs["ours"], "cpu_seconds"),
        }
        for name, own in runs.items()
    }


def measure_memory() -> dict[str, float]:
    """What the memory of a first result is made of, in MB."""
    return dict(_in_own_environment("ours", "_memory.py"))


def measure_overhead(rounds: int) -> dict[str, Any]:
    """Our Python around the bare calls, in both environments of ours."""
    return {name: _in_own_environment(name, "_overhead.py", str(rounds)) for name in ("ours", "ours-litert")}


def _in_own_environment(name: str, script: str, *arguments: str) -> Any:
    """What a script prints of the bundled photo, as one of our ways runs it."""
    command = [str(BY_NAME[name].python), "-P", str(ROOT / "benchmarks" / script), str(PHOTO), *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, env=clean_environment(), cwd="/").stdout)


def measure_stream(folder: Path, rounds: int) -> dict[str, Any]:
    """The stream beside the described path and fer, on 640x480 with one face."""
    heads = heads_from(PHOTO, None, 1)
    video = play(folder / "one.mp4", [Actor(*heads[0], wander((200, 440), 9))], 12)
    return race(video, rounds, {"ours": 300, "described": 40, "fer": 40})


def measure_accuracy(data: Path | None) -> dict[str, Any] | None:
    """How often each way agrees with the label of photos of people that our training did not see."""
    if data is None:
        return None
    from common.photos import photo_list
    from edge.labels import EMOTIONS

    listed = photo_list(data / "photos", "valid")
    truth = [EMOTIONS[label] for _, label in listed]
    found = {}
    for peer in PEERS:
        if peer.way == "plain":
            continue
        with Worker(peer, [path for path, _ in listed], None) as worker:
            worker.ready()
            answers = worker.turn()["found"]
        hits = [emotion == label for (_, emotion), label in zip(answers, truth, strict=True)]
        recalls = [
            sum(hit for hit, label in zip(hits, truth, strict=True) if label == one) / truth.count(one)
            for one in EMOTIONS
            if one in truth
        ]
        found[peer.name] = {
            "photos": len(truth),
            "accuracy": round(sum(hits) / len(hits), 4),
            "macro_recall": round(sum(recalls) / len(recalls), 4),
            "without_a_face": sum(box is None for box, _ in answers),
        }
    return found


@click.command()
@click.option(
    "--only", default=",".join([*PARTS][:-1]), help=f"Parts to measure: {', '.join(PARTS)}.", show_default=True
)
@click.option("--rounds", default=5, show_default=True, help="Turns of each way.")
@click.option("--pictures", default=6, show_default=True, help="Pictures a turn.")
@click.option("--jobs-pictures", default=1000, show_default=True, help="Pictures for the comparison of --jobs.")
@click.option("--many-pictures", default=100_000, show_default=True, help="Small pictures for the part `many`.")
@click.option(
    "--data", type=click.Path(path_type=Path), envvar="EMOTION_DATA", help="Development data, for the accuracy."
)
@click.option("--print", "only_print", is_flag=True, help="Print the record instead of making one.")
def main(
    only: str,
    only_print: bool,
    *,
    rounds: int,
    pictures: int,
    jobs_pictures: int,
    many_pictures: int,
    data: Path | None,
) -> None:
    """Measure, write the record, and say what is missed."""
    record: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    if not only_print:
        parts = [part.strip() for part in only.split(",")]
        if unknown := set(parts) - set(PARTS):
            raise click.BadParameter(f"{', '.join(sorted(unknown))}; wanted some of {', '.join(PARTS)}")
        install(PEERS)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            work: dict[str, Callable[[], Any]] = {
                "size": measure_size,
                "start": lambda: measure_start(rounds),
                "memory": measure_memory,
                "pictures": lambda: measure_pictures(folder, rounds, pictures),
                "overhead": lambda: measure_overhead(10 * rounds),
                "stream": lambda: measure_stream(folder, min(rounds, 3)),
                "jobs": lambda: many.measure_jobs(folder, BY_NAME["ours"], jobs_pictures, rounds=min(rounds, 3)),
                "accuracy": lambda: measure_accuracy(data),
                "many": lambda: many.measure_many(folder, BY_NAME["ours"], many_pictures),
            }
            for part in parts:
                click.echo(f"measuring {part}", err=True)
                about = measured(*PARTS[part])
                if (found := work[part]()) is not None:
                    record[part] = {"measured": about, "found": rounded(found)}
                    RESULT.parent.mkdir(exist_ok=True)
                    RESULT.write_text(json.dumps(record, indent=1) + "\n")
    click.echo("\n".join(table.lines(record)))
    for line in table.targets(record):
        click.echo(line)


def rounded(value: Any) -> Any:
    """Floats to four digits after the point."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()

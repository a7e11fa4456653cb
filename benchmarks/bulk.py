"""`emotion-edge bulk` beside `predict`, as pictures grow in number, as names do, and where the scheduler ends.

python -m benchmarks.bulk                             # everything; EMOTION_DATA or --data has photos/images
python -m benchmarks.bulk --section pairs --rounds 5  # one section; the others keep their record
python -m benchmarks.bulk --print                     # what docs/bulk.md says
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import click
import psutil

from benchmarks.ratios import summary
from benchmarks.run import rounded
from common.records import BULK, measured

RESULT = Path(__file__).parent / "results" / "bulk.json"
EDGE = [sys.executable, "-m", "edge"]
WAYS = ("predict --jobs 2", "two plain processes", "bulk --workers 2")
WAITS_S = (0.1, 0.01)  # the second is far shorter than a part of pictures, to see where the scheduler ends


class Tree:
    """Processes and their descendants, looked at ten times a second: the kernel's own sum leaves out who was killed."""

    def __init__(self, *commands: list[str]) -> None:
        self.peak_mb = self.first_peak_mb = 0.0
        self._cpu: dict[tuple[int, float], float] = {}
        self._began = time.perf_counter()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._running = [subprocess.Popen(command, **quiet) for command in commands]

    def wait(self, until: Callable[[], bool] = lambda: False) -> dict[str, float]:
        """Until all have ended, or `until` says so, which ends them."""
        ended = False
        while None in [one.poll() for one in self._running]:
            self._look()
            if not ended and until():
                ended = True
                for one in self._running:
                    one.terminate()
            time.sleep(0.1)
        if not ended and any(one.returncode for one in self._running):
            raise click.ClickException(f"{self._running[0].args} ended with {self._running[0].returncode}")
        return {
            "seconds": time.perf_counter() - self._began,
            "cpu_seconds": sum(self._cpu.values()),
            "peak_mb": self.peak_mb,
            "first_peak_mb": self.first_peak_mb,
        }

    def _look(self) -> None:
        total = 0.0
        for number, started in enumerate(self._running):
            with suppress(psutil.Error):
                first = psutil.Process(started.pid)
                for one in [first, *first.children(recursive=True)]:
                    with suppress(psutil.Error):
                        times, memory = one.cpu_times(), one.memory_info().rss / 1e6
                        self._cpu[one.pid, one.create_time()] = times.user + times.system
                        total += memory
                        if number == 0 and one is first:
                            self.first_peak_mb = max(self.first_peak_mb, memory)
        self.peak_mb = max(self.peak_mb, total)


def write_names(path: Path, pictures: list[Path], count: int) -> Path:
    """A text file of so many paths: the pictures over and over."""
    with path.open("w") as file:
        for number in range(count):
            file.write(f"{pictures[number % len(pictures)]}\n")
    return path


def listing_of(folder: Path, pictures: list[Path], count: int) -> Path:
    """A listing of so many pictures."""
    listing = folder / f"{count}.parquet"
    if not listing.exists():
        names = write_names(folder / "names.txt", pictures, count)
        subprocess.run([*EDGE, "bulk", "list", names, listing], check=True, capture_output=True)
    return listing


def bulk(folder: Path, pictures: list[Path], count: int, part: int, *more: str) -> Tree:
    """A started `bulk score` of so many pictures, into an empty folder."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    listing = listing_of(folder, pictures, count)
    return Tree([*EDGE, "bulk", "score", str(listing), str(out), "--workers", "2", "--part", str(part), *more])


def run_way(way: str, folder: Path, pictures: list[Path], count: int) -> dict[str, float]:
    """Read so many pictures on two cores."""
    if way == "bulk --workers 2":
        return bulk(folder, pictures, count, max(1, count // 8)).wait()
    names = [str(pictures[number % len(pictures)]) for number in range(count)]
    command = [*EDGE, "predict", "--threads", "1", "--format", "jsonl", "--output"]
    if way == "predict --jobs 2":
        return Tree([*command, str(folder / "0.jsonl"), "--jobs", "2", *names]).wait()
    halves = (names[0::2], names[1::2])
    return Tree(*([*command, str(folder / f"{number}.jsonl"), *half] for number, half in enumerate(halves))).wait()


def measure_pairs(folder: Path, pictures: list[Path], count: int, rounds: int) -> dict[str, Any]:
    """All ways in turns: what two pictures take, which is the fixed start, and so many more."""
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, found in runs.items():
            start, all_of_them = (run_way(way, folder, pictures, number) for number in (2, count))
            found.append(
                {
                    "start_s": start["seconds"],
                    "start_cpu_s": start["cpu_seconds"],
                    "ms_a_picture": (all_of_them["seconds"] - start["seconds"]) / (count - 2) * 1e3,
                    "cpu_ms_a_picture": (all_of_them["cpu_seconds"] - start["cpu_seconds"]) / (count - 2) * 1e3,
                    "seconds": all_of_them["seconds"],
                    "cpu_seconds": all_of_them["cpu_seconds"],
                    "peak_mb": all_of_them["peak_mb"],
                }
            )
    record: dict[str, Any] = {"pictures": count, "rounds": rounds}
    for way, found in runs.items():
        record[way] = {key: summary(one[key] for one in found) for key in found[0]}
    for other in WAYS[:2]:
        record[f"bulk over {other}"] = {
            key: summary(a[key] / b[key] for a, b in zip(runs[WAYS[2]], runs[other], strict=True))
            for key in ("ms_a_picture", "cpu_ms_a_picture", "seconds", "cpu_seconds")
        }
    return record


def measure_growth(folder: Path, pictures: list[Path], counts: list[int], minutes: float, *more: str) -> dict[str, Any]:
    """Ever more pictures, each number for so many minutes at most; times beyond what two pictures take."""
    start = bulk(folder, pictures, 2, 1, *more).wait()
    found = []
    for count in counts:
        listing_of(folder, pictures, count)  # before the clock begins
        began = time.monotonic()
        run = bulk(folder, pictures, count, 500, *more).wait(
            lambda began=began: time.monotonic() - began > minutes * 60
        )
        done = min(count, 500 * len(list((folder / "out").glob("part-*"))))
        found.append(
            {
                "pictures": count,
                "read": done,
                "ms_a_picture": (run["seconds"] - start["seconds"]) / max(1, done) * 1e3,
                "cpu_ms_a_picture": (run["cpu_seconds"] - start["cpu_seconds"]) / max(1, done) * 1e3,
                "driver_peak_mb": run["first_peak_mb"],
                "peak_mb": run["peak_mb"],
            }
        )
        print(json.dumps(rounded(found[-1])), file=sys.stderr)
    compared = ("ms_a_picture", "cpu_ms_a_picture", "driver_peak_mb")
    return {"runs": found, "last_over_first": {name: found[-1][name] / found[0][name] for name in compared}}


def measure_listing(folder: Path, count: int) -> list[dict[str, Any]]:
    """A tenth of so many empty files and all of them, a thousand a folder; all in one folder; a text file of names."""
    found = []
    for kind, number in (("folders", count // 10), ("folders", count), ("one folder", count), ("text", count)):
        place = folder / "names"
        if kind == "text":
            source = write_names(folder / "million.txt", [Path("/archive/photo.jpg")], number)
        else:
            source = place
            for index in range(number):
                inner = place / f"{index // 1000:04}" if kind == "folders" else place
                if index % 1000 == 0:
                    inner.mkdir(parents=True, exist_ok=True)
                os.close(os.open(inner / f"{index:07}.jpg", os.O_CREAT))
        listing = folder / "million.parquet"
        run = Tree([*EDGE, "bulk", "list", str(source), str(listing)]).wait()
        found.append({"kind": kind, "names": number, **run, "listing_mb": listing.stat().st_size / 1e6})
        print(json.dumps(rounded(found[-1])), file=sys.stderr)
        listing.unlink()
        shutil.rmtree(place, ignore_errors=True)
    return found


def wait_part(_listing: str, k: int, _out: str, options: dict[str, Any]) -> dict[str, int]:
    """A part that takes no processor time at all."""
    time.sleep(options["seconds"])
    return {"part": k, "pictures": 1, "unreadable": 0}


def measure_scheduler(seconds: float) -> list[dict[str, Any]]:
    """Parts a second that the scheduler hands out, where a part only waits."""
    from edge.bulk.cluster import connect, score_parts

    found = []
    for wait_s, workers in product(WAITS_S, (1, 2, 4, 8, 16)):
        with connect(workers=workers) as client:
            seen: list[int] = []
            stop = threading.Event()
            numbers = iter(lambda stop=stop: None if stop.is_set() else 0, None)
            parts = (k for k, _ in enumerate(numbers))
            began = time.perf_counter()
            threading.Timer(seconds, stop.set).start()
            given: dict[str, Any] = {"listing": "", "out": "", "options": {"seconds": wait_s}, "score": wait_part}
            score_parts(client, parts, progress=lambda part, seen=seen: seen.append(part["part"]), **given)
            rate = len(seen) / (time.perf_counter() - began)
        ideal = workers / wait_s
        found.append({"wait_s": wait_s, "workers": workers, "parts_a_second": rate, "of_ideal": rate / ideal})
        print(json.dumps(rounded(found[-1])), file=sys.stderr)
    return found


def measure_equal(folder: Path, pictures: list[Path]) -> dict[str, Any]:
    """Every photo through bulk and through predict: rows that differ, times left aside."""
    import pyarrow.parquet as pq

    from edge.bulk.rows import decode

    bulk(folder, pictures, len(pictures), 100).wait()
    rows = [row for path in sorted((folder / "out").glob("part-*")) for row in decode(pq.read_table(path))]
    lines = folder / "all.jsonl"
    command = [*EDGE, "predict", "--threads", "1", "--jobs", "2", "--format", "jsonl", "--output", lines]
    subprocess.run([*command, *map(str, pictures)], check=False, capture_output=True)
    expected = [json.loads(line) for line in lines.read_text().splitlines()]
    differ = sum({**a, "timing_ms": 0} != {**b, "timing_ms": 0} for a, b in zip(rows, expected, strict=True))
    return {"pictures": len(rows), "differ": differ, "unreadable": sum(row["error"] is not None for row in rows)}


SECTIONS = ("listing", "scheduler", "equal", "pairs", "growth of crops", "growth")


@click.command()
@click.option("--data", type=click.Path(path_type=Path), envvar="EMOTION_DATA", help="Folder with photos/images.")
@click.option("--section", "sections", type=click.Choice(SECTIONS), multiple=True, default=SECTIONS)
@click.option("--pictures", "count", default=300, show_default=True, help="Pictures a run of `pairs`.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--many", default=50_000, show_default=True, help="Most pictures of `growth`.")
@click.option("--minutes", default=120.0, show_default=True, help="End a run of `growth` after so long.")
@click.option("--names", default=1_000_000, show_default=True)
@click.option("--print", "only_print", is_flag=True)
def main(
    *,
    data: Path | None,
    sections: tuple[str, ...],
    count: int,
    rounds: int,
    many: int,
    minutes: float,
    names: int,
    only_print: bool,
) -> None:
    """Measure `emotion-edge bulk`."""
    record: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    if only_print:
        print(json.dumps(record, indent=1))
        return
    if data is None and set(sections) - {"listing", "scheduler"}:
        raise click.UsageError("photos are needed; give --data or EMOTION_DATA, the folder that holds photos/images")
    pictures = sorted((data / "photos" / "images").iterdir()) if data else []
    for section in sections:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            about = measured(*BULK, "benchmarks/bulk.py")
            work: dict[str, Callable[[], Any]] = {
                "listing": lambda folder=folder: measure_listing(folder, names),
                "scheduler": lambda: measure_scheduler(8),
                "equal": lambda folder=folder: measure_equal(folder, pictures),
                "pairs": lambda folder=folder: measure_pairs(folder, pictures, count, rounds),
                "growth of crops": lambda folder=folder: measure_growth(
                    folder, pictures, [2000, many], minutes, "--no-detect"
                ),
                "growth": lambda folder=folder: measure_growth(folder, pictures, [2000, many], minutes),
            }
            found = work[section]()
        record[section] = {"measured": about, "found": found}
        RESULT.write_text(json.dumps(rounded(record), indent=1) + "\n")
        print(section, json.dumps(rounded(found)), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""Fuzzes for a while and writes what was found: ``python tests/fuzz/run.py [decode|upload …] [--minutes 30]``.

Each target runs until the time is spent or the executions are done; a crash or hang is counted, its input kept under
runs/fuzz/NAME/found, and fuzzing goes on. Then every input that reached something new is run five times over to see
whether memory grows. Exits with 1 if anything was found.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from common.records import KIOSK, PICTURES, measured

ROOT = Path(__file__).parents[2]
TARGET = Path(__file__).with_name("target.py")
HANG_S = 25
GROWTH = 1.02
PACKAGES = ("atheris", "pillow", "numpy", "opencv-python-headless", "tflite-runtime", "python-multipart", "starlette")


def command(name: str, status: Path, corpus: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the target as a process of its own."""
    arguments = [sys.executable, str(TARGET), name, str(status), str(corpus), *options]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(arguments, env=environ, capture_output=True, text=True, errors="replace", check=False)


def fuzz(name: str, seconds: float, executions: int) -> dict[str, object]:
    """Fuzz one target; gives its record."""
    place = ROOT / "runs" / "fuzz" / name
    corpus, found, status = place / "corpus", place / "found", place / "status.jsonl"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    began, done, starts = time.monotonic(), 0, 0
    lines: list[dict[str, float]] = []
    while (left := seconds - (time.monotonic() - began)) > 1 and done < executions:
        status.write_text("")
        starts += 1
        ended = command(
            name,
            status,
            corpus,
            f"-max_total_time={int(left)}",
            f"-runs={executions - done}",
            f"-timeout={HANG_S}",
            "-max_len=16384",
            "-rss_limit_mb=2048",
            f"-artifact_prefix={found}/",
        )
        (place / f"log-{starts}.txt").write_text(ended.stderr)
        lines = [json.loads(line) for line in status.read_text().splitlines()]
        done += int(lines[-1]["executions"]) if lines else 0
        if ended.returncode and not lines:
            raise SystemExit(f"{name} does not run:\n{ended.stderr[-3000:]}")
    took_s = round(time.monotonic() - began)
    new = [path.name for path in set(found.iterdir()) - before]
    replayed = json.loads(command(name, place / "replay.jsonl", corpus, "--replay").stdout)
    return {
        "executions": done,
        "seconds": took_s,
        "crashes": sum(kept.startswith("crash") for kept in new),
        "hangs": sum(kept.startswith(("timeout", "slow")) for kept in new),
        "out_of_memory": sum(kept.startswith(("oom", "leak")) for kept in new),
        "starts": starts,
        "rss_mb_first": round(lines[0]["rss_kb"] / 1024),
        "rss_mb_last": round(lines[-1]["rss_kb"] / 1024),
        "replay_inputs": replayed["inputs"],
        "replay_rss_mb": [round(kb / 1024, 1) for kb in replayed["rss_kb"]],
    }


def main() -> None:
    """Fuzz what is named and write the record of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=["decode", "upload"], help="decode, upload; both by default")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--executions", type=int, default=1_000_000)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results", help="folder of the records")
    options = parser.parse_args()
    failed = False
    for name in options.targets:
        begun = measured(*(KIOSK if name == "upload" else PICTURES), "tests/fuzz")
        record = fuzz(name, options.minutes * 60, options.executions)
        passes = record["replay_rss_mb"]
        grows = passes[-1] > passes[1] * GROWTH
        bad = grows or any(record[kind] for kind in ("crashes", "hangs", "out_of_memory"))
        failed = failed or bad
        about = {
            "measured": begun,
            "target": name,
            "versions": {package: version(package) for package in PACKAGES},
            "wanted": {"minutes": options.minutes, "or_executions": options.executions, "hang_s": HANG_S},
        }
        path = options.output / f"fuzz-{name}.json"
        path.write_text(json.dumps({**about, **record, "grows": grows}, indent=2) + "\n")
        sys.stdout.write(f"{name}: {json.dumps(record)} -> {path}\n")
    raise SystemExit(failed)


if __name__ == "__main__":
    main()

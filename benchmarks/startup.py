"""Processor time and memory of `predict` from its start to its end, in turns.

python -m benchmarks.startup [--rounds 10]; what each measure spares, in the environment that `make demo` makes
python -m benchmarks.startup --against COMMIT; this working tree over that commit, in the same environment
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from benchmarks.peers import BY_NAME, ROOT
from benchmarks.ratios import ratio, summary
from common.records import COMMAND, measured
from edge.benchmark.measure import launch

RESULT = ROOT / "benchmarks" / "results" / "startup.json"
RUN = "import sys; sys.argv[0] = 'emotion-edge'; from edge.cli import main, run; run()"
# Each undoes one measure of edge/cli/_quick.py before the same command runs.
WITHOUT = {
    "as it is": RUN,
    "collector as Python sets it": "import gc; gc.set_threshold = lambda *sizes: None\n" + RUN,
    "BLAS with threads": "import os; os.environ['OPENBLAS_NUM_THREADS'] = str(os.cpu_count())\n" + RUN,
    "modules that nothing uses": "from edge.cli import _quick; _quick.UNUSED.clear()\n" + RUN,
    "objects taken apart": RUN.replace("; run()", "; main()"),
}
WAYS = {"a photo": [], "a photo, --no-detect": ["--no-detect"]}
PHOTO = str(ROOT / "examples" / "astronaut.jpg")


@click.command()
@click.option("--rounds", default=10, show_default=True, help="Turns of each.")
@click.option("--against", metavar="COMMIT", help="Compare with this commit instead.")
@click.option("--python", default=str(BY_NAME["ours"].python), help="Interpreter with what `predict` needs.")
def main(rounds: int, against: str | None, python: str) -> None:
    """Print processor seconds, and each over the first."""
    if against:
        compare(against, rounds, python)
        return
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in WITHOUT}
    for _ in range(rounds):
        for name, code in WITHOUT.items():
            runs[name].append(launch([python, "-P", "-c", code, "predict", PHOTO, "--threads", "1"]))
    for name, own in runs.items():
        took = summary(run["cpu_seconds"] for run in own)
        more = ratio(own, runs["as it is"], "cpu_seconds")
        click.echo(f"{name:<28} {took['median']:.3f} s, {more['median']:.2f} ({more['low']:.2f} to {more['high']:.2f})")


def compare(commit: str, rounds: int, python: str) -> None:
    """Print, and record, processor time and memory of this working tree over those of a commit."""
    record: dict[str, object] = {"measured": measured(*COMMAND, "benchmarks/startup.py"), "rounds": rounds}
    with checkout(commit) as before:
        record["against"] = git("rev-parse", "--short", "HEAD", folder=before)
        for folder in (before, ROOT):  # as pip does; Python itself may be told to write no bytecode
            subprocess.run([python, "-m", "compileall", "-q", str(folder / "edge")], check=True)
        for name, words in WAYS.items():
            runs: dict[Path, list[dict[str, float]]] = {before: [], ROOT: []}
            for number in range(rounds):
                for folder in (before, ROOT) if number % 2 else (ROOT, before):
                    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{RUN}"
                    runs[folder].append(launch([python, "-P", "-c", code, "predict", PHOTO, "--threads", "1", *words]))
            record[name] = found = {}
            for key in ("cpu_seconds", "peak_rss_mb"):
                found[key] = {
                    "before": round(summary(run[key] for run in runs[before])["median"], 3),
                    "now": round(summary(run[key] for run in runs[ROOT])["median"], 3),
                    "ratio": {side: round(value, 3) for side, value in ratio(runs[ROOT], runs[before], key).items()},
                }
                click.echo(f"{name:<22} {key:<12} {json.dumps(found[key])}")
    RESULT.write_text(json.dumps(record, indent=1) + "\n")


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """A commit's files in a folder of their own, for a while."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "before"
        git("worktree", "add", "--detach", str(path), commit)
        try:
            yield path
        finally:
            git("worktree", "remove", "--force", str(path))


def git(*words: str, folder: Path = ROOT) -> str:
    """What git says."""
    done = subprocess.run(["git", "-C", os.fspath(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()

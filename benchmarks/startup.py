"""What spares time before the first result: processor time of `predict` with and without each measure, in turns.

python -m benchmarks.startup [--rounds 10]; runs in the environment that `make demo` makes
"""

from __future__ import annotations

import click

from benchmarks.peers import PEERS, ROOT
from benchmarks.ratios import ratio, summary
from edge.benchmark.measure import launch

RUN = "import sys; sys.argv[0] = 'emotion-edge'; from edge.cli import main, run; run()"
# Each undoes one measure of edge/cli/_quick.py before the same command runs.
WITHOUT = {
    "as it is": RUN,
    "collector as Python sets it": "import gc; gc.set_threshold = lambda *sizes: None\n" + RUN,
    "BLAS with threads": "import os; os.environ['OPENBLAS_NUM_THREADS'] = str(os.cpu_count())\n" + RUN,
    "the whole of numpy": "from edge.cli import _quick; _quick.UNUSED.clear()\n" + RUN,
    "objects taken apart": RUN.replace("; run()", "; main()"),
}


@click.command()
@click.option("--rounds", default=10, show_default=True, help="Turns of each.")
def main(rounds: int) -> None:
    """Print processor seconds, and each over the first."""
    python, photo = str(PEERS[0].python), str(ROOT / "examples" / "astronaut.jpg")
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in WITHOUT}
    for _ in range(rounds):
        for name, code in WITHOUT.items():
            runs[name].append(launch([python, "-P", "-c", code, "predict", photo, "--threads", "1"]))
    for name, own in runs.items():
        took = summary(run["cpu_seconds"] for run in own)
        more = ratio(own, runs["as it is"], "cpu_seconds")
        click.echo(f"{name:<28} {took['median']:.3f} s, {more['median']:.2f} ({more['low']:.2f} to {more['high']:.2f})")


if __name__ == "__main__":
    main()

"""How far each stage of a frame is from the least that its arithmetic and bytes take, and what that would be on a Pi.

python -m benchmarks.limits; writes results/limits.json. `emotion-edge benchmark` prints the same of its device.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

RESULT = Path(__file__).parent / "results" / "limits.json"


@click.command(help=__doc__)
def main() -> None:
    """Measure, print and write the record."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded: one core does all
    import cv2

    from common.records import PICTURES, measured
    from edge.benchmark.limits import measure_limits
    from edge.classifier import Classifier
    from edge.cli.benchmark import limits_table

    cv2.setNumThreads(1)
    about = measured(*PICTURES, "edge/benchmark")
    found = measure_limits(Classifier(threads=1), rounds=200, seconds=3)
    RESULT.write_text(json.dumps({"measured": about, **found}, indent=1) + "\n")
    click.echo("\n".join(limits_table(found)))


if __name__ == "__main__":
    main()

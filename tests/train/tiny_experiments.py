"""``tiny_training`` with a plan and a record of experiments in the folder named first."""

import sys
from pathlib import Path

from tiny_training import main

import train.experiments

folder = Path(sys.argv.pop(1))
train.experiments.PLAN, train.experiments.RECORD = folder / "plan.toml", folder / "record.json"

if __name__ == "__main__":
    main()

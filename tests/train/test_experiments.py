"""Experiments are run, measured and kept by the command that prints them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from test_views import write_photos

pytestmark = pytest.mark.slow

PLAN = """
base = ["architecture=tiny", "size=16", "batch=20", "epochs=1"]

[experiments.plain]
what = "as it is"
change = []
verdict = "the yardstick"

[experiments.noisy]
what = "more noise"
change = ["augment.noise=0.1"]
rounds = [["epochs=2"], ["augment.flip=false"]]
photos = true
verdict = "undecided"
"""


@pytest.fixture
def experiments(
    trainer: Callable[..., subprocess.Popen[str]], folders: Path, photo: Path, tmp_path: Path
) -> Callable[..., tuple[int, str]]:
    """Run the command on drawings, with a plan and an empty record of its own."""
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "record.json").write_text(json.dumps({"short": [], "long": []}))
    photos = write_photos(tmp_path / "photos", photo)

    def run(*args: object) -> tuple[int, str]:
        command = [tmp_path, "experiments", "--data", folders, "--photos", photos, "--runs", tmp_path / "runs", *args]
        process = trainer(*command, script="tiny_experiments.py")
        output, _ = process.communicate(timeout=500)
        return process.returncode, output

    return run


def test_experiments_are_run_kept_and_printed(experiments: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    code, output = experiments("plain", "noisy", "--seed", "0", "--seed", "1")
    assert code == 0, output
    kept = json.loads((tmp_path / "record.json").read_text())["short"]
    assert [(run["name"], run["seed"]) for run in kept] == [("plain", 0), ("plain", 1), ("noisy", 0), ("noisy", 1)]
    first, last = (tmp_path / "runs" / "noisy-1" / f"round-{number}" for number in (1, 2))
    began, went_on = (json.loads((run / "recipe.json").read_text())["recipe"] for run in (first, last))
    assert (began["start"], began["epochs"]) == ("", 2)
    assert (went_on["start"], went_on["epochs"], went_on["augment"]["flip"]) == (str(first / "model.keras"), 1, False)
    shares = [value for run in kept for value in (*run["majority"], *run["photos"], run["half_bright"])]
    assert len(shares) == 20
    assert all(0 <= share <= 100 for share in shares)
    mean = sum(run["majority"][0] for run in kept[:2]) / 2
    assert re.search(rf"\| as it is \| 2 \| {mean:.1f} ± \d", output)

    network = tmp_path / "runs" / "plain-1" / "model.keras"
    code, output = experiments("--long", f"the second={network}")
    assert code == 0, output
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["short"] == kept
    (long,) = record["long"]
    assert (long["what"], long["network"], long["epochs"], long["seed"]) == ("the second", "tiny", 1, 1)
    assert {key: long[key] for key in ("majority", "photos", "half_bright")} == {
        key: kept[1][key] for key in ("majority", "photos", "half_bright")
    }
    assert "| the second |" in output


def test_a_run_that_is_not_finished_is_not_recorded(
    experiments: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    code, output = experiments("--long", f"new={tmp_path / 'model.keras'}")
    assert code == 1
    assert f"error: {tmp_path} is no finished run; give its model.keras" in output.splitlines()[-1]
    assert json.loads((tmp_path / "record.json").read_text())["long"] == []

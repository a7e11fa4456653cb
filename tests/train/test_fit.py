"""Whole runs of the real command: what they leave, that they resume where they were killed, and repeat exactly."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from weights import weights_of

from common.model_settings import settings_of

pytestmark = pytest.mark.slow
Start = Callable[..., "subprocess.Popen[str]"]


def kill_in_epoch(process: subprocess.Popen[str], epoch: int) -> None:
    """Kill the process when it says that it began an epoch."""
    said = []
    for line in process.stdout:
        said.append(line)
        if f"Epoch {epoch}/" in line:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return
    raise AssertionError("".join(said))


def log(run: Path) -> list[dict[str, str]]:
    with (run / "log.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_network_log_record_metrics_and_pictures(finished: Path) -> None:
    left = {path.name for path in finished.iterdir()}
    pictures = {"curves.png", "confusion.png", "classes.png", "reliability.png", "mistakes.png"}
    assert left == {"model.keras", "model.toml", "log.csv", "training.json", "tensorboard", *pictures}
    record = json.loads((finished / "training.json").read_text())
    assert record["recipe"]["network"] == "tiny"
    assert record["recipe"]["seed"] == 0
    root = Path(__file__).parent.parent.parent
    head = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    assert (record["commit"] or "").removesuffix("-dirty") == head.stdout.strip()
    assert set(record["versions"]) == {"keras", "tensorflow", "numpy", "python"}
    assert record["parameters"] > 0
    assert record["macs"] > 0
    assert record["faces"]["train"] == 60
    assert sum(record["faces"]["watched"].values()) == 15
    assert settings_of(finished / "model.keras").crop_margin == -0.05
    assert record["watched"]["pictures"] == 15
    assert record["cost"]["epochs"] == len(log(finished)) == 4
    assert record["cost"]["seconds"] > 0


def test_a_killed_run_continues_as_if_it_had_not_been(
    fit: Start, finished: Path, settings: tuple[str, ...], tmp_path: Path
) -> None:
    run = tmp_path / "killed"
    kill_in_epoch(fit(run, *settings), 3)
    assert not (run / "model.keras").exists()
    assert (run / "state.npz").is_file()

    other = fit(run, *settings, "learning_rate=0.5")
    refusal, _ = other.communicate(timeout=300)
    assert other.returncode == 1
    assert "was interrupted with recipe learning_rate = 0.004, now it is 0.5" in refusal.splitlines()[-1]

    again = fit(run, *settings)
    output, _ = again.communicate(timeout=300)
    assert again.returncode == 0, output
    assert "with epoch 3 of 4" in output
    assert "Epoch 1/" not in output
    assert "Warning:" not in output
    assert not (run / "state.npz").exists()

    # Weights, optimizer, random numbers and the callbacks' memory went on: the result is that of the whole run.
    assert log(run) == log(finished)
    whole, resumed = weights_of(finished / "model.keras"), weights_of(run / "model.keras")
    assert whole.keys() == resumed.keys()
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)


def test_a_finished_run_is_kept(fit: Start, finished: Path, settings: tuple[str, ...]) -> None:
    before = (finished / "model.keras").read_bytes()
    for more, code, said in ((), 0, "nothing to do"), (("epochs=9",), 1, "finished, with another recipe; name another"):
        process = fit(finished, *settings, *more)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == code, output
        assert said in output
    assert (finished / "model.keras").read_bytes() == before


def test_a_network_that_goes_on_from_another_says_what_both_learned_from(
    fit: Start, finished: Path, folders: Path, tmp_path: Path
) -> None:
    own = f"{folders.name} (60 pictures)"
    assert settings_of(finished / "model.keras").training_data == own
    process = fit(tmp_path / "run", "epochs=1", f"start={finished / 'model.keras'}")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    saved = settings_of(tmp_path / "run" / "model.keras").training_data
    assert saved == f"{own}; on from model.keras, which learned from {own}"


def test_ctrl_c_says_how_to_go_on(fit: Start, tmp_path: Path) -> None:
    process = fit(tmp_path / "run", "epochs=50")
    for line in process.stdout:
        if "Epoch 2/" in line:
            os.kill(process.pid, signal.SIGINT)
            break
    output = process.stdout.read()
    assert process.wait(timeout=60) == 130
    assert "the same command continues" in output.splitlines()[-1]

"""The comparisons behind the shipped recipe: run them again, and print what they gave."""

from __future__ import annotations

import json
import statistics
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from common.datasets import Faces, load
from common.metrics import score
from common.photos import photo_faces
from edge.errors import ConfigError
from train.recipe import load_recipe

PLAN = Path(__file__).parent / "experiments.toml"
RECORD = Path(__file__).parents[1] / "docs" / "experiments.json"
COLUMNS = {
    "majority": "FER2013Valid, more than 50 % of the votes: accuracy / macro recall",
    "photos": "photos, people never trained on: accuracy / macro recall",
    "half_bright": "same answer half as bright",
}


def run_experiments(names: Iterable[str], seeds: Iterable[int], data: Path, photos: Path, runs: Path) -> None:
    """Run experiments of the plan and add their figures to the record.

    Args:
        names: Which; all when empty.
        seeds: One run each.
        data: FER+.
        photos: The photos; half of their people are for measuring.
        runs: Folder for the runs' own folders.
    """
    from train.session import train_run

    plan = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    for name in names or plan["experiments"]:
        experiment = plan["experiments"][name]
        mixed = photos if experiment.get("photos") else None
        for seed in seeds:
            run, start = runs / f"{name}-{seed}", ""
            for number, change in enumerate(experiment.get("rounds", [[]]), 1):
                changes = [*plan["base"], *experiment["change"], *change, f"seed={seed}", f"start={start}"]
                folder = run / f"round-{number}" if "rounds" in experiment else run
                network = train_run(load_recipe("plain", changes), data, mixed, folder)
                start = str(folder / "model.keras")
            _keep("short", {"name": name, "seed": seed, **_figures(network, data, photos)}, ("name", "seed"))


def add_long_run(path: Path, what: str, data: Path, photos: Path) -> None:
    """Measure a finished run and add it to the record's long runs.

    Args:
        path: Its ``model.keras``, with ``recipe.json`` beside it.
        what: What it is, in a few words; an earlier run of the same words is replaced.
        data: FER+.
        photos: The photos; half of their people are for measuring.

    Raises:
        ConfigError: One of the two files is missing.
    """
    record = path.with_name("recipe.json")
    if not path.is_file() or not record.is_file():
        raise ConfigError(f"{path.parent} is no finished run; give its model.keras, with recipe.json beside it")
    import keras

    network = keras.saving.load_model(path, compile=False)
    told = json.loads(record.read_text(encoding="utf-8"))
    about = {"what": what, "network": told["recipe"]["architecture"], "parameters": told["parameters"]}
    about |= {"macs": told["macs"], "epochs": told["recipe"]["epochs"], "seed": told["recipe"]["seed"]}
    _keep("long", {**about, **_figures(network, data, photos)}, ("what",))


def table() -> str:
    """The record as a Markdown table: mean over seeds, with the standard deviation where there are several."""
    plan = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    runs = json.loads(RECORD.read_text(encoding="utf-8"))["short"]
    lines = [
        "| what | seeds | " + " | ".join(COLUMNS.values()) + " | verdict |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, experiment in plan["experiments"].items():
        of_it = [run for run in runs if run["name"] == name]
        if of_it:
            pairs = [
                " / ".join(_spread([run[key][i] for run in of_it]) for i in (0, 1)) for key in ("majority", "photos")
            ]
            half = _spread([run["half_bright"] for run in of_it])
            lines.append(
                f"| {experiment['what']} | {len(of_it)} | {' | '.join(pairs)} | {half} | {experiment['verdict']} |"
            )
    return "\n".join(lines)


def long_table() -> str:
    """The long runs of the record as a Markdown table."""
    lines = [
        f"| network | parameters | multiply-adds, M | {' | '.join(COLUMNS.values())} |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for run in json.loads(RECORD.read_text(encoding="utf-8"))["long"]:
        pairs = [" / ".join(f"{value:.1f}" for value in run[key]) for key in ("majority", "photos")]
        cost = f"{run['parameters']:,} | {run['macs'] / 1e6:.1f}"
        lines.append(f"| {run['what']} | {cost} | {' | '.join(pairs)} | {run['half_bright']:.1f} |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    mean = f"{statistics.mean(values):.1f}"
    return f"{mean} ± {statistics.stdev(values):.1f}" if len(values) > 1 else mean


def _pair(answers: Any, labels: Any) -> list[float]:
    measured = score(answers, labels)
    return [round(100 * measured.accuracy.value, 2), round(100 * measured.macro_recall.value, 2)]


@cache
def _sets(data: Path, photos: Path, size: int) -> tuple[Faces, Faces]:
    """What networks are compared on: the validation split, and photos of people that none was trained on."""
    return load(data, "valid", size=size), photo_faces(photos, "valid", size=size, rare=1, margins=(0.0,))


def _figures(network: Any, data: Path, photos: Path) -> dict[str, Any]:
    """What the tables show of a network."""
    valid, unseen = _sets(data, photos, network.input_shape[1])

    def answer(images: Any, gain: float = 1.0) -> Any:
        return network.predict(np.repeat(images, 3, -1) * np.float32(gain / 255), batch_size=500, verbose=0)

    answers, halved = answer(valid.images), answer(valid.images, 0.5)
    return {
        "majority": _pair(answers[valid.majority], valid.labels[valid.majority]),
        "photos": _pair(answer(unseen.images), unseen.labels),
        "half_bright": round(100 * float((answers.argmax(1) == halved.argmax(1)).mean()), 2),
    }


def _keep(part: str, run: dict[str, Any], same: tuple[str, ...]) -> None:
    """Add a run to a part of the record, in place of one that has the same values of these keys."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    others = [old for old in record[part] if [old[key] for key in same] != [run[key] for key in same]]
    record[part] = [*others, run]
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


__all__ = ["add_long_run", "long_table", "run_experiments", "table"]

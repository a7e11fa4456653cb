"""Writes ``models/MODEL_CARD.md`` from the records next to it; every figure in it is read from JSON."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.errors import ConfigError
from edge.preprocess import BRIGHT_ENOUGH
from train.report import by_class, comparison, confusion, described, interval, line, robustness

Tree = Mapping[str, Any]
INTENDED = """\
Reading the expression on a face that looks roughly at the camera, in photos, video or at a kiosk, on a small
computer and without sending pictures anywhere: exhibits, games, art, statistics of a photo collection, teaching how
such models work.

An expression is a guess at a feeling, not a measurement of one. People smile without being happy, and feel without
showing; how feelings are shown differs between people and cultures.
"""

FORBIDDEN = """\
- **At work and in education, to infer the emotions of people: prohibited in the European Union** by Article 5(1)(f)
  of Regulation (EU) 2024/1689, the AI Act, except for medical or safety reasons. Elsewhere in the Union an emotion
  recognition system is of high risk (Annex III, point 1(c)), and those exposed to it must be told (Article 50(3)).
- To decide about a person: hiring, insurance, credit, policing, border control, health, custody.
- To detect lies, intent, mental illness, or pain.
- On people who do not know of it or have not agreed. Faces are personal data.
"""

LIMITS = """\
- Whatever a face shows, one of the five emotions is predicted: fear, disgust, contempt, speech and sleep have no
  name here.
- Labels are opinions of onlookers, not what people felt, and onlookers disagree.
- Nothing here says how old people are, what sex or where from, so fairness between groups was **not measured**.
  Measure on your own visitors before relying on it.
- Profiles, very small and mostly covered faces may not be found; the whole picture is then read instead, and the
  prediction is never called confident.
"""

FER2013 = """\
- FER2013's pictures were found by search words, so they hold posed faces, actors, drawings and watermarks, and are
  not an even sample of people.
"""

CHOSEN_ELSEWHERE = """\
- What was chosen (recipe, temperature, crop margin, which network ships) was chosen on other pictures and people than
  those measured here. FER2013's own test split was not available.
"""

CHOSEN_HERE = """\
- Epoch and temperature were chosen on the pictures of the data set that are measured here, so their
  figures are somewhat too good.
"""

REFERENCE = """\
`reference` is the network that this project was first described with, trained by the described recipe on as many
pictures of each class as its authors had, or as FER+ offers (`train/recipes/reference.toml`); it is measured in the
same way.
"""


def model_card(folder: Path) -> str:
    """The card of the model in a folder, as Markdown.

    Args:
        folder: Holds ``metrics.json`` (by ``evaluate``), and where there are any ``formats.json`` (by convert),
            the model's ``.toml`` and ``training.json``, the record of its run, and of the described network's in
            ``reference/training.json``.

    Raises:
        ConfigError: There is no ``metrics.json``.
    """
    metrics = _read(folder / "metrics.json")
    if not metrics:
        raise ConfigError(
            f"no {folder / 'metrics.json'}; make it with: python -m train evaluate --data DIR --photos DIR"
        )
    name, model = next(iter(metrics["models"].items()))
    settings = (folder / name).with_suffix(".toml")
    about = tomllib.loads(settings.read_text(encoding="utf-8")) if settings.is_file() else {}
    run, reference = _read(folder / "training.json"), _read(folder / "reference" / "training.json")
    parts = [
        f"# Model card: {name}\n",
        "Written by `python -m train card` from `metrics.json`, `formats.json` and `training.json`, not by hand.\n",
        _summary(model, about),
        f"## Intended use\n\n{INTENDED}",
        f"## Wrong and unlawful uses\n\n{FORBIDDEN}",
        f"## Training\n\n{_training(run, about)}",
        f"## The described network\n\n{REFERENCE}\n{_run(reference)}" if reference else "",
        f"## Measured\n\n{_measured(metrics)}",
        _failures(metrics, model),
        _runtimes(_read(folder / "formats.json")),
        f"## Limits\n\n{LIMITS}{_limits(metrics, about)}",
        f"## Licence\n\nWeights: {about.get('licence', 'see the repository')}. {_origin(run)}"
        "Faces are found before by YuNet (MIT; trained on WIDER FACE), a file of its own that this project does not "
        "distribute; see NOTICE. "
        "The pictures keep their own licences and are not distributed.\n",
    ]
    return "\n".join(part for part in parts if part)


def _summary(model: Tree, about: Tree) -> str:
    rows = [
        ["file", f"`{model['file']}`, {model['kB']:.1f} kB, version {model.get('version') or 'unknown'}"],
        ["sha256", f"`{model['sha256']}`" if "sha256" in model else ""],
        ["task", "one face, RGB bytes, to the probabilities of Angry, Happy, Neutral, Sad, Surprise"],
        [
            "preprocessing",
            f"face box grown by {model['crop_margin']:g} on every side, cropped, brightened to a mean of "
            f"{BRIGHT_ENOUGH:g} of 255 where darker, resized; bytes go straight in",
        ],
        ["threshold", f"below {about['threshold']:g} a prediction counts as a guess" if "threshold" in about else ""],
    ]
    if "parameters" in model:
        rows.append(
            ["network", f"{model['parameters']:,} parameters, {model['macs'] / 1e6:.1f} M multiply-adds a face"]
        )
    return "\n".join([line(["", ""]), line(["---", "---"]), *[line(row) for row in rows if row[1]], ""])


def _training(run: Tree, about: Tree) -> str:
    """Data, recipe and cost."""
    parts = [f"Data: {about['training_data']}.\n"] if "training_data" in about else []
    if not run:
        return "\n".join([*parts, "No record of its run is kept here.\n"])
    rows = "\n".join(f"    {row}" for row in _recipe(run["recipe"]))
    more = "What each setting does: `train/recipe.py`. What was tried and dropped: `docs/training.md`.\n"
    return "\n".join([*parts, _run(run), f"{rows}\n", more])


def _origin(run: Tree) -> str:
    """Whose weights these go on from, where a record of the run says so."""
    if not run:
        return ""
    start = run["recipe"]["start"]
    if not start:
        return "They are trained from scratch; no pre-trained weights and no training pictures are part of them. "
    if not start.startswith("models/"):
        return f"They go on from those of `{start}`; no training pictures are part of them. "
    return (
        f"They go on from those of `{start}`, which were trained from scratch; no pre-trained weights of others and no "
        "training pictures are part of them. "
    )


def _limits(metrics: Tree, about: Tree) -> str:
    """What is limited by the pictures of the data set, and by what was chosen on them."""
    data = next(one for key, one in metrics["sets"].items() if key != "photos")
    text = FER2013 if "fer2013" in f"{data['name']} {data['label']}".lower() else ""
    if "plurality" in metrics["sets"]:
        return text + (CHOSEN_ELSEWHERE if metrics["part"] == "measure" else "")
    folder = data["name"].removesuffix(", validation")
    return text + (CHOSEN_HERE if about.get("training_data", "").startswith(f"{folder} (") else "")


def _run(run: Tree) -> str:
    """One run's size and cost, a table of one row."""
    heads = ["parameters", "multiply-adds, M", "training faces", "epochs", "seconds", "on"]
    cost = run["cost"]
    figures = [f"{run['parameters']:,}", f"{run['macs'] / 1e6:.1f}", f"{run['faces']['train']:,}", str(cost["epochs"])]
    on = f"{cost['device']}; {', '.join(f'{name} {version}' for name, version in run['versions'].items())}"
    rows = [heads, ["---:"] * 5 + ["---"], [*figures, f"{cost['seconds']:,.0f}", on]]
    return "\n".join(line(row) for row in rows) + "\n"


def _recipe(recipe: Tree) -> list[str]:
    """A line for each setting."""
    rows = []
    for key, value in recipe.items():
        if isinstance(value, Mapping):
            rows.append(f"{key}: {', '.join(f'{k} {_plain(v)}' for k, v in value.items())}")
        elif value not in ([], (), ""):
            rows.append(f"{key} {_plain(value)}")
    return rows


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _measured(metrics: Tree) -> str:
    name, model = next(iter(metrics["models"].items()))
    parts = [
        "Measured by `python -m train evaluate` on pictures as the device reads them: its detector's largest face in "
        "photos, one crop. Five classes: these figures cannot be compared with those of seven or eight.\n",
        comparison(metrics),
    ]
    for key in metrics["sets"]:
        found = model["scores"][key]
        parts += [f"### {name} on {described(metrics, key)}\n", by_class(found), confusion(found)]
    if "robustness" in model:
        parts += ["### Photos changed\n", robustness(metrics)]
    parts.append(f"Intervals: {metrics['intervals']}.\n")
    return "\n".join(parts)


def _runtimes(formats: Tree) -> str:
    """The int8 file in every runtime that convert ran it in."""
    ran = formats.get("formats", {}).get("int8", {}).get("runtimes", {})
    if not ran:
        return ""
    heads = [
        "int8 in",
        "accuracy, %",
        "macro recall, %",
        "same as trained, %",
        "ECE",
        "ms a face, one thread",
    ]
    lines = [f"## In each runtime\n\nBy convert, on {formats['measured_on']}; times on {formats['machine']}.\n"]
    lines += [line(heads), line(["---", *["---:"] * (len(heads) - 1)])]
    for name, found in ran.items():
        score = found["score"]
        if score:
            shares = [f"{score[key] * 100:.2f}" for key in ("accuracy", "macro_recall", "same_answer")]
            lines.append(line([name, *shares, f"{score['ece']:.3f}", f"{found['ms'].get('1', 0):.2f}"]))
    return "\n".join(lines) + "\n"


def _failures(metrics: Tree, model: Tree) -> str:
    """The weakest class and the most frequent confusions of each set, in words."""
    lines = ["## Where it fails\n"]
    for key, about in metrics["sets"].items():
        found = model["scores"][key]
        names = list(found["classes"])
        weakest = min(names, key=lambda name, found=found: found["classes"][name]["f1"]["value"])
        shares = [
            (count / sum(counts), names[row], names[column])
            for row, counts in enumerate(found["confusion"])
            for column, count in enumerate(counts)
            if row != column and count
        ]
        worst = "; ".join(f"{label} read as {read} {share:.0%}" for share, label, read in sorted(shares)[:-4:-1])
        score = found["classes"][weakest]
        lines.append(
            f"- {about['name']} ({about['label']}): weakest is {weakest}, precision {interval(score['precision'])} %, "
            f"recall {interval(score['recall'])} %. Most frequent: {worst or 'no mistake'}."
        )
    if "photos" in metrics["sets"]:
        count, missed = model["scores"]["photos"]["pictures"], metrics["sets"]["photos"]["undetected"]
        lines.append(f"- {metrics['sets']['photos']['name']}: no face was found in {missed / count:.1%}.")
    if "robustness" in model:
        changes = model["robustness"]["changes"]
        worst = sorted(changes, key=lambda name: changes[name]["changed"])[:-4:-1]
        shares = "; ".join(f"{name} {changes[name]['changed']:.0%}" for name in worst)
        lines.append(
            f"- Predictions that change when a photo is changed, the worst of {len(changes)} changes: {shares}."
        )
    return "\n".join(lines) + "\n"


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


__all__ = ["model_card"]

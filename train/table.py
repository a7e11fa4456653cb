"""The tables that people read, from the tree that ``evaluate`` measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Tree = Mapping[str, Any]

# What this project wants of the model that it ships: (aim, floor), as the cells below are written.
GOALS = {
    "majority": ("92 / 91.5", "90 / 89.5"),
    "plurality": ("86 / 85", "84.5 / 83"),
    "unseen": ("86 / 80", "82 / 75"),
    "everyone": ("86 / 80", "82 / 75"),
    "against_float": ("0.2 / 99", "0.5 / 98"),
    "ece": ("0.02", "0.04"),
    "cost": ("400 / 0.4 / 30", "800 / 0.8 / 60"),
    "lights": ("98", "95"),
}


def comparison(tree: Tree) -> str:
    """One table: a row a measurement, a column a model."""
    models, sets = tree["models"], tree["sets"]
    heads = ["measured", "aim", "floor", *models]
    lines = [line(heads), line(["---", *["---:"] * (len(heads) - 1)])]

    def row(what: str, goal: str, cell: Callable[[str, Tree], str]) -> None:
        lines.append(line([what, *GOALS.get(goal, ("", "")), *[cell(name, model) for name, model in models.items()]]))

    for key in sets:
        row(f"accuracy / macro recall, %: {described(tree, key)}", key, lambda _, model, key=key: _quality(model, key))
    for key in tree.get("against_float", {}):
        row(
            f"points lost / same answer, %, against float: {sets[key]['name']}",
            "against_float",
            lambda name, _, key=key: _lost(tree, name, key),
        )
    for key in sets:
        if key in ("majority", "plurality", "label"):
            what = f"calibration error (ECE, 15 bins): {sets[key]['name']}, {_short(key)}"
            row(what, "ece", lambda _, model, key=key: f"{model['scores'][key]['ece']:.3f}")
    row("file, kB / parameters, M / multiply-adds of a face, M", "cost", lambda _, model: _cost(model))
    for light in next(iter(models.values()))["lights"]:
        row(
            f"same answer to the same photo {_in(light)}, %",
            "lights",
            lambda _, model, light=light: f"{model['lights'][light]:.2%}"[:-1],
        )
    row("crop margin, share of the face box", "", lambda _, model: f"{model['crop_margin']:g}")
    row("run by", "", lambda _, model: model["through"])
    return "\n".join(lines) + "\n"


def described(tree: Tree, key: str) -> str:
    """A set of pictures in words: its name, label rule and size."""
    about = tree["sets"][key]
    pictures = next(iter(tree["models"].values()))["scores"][key]["pictures"]
    missed = f"; in {about['undetected']} no face was found: read whole" if "undetected" in about else ""
    return f"{about['name']}; right is {about['label']} ({pictures:,} pictures{missed})"


def by_class(score: Tree, heading: str = "emotion") -> str:
    """Precision, recall and F1 of each class with 95 % intervals."""
    lines = [line([heading, "pictures", "precision, %", "recall, %", "F1, %"]), line(["---", *["---:"] * 4])]
    for name, found in score["classes"].items():
        figures = [interval(found[figure]) for figure in ("precision", "recall", "f1")]
        lines.append(line([name, f"{found['pictures']:,}", *figures]))
    figures = ["", f"{interval(score['macro_recall'])} (mean)", ""]
    lines.append(line(["all", f"{score['pictures']:,}", *figures]))
    return "\n".join(lines) + "\n"


def confusion(score: Tree) -> str:
    """Pictures by label (row) and answer (column)."""
    names = list(score["classes"])
    lines = [line(["label \\ answer", *names]), line(["---", *["---:"] * len(names)])]
    lines += [line([name, *[f"{n:,}" for n in counts]]) for name, counts in zip(names, score["confusion"], strict=True)]
    return "\n".join(lines) + "\n"


def report(tree: Tree) -> str:
    """Everything: the comparison, then the first model by class."""
    main, model = next(iter(tree["models"].items()))
    parts = [comparison(tree)]
    for key in tree["sets"]:
        if key != "everyone":
            found = model["scores"][key]
            parts.append(f"{main}, {described(tree, key)}:\n\n{by_class(found)}\n{confusion(found)}")
    parts.append(f"Intervals: {tree['intervals']}.\n")
    return "\n".join(parts)


def interval(estimate: Tree) -> str:
    """``87.1 (85.9-88.2)``, in percent."""
    return f"{estimate['value'] * 100:.1f} ({estimate['low'] * 100:.1f}-{estimate['high'] * 100:.1f})"


def line(cells: Sequence[str]) -> str:
    """One row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def _quality(model: Tree, key: str) -> str:
    found = model["scores"][key]
    return f"{found['accuracy']['value'] * 100:.2f} / {found['macro_recall']['value'] * 100:.2f}"


def _lost(tree: Tree, name: str, key: str) -> str:
    if name != next(iter(tree["models"])):
        return ""
    found = tree["against_float"][key]
    return f"{found['points_lost']:.2f} / {found['same_answer'] * 100:.2f}"


def _cost(model: Tree) -> str:
    if "parameters" not in model:
        return f"{model['kB']:.0f} / ? / ?"
    return f"{model['kB']:.0f} / {model['parameters'] / 1e6:.2f} / {model['macs'] / 1e6:.1f}"


def _short(key: str) -> str:
    return {"majority": "more than 50 % of the votes", "plurality": "plurality", "label": "its label"}[key]


def _in(light: str) -> str:
    return light if light == "half as bright" else f"in {light}" if light == "grey" else f"in {light} light"


__all__ = ["GOALS", "Tree", "by_class", "comparison", "confusion", "described", "interval", "line", "report"]

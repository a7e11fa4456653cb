"""The tables that people read, from what ``evaluate`` measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Tree = Mapping[str, Any]

# What this project wants of the model that it ships, as the cells below are written.
AIMS = {
    "majority": "92.5 / 92.5",
    "plurality": "86.5 / 86.5",
    "original": "- / 80",
    "photos": "89 / 84",
    "against_float": "0.2 / 99",
    "ece": "0.02",
    "changed": "6",
    "re-framing and roll 20": "7",
    "blur 2/48": "15",
    "sunglasses": "12",
    "robust ece": "0.05",
    "cost": "1200 / - / 90",
}


def comparison(tree: Tree) -> str:
    """One table: a row a measurement, a column a model."""
    models, sets = tree["models"], tree["sets"]
    heads = ["measured", "aim", *models]
    lines = [line(heads), line(["---", *["---:"] * (len(heads) - 1)])]

    def row(what: str, aim: str, cell: Callable[[str, Tree], str]) -> None:
        lines.append(line([what, AIMS.get(aim, ""), *[cell(name, model) for name, model in models.items()]]))

    for key in sets:
        row(f"accuracy / macro recall, %: {described(tree, key)}", key, lambda _, model, key=key: _quality(model, key))
    for key in tree.get("against_float", {}):
        row(
            f"points lost / same prediction, %, against float: {sets[key]['name']}",
            "against_float",
            lambda name, _, key=key: _lost(tree, name, key),
        )
    for key in sets:
        if key != "original":
            what = f"calibration error (ECE, 15 bins): {sets[key]['name']}{_short(key)}"
            row(what, "ece", lambda _, model, key=key: f"{model['scores'][key]['ece']:.3f}")
    first = next(iter(models.values()))
    if "robustness" in first:
        count = len(first["robustness"]["changes"])
        row(f"photos whose prediction changes, %: mean of {count} changes", "changed", lambda _, m: _changed(m))
        for group in first["robustness"]["groups"]:
            row(f"likewise: {group}", group, lambda _, m, group=group: _changed(m, group))
        row(
            "ECE, mean of the changes",
            "robust ece",
            lambda _, m: f"{m['robustness']['ece']:.3f}" if "robustness" in m else "",
        )
    row("file, kB / parameters, M / multiply-adds of a face, M", "cost", lambda _, model: _cost(model))
    row("crop margin, share of the face box", "", lambda _, model: f"{model['crop_margin']:g}")
    row("run by", "", lambda _, model: model["runtime"])
    return "\n".join(lines) + "\n"


def robustness(tree: Tree) -> str:
    """Each change: photos whose prediction changes, accuracy, mean confidence and its error, of the first model."""
    changes = next(iter(tree["models"].values()))["robustness"]["changes"]
    lines = [
        line(["change", "predictions changed, %", "accuracy, %", "confidence, %", "ECE"]),
        line(["---", *["---:"] * 4]),
    ]
    for name, found in changes.items():
        shares = [f"{found[key] * 100:.1f}" for key in ("changed", "accuracy", "confidence")]
        lines.append(line([name, *shares, f"{found['ece']:.3f}"]))
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
    """Pictures by label (row) and prediction (column)."""
    names = list(score["classes"])
    lines = [line(["label \\ prediction", *names]), line(["---", *["---:"] * len(names)])]
    lines += [line([name, *[f"{n:,}" for n in counts]]) for name, counts in zip(names, score["confusion"], strict=True)]
    return "\n".join(lines) + "\n"


def report(tree: Tree) -> str:
    """Everything: the comparison, then the first model by class, then its robustness."""
    main, model = next(iter(tree["models"].items()))
    parts = [comparison(tree)]
    for key in tree["sets"]:
        found = model["scores"][key]
        parts.append(f"{main}, {described(tree, key)}:\n\n{by_class(found)}\n{confusion(found)}")
    if "robustness" in model:
        parts.append(f"{main}, photos changed:\n\n{robustness(tree)}")
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
    return f"{found['points_lost']:.2f} / {found['same_prediction'] * 100:.2f}"


def _changed(model: Tree, group: str | None = None) -> str:
    if "robustness" not in model:
        return ""
    found = model["robustness"]
    return f"{(found['groups'][group] if group else found['changed']) * 100:.1f}"


def _cost(model: Tree) -> str:
    if "parameters" not in model:
        return f"{model['kB']:.0f} / ? / ?"
    return f"{model['kB']:.0f} / {model['parameters'] / 1e6:.2f} / {model['macs'] / 1e6:.1f}"


def _short(key: str) -> str:
    return {"majority": ", more than 50 % of the votes", "plurality": ", plurality"}.get(key, "")


__all__ = [
    "AIMS",
    "Tree",
    "by_class",
    "comparison",
    "confusion",
    "described",
    "interval",
    "line",
    "report",
    "robustness",
]

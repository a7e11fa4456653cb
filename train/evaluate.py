"""Measures models side by side on the same pictures: accuracy, calibration, quantization, other light, end to end."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.datasets import SPLITS, Faces, label_rules, load
from common.metrics import rounded, score
from edge import __version__
from train.judges import Judge
from train.views import LIGHTS, Photos, look

SCHEMA = 1
INTERVALS = "95 %; Wilson's for accuracy, precision and recall, 2,000 bootstrap resamples for macro recall and F1"
PHOTO_RULE = "the label that one person gave the photo"


def evaluate(
    judges: Mapping[str, Judge],
    data: Path,
    photos: Path | None = None,
    *,
    split: str = "valid",
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, _: items,
) -> tuple[dict[str, Any], NDArray[np.float32], Faces]:
    """Measure models on a data set and, end to end, on photos.

    Args:
        judges: Name to model. The first is the one in question; a model called ``float`` is what it was made from.
        data: A data set; see ``common.datasets.load``.
        photos: A folder of photos; see ``common.photos.photo_list``.
        split: Which part of ``data``.
        progress: Wraps the iteration over photos, whose number is its second argument.

    Returns:
        Everything measured as plain JSON values, and the first model's probabilities (N, 5) of the data set's faces.

    Raises:
        DataError: The data or the photos cannot be used.
    """
    tree: dict[str, Any] = {"schema": SCHEMA, "intervals": INTERVALS, "versions": _versions(), "sets": {}, "models": {}}
    rules = label_rules(data)
    name = SPLITS[split][1] if "label" not in rules and split in SPLITS else f"{data.resolve().name} ({split})"
    tree["sets"] = {rule: {"name": name, "label": words} for rule, words in rules.items()}
    forms = {key: judge.form for key, judge in judges.items()}
    seen = look(photos, forms.values(), progress) if photos else {}
    if photos:
        undetected = ~next(iter(seen.values())).found[:, 0]
        people = {"unseen": "people never trained on", "everyone": "all people, half of them trained on"}
        for key, who in people.items():
            rows = next(iter(seen.values())).unseen if key == "unseen" else slice(None)
            about = {"name": f"photos, {who}, end to end", "label": PHOTO_RULE}
            tree["sets"][key] = about | {"undetected": int(undetected[rows].sum())}
    first: tuple[NDArray[np.float32], Faces] | None = None
    answers: dict[str, dict[str, NDArray[np.float32]]] = {}
    for key, judge in judges.items():
        faces = load(data, split, size=judge.form.height, channels=3, brighten=judge.form.brighten)
        answers[key] = {"faces": judge.answers(faces.images)}
        first = first or (answers[key]["faces"], faces)
        scores = _face_scores(answers[key]["faces"], faces, rules)
        lights = {}
        if photos:
            told, view = _ask_photos(judge, seen[forms[key]])
            answers[key]["photos"] = told[:, 0]
            scores["unseen"] = score(told[view.unseen, 0], view.labels[view.unseen]).to_dict()
            scores["everyone"] = score(told[:, 0], view.labels).to_dict()
            lights = _same_in_light(told)
        tree["models"][key] = {**judge.about, "scores": scores, "lights": lights}
    if "float" in judges:
        main = next(iter(judges))
        tree["against_float"] = _compare(answers[main], answers["float"], tree["models"], main)
    if first is None:
        raise ValueError("no model to measure")
    return rounded(tree), *first


def _face_scores(told: NDArray[np.float32], faces: Faces, rules: Iterable[str]) -> dict[str, Any]:
    rows = {"majority": faces.majority, "plurality": slice(None), "label": slice(None)}
    return {rule: score(told[rows[rule]], faces.labels[rows[rule]]).to_dict() for rule in rules}


def _ask_photos(judge: Judge, view: Photos) -> tuple[NDArray[np.float32], Photos]:
    """Probabilities (N, lights, 5)."""
    count, lights = view.pictures.shape[:2]
    told = judge.answers(view.pictures.reshape(count * lights, *view.pictures.shape[2:]))
    return told.reshape(count, lights, -1), view


def _same_in_light(told: NDArray[np.float32]) -> dict[str, float]:
    """Share of photos whose answer stays as it is in the photo as taken."""
    answers = told.argmax(axis=2)
    return {light: float((answers[:, i] == answers[:, 0]).mean()) for i, light in enumerate(LIGHTS) if i}


def _compare(
    main: Mapping[str, NDArray[np.float32]], before: Mapping[str, NDArray[np.float32]], models: Any, name: str
) -> dict[str, dict[str, float]]:
    """Points of accuracy lost and share of same answers, by set of pictures."""
    compared = {}
    for part, rule in (("faces", "plurality"), ("faces", "label"), ("photos", "everyone")):
        scores = models[name]["scores"]
        if part in main and rule in scores:
            was = models["float"]["scores"][rule]["accuracy"]["value"]
            same = float((main[part].argmax(axis=1) == before[part].argmax(axis=1)).mean())
            lost = (was - scores[rule]["accuracy"]["value"]) * 100
            compared[rule] = {"points_lost": lost, "same_answer": same}
    return compared


def _versions() -> dict[str, str]:
    return {"emotion-edge": __version__, "python": platform.python_version(), "numpy": np.__version__}


__all__ = ["INTERVALS", "SCHEMA", "evaluate"]

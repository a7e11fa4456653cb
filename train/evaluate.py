"""Measures models side by side on the same pictures: accuracy, calibration, quantization, robustness."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import records
from common.datasets import Faces, label_rules, original_labels
from common.metrics import calibration_error, rounded, score
from edge import __version__
from train.evaluation_set import FoundFace, changed, found_faces, prepared, watched_faces
from train.predictors import Predictor
from train.robustness import GROUPS

SCHEMA = 2
INTERVALS = "95 %; Wilson's for accuracy, precision and recall, 2,000 bootstrap resamples for macro recall and F1"
PARTS_IN_WORDS = {
    "choose": "first half, chosen on",
    "measure": "second half, only measured",
    "all": "both halves, one of them chosen on",
}
PEOPLE_IN_WORDS = {
    "choose": "people never trained on, chosen on",
    "measure": "people never trained on, only measured",
    "all": "people never trained on, a third of them chosen on",
}
Tree = dict[str, Any]


def evaluate(
    models: Mapping[str, Predictor],
    data: Path,
    photos: Path | None = None,
    *,
    part: str = "measure",
    robustness: bool = False,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda items, _: items,
) -> tuple[Tree, NDArray[np.float32], Faces]:
    """Measure models on a data set and, end to end, on photos.

    Args:
        models: Name to model. The first is the one in question; one called ``float`` is what it was made from.
        data: A data set; see ``common.datasets.load``.
        photos: A folder of photos; see ``common.photos.photo_list``.
        part: ``measure``, ``choose`` or ``all``; see ``train.evaluation_set``.
        robustness: Also measure how the first model's predictions of photos change with framing, blur, light...
        progress: Wraps the iteration over photos, whose number is its second argument.

    Returns:
        Everything measured as plain JSON values, and the first model's probabilities (N, 5) of the data set's faces.

    Raises:
        DataError: The data or the photos cannot be used.
    """
    begun = records.measured(*records.PICTURES, "train/evaluate.py", "train/robustness.py", "common")
    rules = label_rules(data)
    name = f"FER2013Valid, {PARTS_IN_WORDS[part]}" if "plurality" in rules else f"{data.resolve().name}, validation"
    sets = {key: {"name": name, "label": words} for key, words in rules.items()}
    found = found_faces(photos, part, progress) if photos else []
    if photos:
        undetected = sum(face.detection is None for face in found)
        about = {"name": f"photos, {PEOPLE_IN_WORDS[part]}, end to end", "label": "the label that one person gave"}
        sets["photos"] = about | {"undetected": undetected}
    tree: Tree = {
        "schema": SCHEMA,
        "measured": begun,
        "part": part,
        "intervals": INTERVALS,
        "versions": _versions(),
        "sets": sets,
    }
    tree["models"] = {}
    kept: dict[str, dict[str, NDArray[np.float32]]] = {}
    first: tuple[NDArray[np.float32], Faces] | None = None
    for name, model in models.items():
        faces = watched_faces(data, part, model.spec)
        probabilities = model.predict(faces.images)
        first = first or (probabilities, faces)
        kept[name] = {"plurality": probabilities, "label": probabilities}
        scores = _face_scores(probabilities, faces, data, sets)
        measured: Tree = {**model.about, "scores": scores}
        if photos:
            labels = np.array([face.label for face in found], np.int64)
            kept[name]["photos"] = model.predict(prepared(found, model.spec))
            scores["photos"] = score(kept[name]["photos"], labels).to_dict()
            if robustness and first[0] is probabilities:  # the others are only compared as they are
                measured["robustness"] = _robustness(model, found, labels)
        tree["models"][name] = measured
    if "float" in models:
        main = next(iter(models))
        tree["against_float"] = _against_float(kept[main], kept["float"], tree["models"], main)
    if first is None:
        raise ValueError("no model to measure")
    return rounded(tree), *first


def _face_scores(
    probabilities: NDArray[np.float32], faces: Faces, data: Path, sets: Mapping[str, Tree]
) -> dict[str, Any]:
    scores = {}
    for rule in sets:
        if rule == "original":
            labels = original_labels(data, faces.names)
            scores[rule] = score(probabilities[labels >= 0], labels[labels >= 0]).to_dict()
        elif rule != "photos":
            rows = faces.majority if rule == "majority" else slice(None)
            scores[rule] = score(probabilities[rows], faces.labels[rows]).to_dict()
    return scores


def _robustness(model: Predictor, found: Iterable[FoundFace], labels: NDArray[np.int64]) -> Tree:
    """By change: the share of predictions that are not those of the photo as it is, confidence and its error."""
    found = list(found)
    before = model.predict(prepared(found, model.spec)).argmax(axis=1)
    changes = {}
    for name, pictures in changed(found, model.spec).items():
        probabilities = model.predict(pictures)
        changes[name] = {
            "changed": float((probabilities.argmax(axis=1) != before).mean()),
            "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
            "confidence": float(probabilities.max(axis=1).mean()),
            "ece": calibration_error(probabilities, labels),
        }

    def mean(key: str, names: Iterable[str] = changes) -> float:
        return float(np.mean([changes[name][key] for name in names]))

    groups = {group: mean("changed", names) for group, names in GROUPS.items()}
    return {"changed": mean("changed"), "ece": mean("ece"), "groups": groups, "changes": changes}


def _against_float(
    main: Mapping[str, NDArray[np.float32]], trained: Mapping[str, NDArray[np.float32]], models: Tree, name: str
) -> dict[str, dict[str, float]]:
    """Points of accuracy lost and share of equal predictions, by set of pictures."""
    compared = {}
    for rule in ("plurality", "label", "photos"):
        scores = models[name]["scores"]
        if rule in main and rule in scores:
            was = models["float"]["scores"][rule]["accuracy"]["value"]
            same = float((main[rule].argmax(axis=1) == trained[rule].argmax(axis=1)).mean())
            compared[rule] = {
                "points_lost": (was - scores[rule]["accuracy"]["value"]) * 100,
                "same_prediction": same,
            }
    return compared


def _versions() -> dict[str, str]:
    return {"emotion-edge": __version__, "python": platform.python_version(), "numpy": np.__version__}


__all__ = ["INTERVALS", "SCHEMA", "evaluate"]

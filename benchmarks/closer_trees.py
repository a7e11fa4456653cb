"""Fits the trees by which close-ups count as a face; writes edge/detectors/closer.json and results/closer_trees.json.

    python -m benchmarks.closer_trees --data DIR

They learn from hits in scenes like those that constants are chosen by, which are not measured: other persons (but for
the bundled picture's, one of 450), and pictures without a person upside down, those that the network of
``benchmarks/closer_network.py`` has not learned from. How likely a face must be is the least at which one of 120 empty
pictures shows a false one. Prints how many faces and false faces count where neither person nor background was learned
from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

from benchmarks.closer_network import LEARNED
from benchmarks.face_scenes import CHOOSING, CONDITIONS, Picture, backgrounds, generated, heads, part, place
from common.records import ROOT, digest, measured
from edge.detectors.close_ups import features, first_close_ups, likeness, log_odds
from edge.detectors.closer import RESEMBLING
from edge.detectors.pictures import FAINT, MIDDLE_PX, NEAR_PX, QUICK_PX, SHARED_PX, WHOLE_PX, smoothed, stretched
from edge.detectors.view import View, scaled, shrunk, strongest, tiles
from edge.detectors.yunet import YuNetDetector

OUTPUT = ROOT / "edge/detectors/closer.json"
LEVEL = tuple(condition for condition in CONDITIONS if condition not in ("30 degrees", "45 degrees"))
EMPTY = "no face"
PART = 30  # scenes that a process makes and searches at a time
SAME_FACE = 0.3
RECORD = Path(__file__).parent / "results" / "closer_trees.json"
TREES, SHARE, FOLDS = 300, 0.7, 5
BEHIND = tuple(number for number in range(22) if number not in LEARNED)  # backgrounds
PEOPLE = 50 * len(BEHIND)  # so that each person has the same picture behind
CHANCES = (0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975)  # that a hit is a face: the first with few enough false ones
EMPTY_PER_FALSE = 120
KINDS = (("found", True), ("false", False))
Row = tuple[str, int, bool, list[float]]  # condition, scene, whether it is the face, features


def rows(condition: str, data: Path, first: int) -> list[Row]:
    """The features of every hit that they are measured of in a part of the scenes of one condition."""
    detector, found = YuNetDetector(), []
    random = np.random.default_rng((7, [*LEVEL, EMPTY].index(condition), first))
    known, people = backgrounds(CHOOSING), heads(data, CHOOSING, PEOPLE)
    for number in range(first, first + PART):
        behind = known[BEHIND[number % len(BEHIND)]]
        picture, box = generated(random) if number // len(BEHIND) % 3 == 2 else part(behind, random), None
        if condition != EMPTY:
            picture, box = place(picture, *people[number % len(people)], condition, random)
        for image, views in _searches(picture, enlarged=condition.endswith("px") or condition == EMPTY):
            hits = [view.restore(hit) for view in views for hit in detector.hits(view.image)]
            for hit in strongest(hits):
                alike = likeness(detector, image, hit.box) if (hit.score or 0.0) >= FAINT else [RESEMBLING - 1]
                if max(alike) >= RESEMBLING:
                    is_face = box is not None and hit.box.iou(box) > SAME_FACE
                    seen = features(detector, image, hit, first_close_ups(detector, image, hit), alike)
                    found.append((condition, number, is_face, seen))
    return found


def _searches(picture: Picture, *, enlarged: bool) -> Iterator[tuple[Picture, list[View]]]:
    yield picture, [shrunk(picture, size) for size in (WHOLE_PX, QUICK_PX, MIDDLE_PX, NEAR_PX)]
    for changed in (smoothed(picture), stretched(picture)):
        yield changed, [shrunk(changed, MIDDLE_PX)]
    if enlarged:
        yield picture, list(tiles(scaled(picture, 2 * WHOLE_PX), WHOLE_PX, SHARED_PX))


def fitted(x: np.ndarray, y: np.ndarray) -> Any:
    """Boosted trees of depth two."""
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(max_depth=2, n_estimators=TREES, subsample=SHARE, random_state=0).fit(x, y)


def written(model: Any, likely: float = 0.0) -> dict[str, Any]:
    """What ``BoostedTrees`` reads."""
    start = float(model.init_.class_prior_[1])
    return {
        "likely": round(likely, 6),
        "start": round(float(np.log(start / (1 - start))), 6),
        "trees": [_tree(one.tree_, model.learning_rate) for (one,) in model.estimators_],
    }


def _tree(tree: Any, rate: float) -> list[float]:
    def branch(node: int) -> tuple[list[float], list[float]]:
        if tree.children_left[node] < 0:  # a leaf: the same for any value
            return [0, 0.0], [round(rate * float(tree.value[node][0, 0]), 6)] * 2
        ends = [round(rate * float(tree.value[end][0, 0]), 6) for end in _children(tree, node)]
        return [int(tree.feature[node]), round(float(tree.threshold[node]), 6)], ends

    (left, right) = (branch(node) for node in (_children(tree, 0) if tree.node_count > 1 else (0, 0)))
    return [max(int(tree.feature[0]), 0), round(float(tree.threshold[0]), 6), *left[0], *right[0], *left[1], *right[1]]


def _children(tree: Any, node: int) -> tuple[int, int]:
    return int(tree.children_left[node]), int(tree.children_right[node])


def crossed(x: np.ndarray, y: np.ndarray, groups: np.ndarray, pool: ProcessPoolExecutor) -> np.ndarray:
    """The log odds of each row by trees that learned from other groups."""
    folds = [groups % FOLDS == fold for fold in range(FOLDS)]
    models = pool.map(fitted, [x[~own] for own in folds], [y[~own] for own in folds])
    odds = np.zeros(len(y))
    for own, model in zip(folds, models, strict=True):
        odds[own] = model.decision_function(x[own])
    return odds


@click.command(help=__doc__, context_settings={"show_default": True})
@click.option("--data", type=click.Path(path_type=Path, exists=True), envvar="EMOTION_DATA", required=True)
@click.option(
    "--scenes", "count", type=click.IntRange(PART), default=600, help="A condition; three times as many empty."
)
@click.option("--jobs", default=2)
@click.option(
    "--output", type=click.Path(path_type=Path), default=OUTPUT, help="A trial goes elsewhere, without a record."
)
def main(data: Path, count: int, jobs: int, output: Path) -> None:
    """Gather hits, fit, write the file, and print how well it tells faces from others."""
    cv2.setNumThreads(1)  # a process that forks must have no threads of OpenCV
    own = ("benchmarks/closer_trees.py", "benchmarks/closer_network.py", "benchmarks/face_scenes.py")
    about = measured("edge/detectors", "edge/opencv.py", *own)
    heads(data, CHOOSING, PEOPLE)
    with ProcessPoolExecutor(jobs, get_context("fork")) as pool:
        parts = [(EMPTY, first) for first in range(0, 3 * count, PART)]
        parts += [(one, first) for one in LEVEL for first in range(0, count, PART)]
        work = [pool.submit(rows, condition, data, first) for condition, first in parts]
        known = [row for one in work for row in one.result()]
        x, y = np.array([row[3] for row in known]), np.array([row[2] for row in known])
        odds = crossed(x, y, np.array([number % len(BEHIND) for _, number, *_ in known]), pool)
    click.echo(f"{len(y)} hits, {int(y.sum())} of them faces")
    found: dict[str, dict[str, dict[str, int]]] = {}
    for chance in CHANCES:
        counted = {row[:3] for row, one in zip(known, odds, strict=True) if one >= log_odds(chance)}
        found[str(chance)] = {
            name: {
                "scenes": count * (3 if name == EMPTY else 1),
                **{word: sum(one[0] == name and one[2] is kind for one in counted) for word, kind in KINDS},
            }
            for name in (*LEVEL, EMPTY)
        }
    few = (one for one in CHANCES if found[str(one)][EMPTY]["false"] * EMPTY_PER_FALSE <= 3 * count)
    if (chance := next(few, None)) is None:
        raise click.ClickException(f"at each of {CHANCES} there are too many false faces; try more --scenes")
    click.echo(f"a face must be as likely as {chance}:")
    for name, counts in found[str(chance)].items():
        click.echo(f"{name}: {counts}")
    output.write_text(json.dumps(written(fitted(x, y), log_odds(chance))) + "\n")
    if output == OUTPUT:
        about["files"]["edge/detectors"] = digest(ROOT / "edge/detectors")  # with the trees
        record = {"measured": about, "hits": len(y), "faces": int(y.sum()), "chance": chance, "found": found}
        RECORD.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Pictures worth looking at: learning curves, confusion, classes, reliability, and the most confident mistakes.

The sheet of mistakes shows faces of the data set, whose licence may forbid passing it on; keep it in the run's folder.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from common.datasets import Faces
from common.metrics import Score, reliability, score
from edge.labels import EMOTIONS

BLUE, ORANGE, GREY = "#2a6f97", "#e07a3f", "#8d99a6"
MISTAKES = (5, 8)  # rows and columns of the sheet


def draw_predictions(probabilities: NDArray[np.float32], faces: Faces, folder: Path) -> None:
    """Write ``confusion.png``, ``classes.png``, ``reliability.png`` and ``mistakes.png``.

    Args:
        probabilities: (N, 5) of ``faces``.
        faces: The evaluation set.
        folder: Made if it is not there.
    """
    found = score(probabilities, faces.labels)
    _save(folder / "confusion.png", (5.4, 4.6), lambda axes: _confusion(axes, found))
    _save(folder / "classes.png", (6.4, 3.8), lambda axes: _classes(axes, found))
    _save(folder / "reliability.png", (4.8, 4.6), lambda axes: _reliability(axes, probabilities, faces.labels))
    _mistakes(probabilities, faces, folder / "mistakes.png")


def draw_curves(log: Path, folder: Path) -> None:
    """Write ``curves.png`` from a run's ``log.csv``: loss and accuracy an epoch, training and watched pictures.

    Args:
        log: Columns epoch, loss, accuracy, val_loss and val_accuracy.
        folder: Made if it is not there.
    """
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        return
    figure = Figure((9, 3.6), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    _curves(loss, rows, "loss")
    _curves(accuracy, rows, "accuracy")
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "curves.png", dpi=150)


def _curves(axes: Axes, rows: list[dict[str, str]], name: str) -> None:
    epochs = [int(row["epoch"]) + 1 for row in rows]
    trained, watched = ([float(row[key]) for row in rows] for key in (name, f"val_{name}"))
    style = {"marker": "o", "markersize": 2}
    lines = axes.plot(epochs, watched, color=BLUE, label="watched", **style)
    lines += axes.plot(epochs, trained, color=ORANGE, label="training, changed at random", **style)
    best = int(np.argmin(watched) if name == "loss" else np.argmax(watched))
    axes.axvline(epochs[best], color=GREY, linewidth=0.8, linestyle=":")
    axes.set_title(f"{name}: best watched {watched[best]:.3f} in epoch {epochs[best]}", fontsize=10)
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    _plain(axes)
    axes.legend(handles=lines, frameon=False, fontsize=8)


def _confusion(axes: Axes, found: Score) -> None:
    table = np.array(found.confusion)
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(table.shape):
        colour = "white" if share[row, column] > 0.55 else "black"
        text = f"{share[row, column]:.0%}\n{table[row, column]:,}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set_xlabel("prediction")
    axes.set_ylabel("label")
    axes.set_title(f"{found.pictures:,} pictures, {found.accuracy.value:.1%} right", fontsize=10)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _classes(axes: Axes, found: Score) -> None:
    for shift, figure, colour in ((-0.27, "precision", GREY), (0.0, "recall", BLUE), (0.27, "f1", ORANGE)):
        marks = [getattr(found.classes[name], figure) for name in EMOTIONS]
        values = np.array([mark.value for mark in marks])
        errors = np.array([[m.value - m.low for m in marks], [m.high - m.value for m in marks]]).clip(0)
        places = np.arange(len(EMOTIONS)) + shift
        axes.bar(places, values, 0.25, color=colour, label="F1" if figure == "f1" else figure)
        axes.errorbar(places, values, errors, fmt="none", ecolor="#222222", elinewidth=0.9, capsize=2)
    axes.set_xticks(range(len(EMOTIONS)), [f"{name}\n{found.classes[name].pictures:,}" for name in EMOTIONS])
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_title("By class, with 95 % intervals and the number of pictures", fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.14))
    _plain(axes)


def _reliability(axes: Axes, probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
    edges, confidence, right, count = reliability(probabilities, labels)
    error = float(np.sum(count * np.abs(confidence - right)) / count.sum())
    filled = count > 0
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="where confidence is kept")
    width = 1 / len(edges)
    axes.bar(edges[filled] + width / 2, right[filled], width * 0.92, color=BLUE, alpha=0.85, label="predicted right")
    axes.scatter(confidence[filled], right[filled], color=ORANGE, s=14, zorder=3, label="at its mean confidence")
    for edge, height, number in zip(edges[filled], right[filled], count[filled], strict=True):
        axes.text(edge + width / 2, height + 0.015, f"{number:,}", ha="center", fontsize=6, color="#444444")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("confidence")
    axes.set_ylabel("share predicted right")
    axes.set_title(f"Reliability: calibration error {error:.3f}; numbers are pictures", fontsize=10, loc="left")
    axes.legend(frameon=False, fontsize=7, ncols=3, loc="upper center", bbox_to_anchor=(0.45, -0.14), columnspacing=1)
    _plain(axes)


def _mistakes(probabilities: NDArray[np.float32], faces: Faces, path: Path) -> None:
    """A sheet of the wrong predictions with most confidence, the worst first."""
    predictions = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predictions != faces.labels)
    worst = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]
    rows, columns = MISTAKES
    figure = Figure((columns * 1.25, rows * 1.75), layout="constrained")
    figure.suptitle(
        f"Most confident of {len(wrong):,} mistakes: prediction and confidence, then the label", fontsize=11
    )
    for axes, index in zip(figure.subplots(rows, columns).flat, [*worst, *[None] * (rows * columns)], strict=False):
        if index is None:
            axes.axis("off")
            continue
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        picture = faces.images[index]
        axes.imshow(picture if picture.shape[2] == 3 else picture[..., 0], cmap="gray", vmin=0, vmax=255)
        predicted, label = EMOTIONS[predictions[index]], EMOTIONS[faces.labels[index]]
        axes.set_title(f"{predicted} {probabilities[index].max():.0%}\nis {label}", fontsize=8)
        axes.set_xlabel(faces.names[index][-24:], fontsize=5, labelpad=2, color="#666666")
    figure.savefig(path, dpi=120)


def _save(path: Path, size: tuple[float, float], draw: Callable[[Axes], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = Figure(size, layout="constrained")
    draw(figure.subplots())
    figure.savefig(path, dpi=150)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


__all__ = ["draw_curves", "draw_predictions"]

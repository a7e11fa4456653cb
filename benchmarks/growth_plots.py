"""The plots of `benchmarks.growth`: one small PNG a part."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

BLUE, ORANGE, GREEN = "#3267a8", "#c8641e", "#3f8f56"
Points = list[dict[str, Any]]


def draw(record: dict[str, Any], results: Path, folder: Path) -> None:
    """Draw every part that was measured, and the hours of the soak records in ``results``, into ``folder``."""
    for part, plot in {"faces": faces, "sizes": sizes, "pictures": pictures, "viewers": viewers}.items():
        if part in record:
            left, right, finish = canvas()
            plot(left, right, record[part]["points"])
            finish(folder / f"growth-{part}.png")
    left, right, finish = canvas()
    hours(left, right, *(json.loads((results / f"soak_{name}.json").read_text()) for name in ("stream", "kiosk")))
    finish(folder / "growth-hours.png")


def canvas() -> tuple[Axes, Axes, Any]:
    """Two plots beside each other, and what labels and saves them."""
    figure = Figure(figsize=(9, 3.2), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)

    def finish(path: Path) -> None:
        for axes in (left, right):
            if axes.get_yscale() == "linear":
                axes.set_ylim(0, 1.15 * axes.get_ylim()[1])
            axes.grid(color="#dddddd", linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(frameon=False, fontsize=9)
        file = io.BytesIO()
        figure.savefig(file, format="png")
        # A palette keeps the file small.
        Image.open(file).convert("RGB").quantize(64).save(path, optimize=True)

    return left, right, finish


def line(axes: Axes, points: Points, names: tuple[str, str], label: str, colour: str) -> None:
    """One curve with a mark at each point that was measured."""
    across, down = ([one[name] for one in points] for name in names)
    axes.plot(across, down, "o-", ms=4, label=label, color=colour)


def faces(left: Axes, right: Axes, points: Points) -> None:
    """Time and memory against faces."""
    line(left, points, ("faces", "picture_ms"), "picture: decode, find, read", BLUE)
    line(left, points, ("faces", "classify_ms"), "of it: read the faces", GREEN)
    line(left, points, ("faces", "frame_ms"), "a stream's frame", ORANGE)
    line(right, points, ("faces", "predict_peak_mb"), "predict", BLUE)
    line(right, points, ("faces", "stream_peak_mb"), "stream", ORANGE)
    for axes, unit in ((left, "processor time, ms"), (right, "peak memory, MB")):
        axes.set(xlabel="faces in 1280x720", ylabel=unit, xticks=range(0, 21, 4))
    left.set(yscale="log")  # a picture without a face is searched at every scale


def sizes(left: Axes, right: Axes, points: Points) -> None:
    """Time and memory against the frame's pixels."""
    points = [{**one, "megapixels": one["width"] * one["height"] / 1e6} for one in points]
    line(left, points, ("megapixels", "picture_ms"), "picture: decode, find, read", BLUE)
    line(left, points, ("megapixels", "decode_ms"), "of it: decode", GREEN)
    line(left, points, ("megapixels", "frame_ms"), "a stream's frame", ORANGE)
    line(right, points, ("megapixels", "predict_peak_mb"), "predict", BLUE)
    line(right, points, ("megapixels", "stream_peak_mb"), "stream", ORANGE)
    for axes, unit in ((left, "processor time, ms"), (right, "peak memory, MB")):
        axes.set(xlabel="megapixels, VGA to 4K", ylabel=unit)


def pictures(left: Axes, right: Axes, points: Points) -> None:
    """Time of each picture and memory against pictures."""
    points = [{**one, "each": 1e3 * one["cpu_seconds"] / one["pictures"]} for one in points]
    line(left, points, ("pictures", "each"), "start included", BLUE)
    line(right, points, ("pictures", "peak_rss_mb"), "predict", BLUE)
    left.set(xlabel="pictures", ylabel="processor time, ms a picture", xscale="log", yscale="log")
    right.set(xlabel="pictures", ylabel="peak memory, MB", xscale="log")


def viewers(left: Axes, right: Axes, points: Points) -> None:
    """The loop's frames, the kiosk's processor share and its memory against viewers."""
    line(left, points, ("viewers", "frames_per_second"), "frames read a second", BLUE)
    line(left, points, ("viewers", "processor_percent"), "processor, % of a core", ORANGE)
    line(right, points, ("viewers", "rss_mb"), "memory, MB", BLUE)
    line(right, points, ("viewers", "let_in"), "viewers let in", GREEN)
    for axes in (left, right):
        axes.set(xlabel="viewers of picture and events")


def hours(left: Axes, right: Axes, stream: dict[str, Any], kiosk: dict[str, Any]) -> None:
    """Memory minute by minute."""
    for axes, found, name, colour in ((left, stream["hour"], "stream", ORANGE), (right, kiosk, "kiosk", BLUE)):
        values = [kb / 1024 for kb in found["rss_kb_by_minute"]]
        axes.plot([minute / 60 for minute in range(len(values))], values, color=colour, label=name)
        axes.set(xlabel="hours", ylabel="memory, MB")


__all__ = ["draw"]

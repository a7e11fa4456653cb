"""How soon and how steadily the shown emotion follows a face: cross-faded expressions, and still faces.

    python -m benchmarks.expressions            # measure and write the record
    python -m benchmarks.expressions --print    # the last record beside what is promised

Writes results/expressions.json. Faces are photos that the network reads rightly and not in doubt (0.5 or more), in the
same framing, with a camera's noise, light that flickers and boxes that tremble. The smoothing's constants were chosen
with ``--split choose``; other persons' photos are measured. A change counts from the middle of its cross-fade.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.memory import now
from benchmarks.stream import rounded
from common import records
from common.photos import photo_list
from edge.classifier import Classifier
from edge.detectors import make_detector
from edge.detectors.pictures import find_faces
from edge.images import load_image
from edge.reader import FaceReader
from edge.sources.base import Frame
from edge.stream.engine import Engine
from edge.stream.smoothing import Smoother
from edge.types import Box, Detection

RESULT = Path(__file__).parent / "results" / "expressions.json"
FACE_PX, CANVAS = 100, (150, 150)
FADE_S, STAYS_S = 0.3, (2.0, 4.0)
NOISE, FLICKER = 4.0, 0.02
TREMBLE_PX, STEADY = 0.6, 0.9  # as tracked boxes of still faces of 100 pixels do
FACES, SURE = 8, 0.5  # of each emotion; so probable is it at least, or the picture itself is in doubt
RATES = {"25 frames/s": 25.0, "7 frames/s": 7.0}
STREAM = "whole stream, 25 frames/s"
UNSURE = -1

Picture = NDArray[np.uint8]
# Name of a figure, "at most" or "at least", and what is promised.
GOALS = {
    "delay_median_s": ("right headline after a change, median, s", "at most", 0.4),
    "delay_95_s": ("right headline after a change, 95 %, s", "at most", 0.8),
    "headline_is_longest": ("frames whose headline is the longest bar", "at least", 0.97),
    "not_sure": ("frames not sure", "at most", 0.03),
    "uncaused_a_minute": ("uncaused changes a minute on a still face", "at most", 1.0),
}


@dataclass(frozen=True)
class Moment:
    """One frame's truth: the label that the face shows, and when it began to (the middle of the cross-fade)."""

    time_s: float
    label: int
    since_s: float


@dataclass(frozen=True)
class Shown:
    """What a page would say of one frame: the headline's label or UNSURE, the held label, and the longest bar's."""

    headline: int
    held: int
    longest: int


def right_faces(data: Path, split: str, reader: FaceReader) -> list[list[Picture]]:
    """For each label photos that are read rightly and surely, also in the room: the face in the middle of CANVAS."""
    detector, labels = make_detector("yunet"), reader.classifier.labels
    faces: list[list[Picture]] = [[] for _ in labels]
    photos = photo_list(data / "photos", split)
    for index in np.random.default_rng(7).permutation(len(photos)):
        path, label = photos[index]
        own = faces[label]
        if len(own) == FACES:
            continue
        rgb = load_image(path)
        found = find_faces(detector, rgb)
        if len(found) != 1:
            continue
        framed = frame_face(rgb, found[0].box, CANVAS)
        room = _room(framed)
        rows = [*reader.probabilities(framed, [Detection(middle(CANVAS))])]
        rows += [*reader.probabilities(room, find_faces(detector, room)[:1] or None)]
        if all(row.argmax() == label and row.max() >= SURE for row in rows):
            own.append(framed)
    return faces


def middle(canvas: tuple[int, int]) -> Box:
    """Where the faces are."""
    return Box((canvas[0] - FACE_PX) // 2, (canvas[1] - FACE_PX) // 2, FACE_PX, FACE_PX)


def frame_face(rgb: Picture, face: Box, canvas: tuple[int, int]) -> Picture:
    """The picture moved and scaled so that its face is in the middle: uint8 (H, W, 3) RGB."""
    (x, y), scale = face.center, FACE_PX / max(face.w, face.h)
    matrix = np.array([[scale, 0, canvas[0] / 2 - scale * x], [0, scale, canvas[1] / 2 - scale * y]])
    return np.asarray(cv2.warpAffine(rgb, matrix, canvas, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def cast(faces: Sequence[Sequence[Picture]], changes: int, seed: int) -> list[tuple[float, int, Picture]]:
    """(begin in seconds, label, face) of each expression of a video; neighbours differ in their label."""
    random = np.random.default_rng(seed)
    acts, time_s, label = [], 0.0, UNSURE
    for _ in range(changes + 1):
        label = int(random.choice([other for other in range(len(faces)) if other != label]))
        acts.append((time_s, label, faces[label][int(random.integers(len(faces[label])))]))
        time_s += random.uniform(*STAYS_S)
    return acts


def film(acts: Sequence[tuple[float, int, Picture]], seconds: float, fps: float) -> Iterator[tuple[Moment, Picture]]:
    """The frames of a video with their truth: each act fades into the next around the time at which that begins."""
    random, act = np.random.default_rng(11), 0
    height, width = acts[0][2].shape[:2]
    grain = random.normal(0, NOISE, (height + 64, width + 64, 3)).astype(np.float32)
    for index in range(round(seconds * fps)):
        time_s = index / fps
        while act + 1 < len(acts) and acts[act + 1][0] <= time_s:
            act += 1
        shown = acts[act][2].astype(np.float32)
        for other, edge_s in ((act + 1, acts[act + 1][0] if act + 1 < len(acts) else np.inf), (act - 1, acts[act][0])):
            away = abs(time_s - edge_s) / FADE_S
            if other >= 0 and away < 0.5:
                shown = shown * (0.5 + away) + acts[other][2] * (0.5 - away)
        top, left = random.integers(0, 65, 2)  # another part of one sheet of noise is quicker than fresh noise
        shown = shown * np.float32(random.normal(1, FLICKER)) + grain[top : top + height, left : left + width]
        yield Moment(time_s, acts[act][1], acts[act][0]), shown.clip(0, 255).astype(np.uint8)


def read(reader: FaceReader, frames: Iterator[tuple[Moment, Picture]]) -> tuple[list[Moment], NDArray[np.float32]]:
    """Each frame's truth and the network's probabilities, (frames, labels), from a box that trembles."""
    random, off = np.random.default_rng(13), np.zeros(3)
    moments, probabilities = [], []
    for moment, rgb in frames:
        off = STEADY * off + math.sqrt(1 - STEADY**2) * random.normal(0, TREMBLE_PX, 3)
        box, (x, y, grow) = middle((rgb.shape[1], rgb.shape[0])), off.round().astype(int).tolist()
        around = Box(box.x + x, box.y + y, box.w + grow, box.h + grow)
        moments.append(moment)
        probabilities.append(reader.probabilities(rgb, [Detection(around)])[0])
    return moments, np.array(probabilities)


def smooth(reader: FaceReader, moments: Sequence[Moment], probabilities: NDArray[np.float32]) -> list[Shown]:
    """What is shown of a sequence of probabilities, by the smoothing of the stream."""
    smoother, labels, shown = Smoother(), reader.classifier.labels, []
    for moment, row in zip(moments, probabilities, strict=True):
        smoother.update(row, moment.time_s)
        face = reader.face(Detection(middle(CANVAS)), CANVAS, smoother.probabilities, emotion=smoother.shown)
        held = labels.index(face.emotion)
        shown.append(Shown(held if face.confident else UNSURE, held, int(smoother.probabilities.argmax())))
    return shown


def stream(reader: FaceReader, frames: Iterator[tuple[Moment, Picture]]) -> tuple[list[Moment], list[Shown]]:
    """The same through search, tracks and smoothing of a stream; frames without a face are left out."""
    engine, labels = Engine("yunet", reader.classifier, live=False), reader.classifier.labels
    moments, shown = [], []
    for index, (moment, rgb) in enumerate(frames):
        faces = engine.process(Frame(rgb, moment.time_s, index=index)).faces
        if faces:
            face, held = faces[0], labels.index(faces[0].emotion)
            chances = [face.probabilities[label] for label in labels]
            moments.append(moment)
            shown.append(Shown(held if face.confident else UNSURE, held, int(np.argmax(chances))))
    return moments, shown


def figures_of(moments: Sequence[Moment], shown: Sequence[Shown]) -> dict[str, float]:
    """The figures of one video; an expression that never gets its headline counts as long as it stays."""
    delays: dict[float, float] = {}
    for moment, one in zip(moments, shown, strict=True):
        if moment.since_s == 0:
            continue
        if moment.since_s not in delays or delays[moment.since_s] < 0:
            late_s = moment.time_s - moment.since_s
            delays[moment.since_s] = late_s if one.headline == moment.label else -late_s - 1e-6
    waits = np.abs(list(delays.values()))
    return {
        "changes": len(waits),
        "delay_median_s": float(np.median(waits)),
        "delay_95_s": float(np.percentile(waits, 95)),
        "headline_is_longest": float(np.mean([one.held == one.longest for one in shown])),
        "not_sure": float(np.mean([one.headline == UNSURE for one in shown])),
    }


def restless(reader: FaceReader, faces: Sequence[Sequence[Picture]], seconds: float, fps: float) -> float:
    """Changes of the headline a minute on faces that show one expression all the time."""
    changes = minutes = 0.0
    for label, own in enumerate(faces):
        for face in own:
            shown = smooth(reader, *read(reader, film([(0.0, label, face)], seconds, fps)))
            changes += sum(one.headline != other.headline for one, other in pairwise(shown))
            minutes += seconds / 60
    return changes / minutes


def measure(data: Path, split: str, changes: int, still_s: float) -> dict[str, Any]:
    """All figures, by frame rate, and those of one video through the whole stream."""
    reader = FaceReader(Classifier())
    faces = right_faces(data, split, reader)
    acts = cast(faces, changes, seed=1)
    seconds = acts[-1][0] + STAYS_S[0]
    record: dict[str, Any] = {
        "date": now(),
        "model": reader.classifier.metadata.settings.get("model_version"),
        "faces": dict(zip(reader.classifier.labels, map(len, faces), strict=True)),
    }
    for name, fps in RATES.items():
        moments, probabilities = read(reader, film(acts, seconds, fps))
        found = figures_of(moments, smooth(reader, moments, probabilities))
        record[name] = rounded(found | {"uncaused_a_minute": restless(reader, faces, still_s, fps)})
    acts = [(time_s, label, _room(face)) for time_s, label, face in acts]
    record[STREAM] = rounded(figures_of(*stream(reader, film(acts, acts[-1][0] + STAYS_S[0], RATES["25 frames/s"]))))
    return record


def _room(face: Picture) -> Picture:
    """The face in a camera's picture, before a wall that is always the same: 640x480."""
    wall = np.full((480, 640, 3), 120, np.float32)
    mask = np.zeros((*face.shape[:2], 1), np.float32)
    height, width = face.shape[:2]
    cv2.ellipse(mask, (width // 2, height // 2), (width * 2 // 5, height * 9 // 20), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 6)[:, :, None]
    part = wall[160 : 160 + height, 240 : 240 + width]
    part += mask * (face - part)
    return wall.astype(np.uint8)


def table(record: dict[str, Any]) -> Iterator[str]:
    """The rules' figures beside each other, and what is promised."""
    names = list(record)
    for part in (*RATES, STREAM):
        for key, (what, side, goal) in GOALS.items():
            if key in record[names[-1]].get(part, {}):
                values = ", ".join(f"{name} {record[name][part][key]:g}" for name in names)
                value = record[names[-1]][part][key]
                word = "met" if (value <= goal if side == "at most" else value >= goal) else "MISSED"
                yield f"{word}: {part}: {what}: {values}; wanted {side} {goal:g}"


@click.command(help=__doc__)
@click.option("--data", type=click.Path(path_type=Path, exists=True), envvar="EMOTION_DATA")
@click.option("--split", type=click.Choice(["choose", "measure"]), default="measure", show_default=True)
@click.option("--changes", default=60, show_default=True, help="Changes of expression.")
@click.option("--still", default=12.0, show_default=True, help="Seconds of each still face.")
@click.option("--as", "name", default="now", show_default=True, help="Name of the rule in the record.")
@click.option("--print", "only_print", is_flag=True, help="Print the record instead of making one.")
def main(data: Path | None, *, split: str, changes: int, still: float, name: str, only_print: bool) -> None:
    """Measure, write the record and print what is promised."""
    if not data and not only_print:
        raise click.UsageError("the faces come from the development data; give its folder with --data")
    record: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    if data and not only_print:
        about = records.measured(*records.STREAM, "benchmarks/expressions.py")
        record[name] = {"measured": about, **measure(data, split, changes, still)}
        if split == "measure":  # choosing leaves no record
            RESULT.write_text(json.dumps(record, indent=2) + "\n")
    for line in table(record):
        click.echo(line)


if __name__ == "__main__":
    main()

"""Videos made from photos, with known faces, motion and times: what tests and benchmarks of the stream run on."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.haar import HaarDetector
from edge.images import load_image
from edge.preprocess import to_gray
from edge.types import Box

SIZE = (640, 480)
FPS = 25.0
# Where a face's centre is and how wide it is at a time, in pixels; None while it is not in the picture.
Path2D = Callable[[float], tuple[float, float, float] | None]


@dataclass(frozen=True)
class Actor:
    """A cut-out head that moves.

    Attributes:
        head: (h, w, 4) uint8 RGBA, cut out around the face.
        face: The face's box in ``head``.
        path: Where it is when.
        roll_deg: By how much it is turned clockwise about the face's centre when.
    """

    head: NDArray[np.uint8]
    face: Box
    path: Path2D
    roll_deg: Callable[[float], float] | None = None

    def box(self, time_s: float) -> Box | None:
        """The face's box in the video, or None."""
        place = self.path(time_s)
        if place is None:
            return None
        x, y, width = place
        return Box(round(x - width / 2), round(y - width / 2), round(width), round(width))


def cut_head(rgb: NDArray[np.uint8], tint: tuple[float, float, float] = (1, 1, 1)) -> tuple[NDArray[np.uint8], Box]:
    """The largest face of a picture with its hair and neck, fading out at the edge; RGBA, and the face's box in it."""
    face = HaarDetector().detect(to_gray(rgb))[0].box
    pad = round(face.w * 0.45)
    height, width = rgb.shape[:2]
    left, top = max(face.x - pad, 0), max(face.y - pad, 0)
    right, bottom = min(face.x + face.w + pad, width), min(face.y + face.h + pad, height)
    head = rgb[top:bottom, left:right].astype(np.float32) * np.array(tint, np.float32)
    mask = np.zeros(head.shape[:2], np.float32)
    center = (mask.shape[1] // 2, mask.shape[0] // 2)
    cv2.ellipse(mask, center, (round(center[0] * 0.93), round(center[1] * 0.95)), 0, 0, 360, 255.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), face.w * 0.03)
    rgba = np.dstack([head.clip(0, 255), mask]).astype(np.uint8)
    return rgba, Box(face.x - left, face.y - top, face.w, face.h)


def render(actors: Sequence[Actor], time_s: float, *, seed: int = 0, noise: float = 3.0) -> NDArray[np.uint8]:
    """One frame, later actors in front: (480, 640, 3) uint8 RGB, with a camera's noise."""
    random = np.random.default_rng(seed * 100_000 + round(time_s * 1000))
    frame = _background(seed).copy()
    for actor in actors:
        box = actor.box(time_s)
        if box is not None:
            _paste(frame, actor, box, actor.roll_deg(time_s) if actor.roll_deg else 0.0)
    small = random.normal(0, noise, (SIZE[1] // 2, SIZE[0] // 2, 3)).astype(np.float32)
    frame += cv2.resize(small, SIZE)
    return frame.clip(0, 255).astype(np.uint8)


def write_video(path: Path, frames: Sequence[NDArray[np.uint8]] | object, fps: float = FPS) -> Path:
    """Write RGB frames as MPEG-4."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, SIZE)
    if not writer.isOpened():
        raise RuntimeError(f"OpenCV cannot write {path}")
    for rgb in frames:  # type: ignore[attr-defined]
        writer.write(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def play(path: Path, actors: Sequence[Actor], seconds: float, *, seed: int = 0) -> Path:
    """Write the video of some actors."""
    times = (index / FPS for index in range(round(seconds * FPS)))
    return write_video(path, (render(actors, time_s, seed=seed) for time_s in times))


def heads_from(photo: Path, data: Path | None = None, count: int = 2) -> list[tuple[NDArray[np.uint8], Box]]:
    """Heads of different persons from the development photos; without those, the bundled photo in other colours."""
    if data is None:
        rgb = load_image(photo)
        tints = [(1.0, 1.0, 1.0), (0.72, 0.85, 1.1), (0.8, 0.62, 0.5)]
        pictures = [rgb, rgb[:, ::-1].copy(), rgb]
        return [cut_head(picture, tint) for picture, tint in zip(pictures[:count], tints, strict=False)]
    heads, detector = [], HaarDetector()
    tints = [(1.0, 0.86, 0.75), (0.9, 0.7, 0.55), (1.0, 0.9, 0.85)]
    with (data / "photos" / "labels.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["label"] in ("Happy", "Neutral")]
    persons: set[str] = set()
    for row in rows[7:]:
        rgb = load_image(data / "photos" / "images" / row["image"])
        faces = detector.detect(to_gray(rgb))
        if row["person"] in persons or len(faces) != 1 or faces[0].box.w < 120:
            continue
        if len(heads) % 2 != (row["label"] == "Neutral"):  # one happy, one neutral
            continue
        persons.add(row["person"])
        heads.append(cut_head(rgb, tints[len(heads) % 3]))
        if len(heads) == count:
            break
    return heads


def wander(lane: tuple[float, float], seconds: float, *, phase: float = 0.0, width: float = 110.0) -> Path2D:
    """A person who moves about in a part of the picture, nearer and farther."""

    def path(time_s: float) -> tuple[float, float, float]:
        turn = 2 * math.pi * time_s / seconds + phase
        middle, reach = (lane[0] + lane[1]) / 2, (lane[1] - lane[0]) / 2
        return (
            middle + reach * math.sin(turn),
            240 + 55 * math.sin(1.7 * turn),
            width * (1 + 0.2 * math.sin(0.9 * turn)),
        )

    return path


def line(start: tuple[float, float], end: tuple[float, float], times: tuple[float, float], width: float) -> Path2D:
    """From one place to another at constant speed, and standing before and after."""

    def path(time_s: float) -> tuple[float, float, float]:
        done = min(max((time_s - times[0]) / (times[1] - times[0]), 0.0), 1.0)
        return start[0] + done * (end[0] - start[0]), start[1] + done * (end[1] - start[1]), width

    return path


def two_people(heads: Sequence[tuple[NDArray[np.uint8], Box]], seconds: float = 60.0) -> list[Actor]:
    """Two people who wander about and, in the middle, walk past each other and change sides."""
    middle = seconds / 2

    def side(first: bool) -> Path2D:
        own = wander((130, 230), 13, phase=0.0 if first else 2.1)
        other = wander((410, 510), 11, phase=1.0 if first else 3.3)
        before, after = (own, other) if first else (other, own)

        def path(time_s: float) -> tuple[float, float, float]:
            weight = min(max((time_s - middle) / 2.0 + 0.5, 0.0), 1.0)  # two seconds to change sides
            weight = weight * weight * (3 - 2 * weight)
            start, end = before(time_s), after(time_s)
            x, y, width = (a + weight * (b - a) for a, b in zip(start, end, strict=True))
            return x, y, width

        return path

    return [Actor(*heads[0], side(True)), Actor(*heads[1], side(False))]


def identities(frames: Sequence[dict[str, object]], actors: Sequence[Actor], fps: float = FPS) -> list[list[int]]:
    """Which track numbers each actor had, in order, without repeats: [[1], [2]] is perfect.

    Args:
        frames: Lines of ``stream --format jsonl``.
        actors: Who is in the video.
        fps: Its frame rate.
    """
    history: list[list[int]] = [[] for _ in actors]
    for one in frames:
        for number, actor in enumerate(actors):
            truth = actor.box(float(one["time_s"]))  # type: ignore[arg-type]
            if truth is None:
                continue
            hits = [(truth.iou(Box(*face["box"])), face["track"]) for face in one["faces"]]  # type: ignore[attr-defined]
            overlap, track = max(hits, default=(0.0, 0))
            rivals = [other.box(float(one["time_s"])) for other in actors if other is not actor]  # type: ignore[arg-type]
            hidden = any(rival is not None and rival.iou(truth) > 0.1 for rival in rivals)
            if overlap > 0.3 and not hidden and history[number][-1:] != [track]:
                history[number].append(track)
    return history


@lru_cache(maxsize=4)
def _background(seed: int) -> NDArray[np.float32]:
    """A wall with soft light and dark patches."""
    random = np.random.default_rng(seed)
    patches = random.uniform(70, 150, (6, 8, 3)).astype(np.float32)
    return np.asarray(cv2.resize(patches, SIZE, interpolation=cv2.INTER_CUBIC), np.float32)


def _paste(frame: NDArray[np.float32], actor: Actor, box: Box, roll_deg: float) -> None:
    scale = box.w / actor.face.w
    matrix = np.array([[scale, 0, box.x - actor.face.x * scale], [0, scale, box.y - actor.face.y * scale]])
    if roll_deg:
        matrix = cv2.getRotationMatrix2D(box.center, -roll_deg, 1.0) @ np.vstack([matrix, (0, 0, 1)])
    method = cv2.INTER_AREA if scale < 0.6 else cv2.INTER_LINEAR
    layer = cv2.warpAffine(actor.head, matrix, SIZE, flags=method).astype(np.float32)
    alpha = layer[:, :, 3:] / 255
    frame += alpha * (layer[:, :, :3] - frame)


__all__ = [
    "Actor",
    "cut_head",
    "heads_from",
    "identities",
    "line",
    "play",
    "render",
    "two_people",
    "wander",
    "write_video",
]

"""Drawn faces with five different mouths, brows and eyes: data that a tiny network can learn in seconds."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.labels import EMOTIONS


def cartoon(label: int, seed: int, size: int = 48) -> NDArray[np.uint8]:
    """uint8 (size, size, 3): a face that shows EMOTIONS[label], a little different for each seed."""
    random = np.random.default_rng((label, seed))
    picture = np.full((96, 96, 3), int(random.integers(30, 90)), np.uint8)
    x, y = (48 + random.integers(-4, 5, 2)).tolist()
    skin, ink = int(random.integers(170, 230)), 20
    cv2.circle(picture, (x, y), 40, (skin,) * 3, -1)
    eye = 7 if EMOTIONS[label] == "Surprise" else 4
    slope = {"Angry": 6, "Sad": -6}.get(EMOTIONS[label], 0)
    for side in (-1, 1):
        cv2.circle(picture, (x + 15 * side, y - 10), eye, (ink,) * 3, -1)
        cv2.line(picture, (x + 6 * side, y - 20 + slope), (x + 24 * side, y - 20 - slope), (ink,) * 3, 3)
    if EMOTIONS[label] == "Surprise":
        cv2.ellipse(picture, (x, y + 20), (8, 11), 0, 0, 360, (ink,) * 3, -1)
    elif EMOTIONS[label] == "Happy":
        cv2.ellipse(picture, (x, y + 12), (18, 14), 0, 0, 180, (ink,) * 3, 4)
    elif EMOTIONS[label] == "Sad":
        cv2.ellipse(picture, (x, y + 28), (16, 12), 0, 180, 360, (ink,) * 3, 4)
    else:
        cv2.line(picture, (x - 15, y + 20), (x + 15, y + 20), (ink,) * 3, 3)
    noise = random.normal(0, 4, picture.shape)
    return cv2.resize(np.clip(picture + noise, 0, 255).astype(np.uint8), (size, size), interpolation=cv2.INTER_AREA)


def write_folders(root: Path, each: int) -> Path:
    """A folder per class with ``each`` drawings."""
    for label, name in enumerate(EMOTIONS):
        (root / name).mkdir(parents=True)
        for seed in range(each):
            cv2.imwrite(str(root / name / f"{seed}.png"), cartoon(label, seed))
    return root


def write_photos(folder: Path, photo: Path, people: int = 12) -> Path:
    """One photo, cut differently for each of some people, and one picture without a face."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number in range(people):
        cv2.imwrite(str(folder / "images" / f"{number}.png"), cv2.imread(str(photo))[: 512 - 8 * number])
        rows.append([f"{number}.png", EMOTIONS[number % 5], f"person {number}"])
    cv2.imwrite(str(folder / "images" / "none.png"), np.full((120, 140, 3), 90, np.uint8))
    rows.append(["none.png", "Sad", "nobody"])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image", "label", "person"], *rows])
    return folder

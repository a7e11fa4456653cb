"""Scenes with one face under some condition, and pictures without a face: always the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.scenes import SIZE, cut_head
from common.photos import photo_list
from edge.detectors.haar import HaarDetector
from edge.images import load_image
from edge.types import Box

Picture = NDArray[np.uint8]
PHOTO = Path(__file__).parent.parent / "examples" / "astronaut.jpg"
MEASURED, CHOOSING = "valid", "train"  # halves of the persons; the second has other scenes too
FACE_PX = 120
HEADS = 150
ANGLES = ("0 degrees", "15 degrees", "30 degrees", "45 degrees")
COVERED = ("sunglasses", "mask", "half covered")
CONDITIONS = (*ANGLES, *COVERED, "backlit", "dark", "cut by an edge", "noise", "blur", "48 px", "24 px")
# Without a person, and part of the two packages themselves, so that nothing is downloaded. Coins bear faces.
SKIMAGE = ("brick", "cell", "chelsea", "chessboard_RGB", "clock_motion", "coffee", "color", "grass", "gravel")
SKIMAGE += ("horse", "hubble_deep_field", "ihc", "microaneurysms", "moon", "motorcycle_left", "motorcycle_right")
SKIMAGE += ("page", "retina", "rocket", "text")
SKLEARN = ("china", "flower")


@cache
def backgrounds(split: str) -> tuple[Picture, ...]:
    """Pictures of scikit-image and scikit-learn without a person, upside down for choosing: uint8 (H, W, 3) RGB."""
    import skimage
    import sklearn

    folders = {
        Path(skimage.__file__).parent / "data": SKIMAGE,
        Path(sklearn.__file__).parent / "datasets/images": SKLEARN,
    }
    paths = [next(folder.glob(f"{name}.*")) for folder, names in folders.items() for name in names]
    pictures = (load_image(path) for path in paths)
    return tuple(picture if split == MEASURED else np.ascontiguousarray(picture[::-1]) for picture in pictures)


def generated(random: np.random.Generator) -> Picture:
    """A texture of 640x480: patches of colour of three sizes, with circles, lines and noise."""
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    for weight in (0.5, 0.3, 0.2):
        across = int(random.integers(3, 90))
        patches = random.uniform(0, 255, (max(across * 3 // 4, 2), across, 3)).astype(np.float32)
        picture += weight * cv2.resize(patches, SIZE, interpolation=cv2.INTER_CUBIC)
    for _ in range(int(random.integers(0, 30))):
        colour = random.uniform(0, 255, 3).tolist()
        start, end = (tuple(random.integers(0, 640, 2).tolist()) for _ in range(2))
        if random.random() < 0.5:
            cv2.circle(picture, start, int(random.integers(4, 60)), colour, -1 if random.random() < 0.5 else 3)
        else:
            cv2.line(picture, start, end, colour, int(random.integers(1, 9)))
    picture += random.normal(0, random.uniform(1, 12), picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def part(picture: Picture, random: np.random.Generator) -> Picture:
    """A part of 640x480 of a picture, enlarged at random and perhaps mirrored."""
    grow = max(SIZE[0] / picture.shape[1], SIZE[1] / picture.shape[0]) * random.uniform(1.0, 2.0)
    large = cv2.resize(picture, None, fx=grow, fy=grow)
    x, y = (int(random.integers(0, most + 1)) for most in (large.shape[1] - SIZE[0], large.shape[0] - SIZE[1]))
    shown = large[y : y + SIZE[1], x : x + SIZE[0]]
    return np.ascontiguousarray(shown[:, ::-1] if random.random() < 0.5 else shown)


def faceless(split: str, count: int) -> Iterator[Picture]:
    """Pictures of 640x480 without a face: two of three are parts of real ones."""
    random, known = _random(5, split), backgrounds(split)
    for number in range(count):
        yield generated(random) if number % 3 == 2 else part(known[(number * 2 // 3) % len(known)], random)


@lru_cache(maxsize=2)
def heads(data: Path, split: str, count: int = HEADS) -> tuple[tuple[Picture, Box], ...]:
    """So many heads (uint8 RGBA, and the face's box): of the bundled picture, and of the photos of one half."""
    cascade, found = HaarDetector(), [cut_head(load_image(PHOTO))]
    photos = [path for path, _ in photo_list(data / "photos", split)]
    for index in np.random.default_rng(3).permutation(len(photos)):
        if len(found) == count:
            break
        rgb = load_image(photos[index])
        faces = cascade.detect(rgb)
        if len(faces) == 1 and faces[0].box.w >= FACE_PX:
            found.append(cut_head(rgb))
    return tuple(found)


def scenes(condition: str, data: Path, split: str, count: int) -> Iterator[tuple[Picture, Box]]:
    """Pictures of 640x480 with one face, and where it is; the same face always has the same picture behind it."""
    random, known = _random(CONDITIONS.index(condition), split), backgrounds(split)
    for number, (head, face) in enumerate(islice(cycle(heads(data, split)), count)):
        behind = generated(random) if number % 3 == 2 else part(known[number % HEADS % len(known)], random)
        yield place(behind, head, face, condition, random)


def _random(seed: int, split: str) -> np.random.Generator:
    return np.random.default_rng(seed if split == MEASURED else 100 + seed)


def place(
    behind: Picture, head: Picture, face: Box, condition: str, random: np.random.Generator
) -> tuple[Picture, Box]:
    """Put a head before a background, under some condition."""
    width = int(condition.split(maxsplit=1)[0]) if condition.endswith("px") else FACE_PX
    roll_deg = int(condition.split(maxsplit=1)[0]) * random.choice((-1, 1)) if condition in ANGLES else 0
    x, y = random.uniform(150, 490), random.uniform(140, 340)
    if condition == "cut by an edge":  # a quarter of the face is outside
        x = width * 0.25 if random.random() < 0.5 else SIZE[0] - width * 0.25
    head, scale = covered(head, face, condition), width / face.w
    if scale < 0.6:  # averaged first, so that nothing aliases
        head = cv2.GaussianBlur(head, (0, 0), 0.4 / scale)
    matrix = cv2.getRotationMatrix2D(face.center, -float(roll_deg), scale)
    matrix[:, 2] += np.array((x, y)) - face.center
    layer = cv2.warpAffine(head, matrix, SIZE, flags=cv2.INTER_LINEAR).astype(np.float32)
    colour, alpha, picture = layer[:, :, :3], layer[:, :, 3:] / 255, behind.astype(np.float32)
    if condition == "backlit":
        colour, picture = colour * 0.2, picture * 0.4 + 150
    picture += alpha * (colour - picture)
    if condition == "dark":
        picture *= 0.12
    if condition == "blur":
        picture = cv2.GaussianBlur(picture, (0, 0), 6)
    picture += random.normal(0, 40 if condition == "noise" else 2, picture.shape)
    box = Box(round(x - width / 2), round(y - width / 2), width, width)
    return picture.clip(0, 255).astype(np.uint8), box


def covered(head: Picture, face: Box, condition: str) -> Picture:
    """The head with sunglasses or a mask, or half of it behind something."""
    head, (x, y, w, h) = head.copy(), face.to_list()
    if condition == "sunglasses":
        for eye in (0.31, 0.69):
            middle = round(x + eye * w), round(y + 0.4 * h)
            cv2.ellipse(head, middle, (round(0.18 * w), round(0.12 * h)), 0, 0, 360, (15, 15, 20, 255), -1)
    elif condition == "mask":
        head[y + round(0.55 * h) : y + h, x + round(0.1 * w) : x + round(0.9 * w), :3] = (150, 190, 210)
    elif condition == "half covered":
        head[:, : x + w // 2, :3] = (90, 80, 70)
    return head


__all__ = ["ANGLES", "CHOOSING", "CONDITIONS", "MEASURED", "backgrounds", "faceless", "heads", "scenes"]

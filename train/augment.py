"""Random changes of training faces that imitate cameras, light, uneven boxes and covered faces."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2
from edge.preprocess import InputSpec
from train.recipe import Augment

AROUND = 1.5  # a training patch shows so many times the side of the face's frame, for frames that are moved or widened
MASK, GLASSES, BLURRED = 0.6, 0.15, 0.25  # how much of the targets is spread over all classes where a face is hidden

Grey = NDArray[np.uint8]


class Augmentation:
    """Changes training patches, each in its own way.

    Args:
        settings: Ranges of the changes.
        spec: What the network reads; dark faces are brightened as on the device, after the changes.
    """

    def __init__(self, settings: Augment, spec: InputSpec) -> None:
        self.settings, self.spec = settings, spec

    def __call__(self, patches: Grey, random: np.random.Generator) -> tuple[Grey, NDArray[np.float32]]:
        """Change a batch.

        Args:
            patches: uint8 (N, S, S) grey, ``AROUND`` times the network's input.
            random: Decides everything; the same one gives the same pictures.

        Returns:
            uint8 (N, height, width, 1), and float32 (N, 1): how far the expression is hidden, 0 to 1.
        """
        made = [self._one(patch, random) for patch in patches]
        hidden = np.array([share for _, share in made], np.float32)[:, None]
        return np.stack([self.prepared(picture) for picture, _ in made]), hidden

    def prepared(self, picture: Grey) -> Grey:
        """What the network reads of a grey frame: uint8 (height, width, 1)."""
        return self.spec.prepare(np.repeat(picture[..., None], 3, axis=2))

    def _one(self, patch: Grey, random: np.random.Generator) -> tuple[Grey, float]:
        s = self.settings
        picture, hidden = self._framed(patch, random), 0.0
        if random.random() < s.cover:
            picture, hidden = _covered(picture, random)
        if random.random() < s.blur:
            picture, lost = _poorly_seen(picture, random)
            hidden = max(hidden, lost)
        return (_lit(picture, s.light, random) if s.light else picture), hidden

    def _framed(self, patch: Grey, random: np.random.Generator) -> Grey:
        """Cut the frame out of the patch: mirrored, rotated, zoomed and shifted in one bilinear resampling."""
        s, size = self.settings, self.spec.height
        zoom = random.uniform(-s.zoom, s.zoom)
        aspect = random.uniform(-s.zoom, s.zoom) / 3
        turn = math.radians(random.uniform(-s.rotation_deg, s.rotation_deg))
        mirror = -1.0 if random.random() < 0.5 else 1.0
        across, down = math.exp(zoom + aspect / 2), math.exp(zoom - aspect / 2)
        a, b = mirror * across * math.cos(turn), -down * math.sin(turn)
        c, d = mirror * across * math.sin(turn), down * math.cos(turn)
        dx, dy = random.uniform(-s.shift, s.shift, 2) * size
        middle, centre = (size - 1) / 2, (patch.shape[0] - 1) / 2
        matrix = np.array(
            [[a, b, centre + dx - (a + b) * middle], [c, d, centre + dy - (c + d) * middle]],
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(patch, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _covered(picture: Grey, random: np.random.Generator) -> tuple[Grey, float]:
    """A mask over mouth and nose, sunglasses, or a hand's patch anywhere."""
    picture, size = picture.copy(), len(picture)
    shade = int(random.integers(0, 256))
    kind = random.random()
    if kind < 0.3:
        top = round(size * random.uniform(0.5, 0.62))
        picture[top:, round(size * random.uniform(0, 0.2)) : round(size * random.uniform(0.8, 1))] = shade
        return picture, MASK
    if kind < 0.6:
        top, high = round(size * random.uniform(0.22, 0.34)), round(size * random.uniform(0.14, 0.24))
        left, right = round(size * random.uniform(0.02, 0.18)), round(size * random.uniform(0.82, 0.98))
        picture[top : top + high, left:right] = shade // 3
        return picture, GLASSES
    side = round(size * random.uniform(0.15, 0.4))
    top, left = random.integers(0, size - side + 1, 2)
    picture[top : top + side, left : left + side] = shade
    return picture, 0.0


def _poorly_seen(picture: Grey, random: np.random.Generator) -> tuple[Grey, float]:
    """Out of focus, moved, enlarged from a small face, noisy, or saved as a poor JPEG."""
    size, kind = len(picture), random.random()
    if kind < 0.3:
        sigma = size / 48 * random.uniform(0.3, 2.2)
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma)), BLURRED * (sigma > size / 48 * 1.5)
    if kind < 0.4:
        length = int(random.integers(2, 6))
        kernel = np.full((1, length), 1 / length) if random.random() < 0.7 else np.full((length, 1), 1 / length)
        return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE)), 0.0
    if kind < 0.7:
        few = round(size * random.uniform(0.3, 0.8))
        small = cv2.resize(picture, (few, few), interpolation=cv2.INTER_AREA)
        grown = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
        return np.asarray(grown), BLURRED * (few < size * 0.4)
    if kind < 0.9:
        noise = random.normal(0, random.uniform(0, 0.05) * 255, picture.shape)
        return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8), 0.0
    quality = int(random.integers(8, 50))
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)), 0.0


def _lit(picture: Grey, most: float, random: np.random.Generator) -> Grey:
    """Contrast around the mean, exposure and gamma by one table; in one of six pictures also light from a side."""
    # Plain Python's exp and powers: the last bit of NumPy's depends on whether arrays touch in memory, and the same
    # seed would not give the same network.
    contrast, gamma = (math.exp(share * random.uniform(-most, most)) for share in (0.8, 0.6))
    exposure = math.exp(random.uniform(-1.5 * most, 0.7 * most))
    values, mean = np.arange(256), float(picture.mean())
    light = np.clip((mean + (values - mean) * contrast) * exposure / 255, 0, 1)
    table = [round(255 * value**gamma) for value in light.tolist()]
    picture = np.asarray(cv2.LUT(picture, np.array(table, np.uint8)))
    if random.random() < 1 / 6:
        ramp = np.linspace(1, 1 - random.uniform(0, most), len(picture), dtype=np.float32)
        ramp = ramp[::-1] if random.random() < 0.5 else ramp
        picture = np.rint(picture * ramp).astype(np.uint8)
    return picture


__all__ = ["AROUND", "Augmentation"]

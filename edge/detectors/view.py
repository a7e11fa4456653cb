"""Parts of a picture, scaled and rotated for a detector, and the way back to the picture's pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2
from edge.types import Box, Detection

AVERAGED = 0.5  # below this scale areas are averaged; down to it linear interpolation misses no pixel
SAME_FACE = 0.4  # overlap above which two boxes are one face
INSIDE = 0.7  # share of the smaller box above which it lies inside the larger


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a detector is shown.

    Attributes:
        image: uint8 (h, w, 3) RGB or (h, w) grey.
        to_picture: float64 (2, 3), from pixels of ``image`` to those of the picture.
        roll_deg: By how much heads that stand upright in ``image`` are rotated clockwise in the picture.
    """

    image: NDArray[np.uint8]
    to_picture: NDArray[np.float64]
    roll_deg: float = 0.0

    def restore(self, found: Detection) -> Detection:
        """A face found in this view, in pixels of the picture."""
        matrix = self.to_picture
        grow_x, grow_y = np.hypot(matrix[0, 0], matrix[1, 0]), np.hypot(matrix[0, 1], matrix[1, 1])
        x, y = matrix @ (*found.box.center, 1.0)
        w, h = found.box.w * grow_x, found.box.h * grow_y
        box = Box(round(x - w / 2), round(y - h / 2), max(round(w), 1), max(round(h), 1))
        points = found.landmarks and tuple(
            (float(px), float(py)) for px, py in (matrix @ (*point, 1.0) for point in found.landmarks)
        )
        return replace(found, box=box, roll_deg=_half_turn(found.roll_deg + self.roll_deg), landmarks=points)


def shrunk(image: NDArray[np.uint8], long_side: int) -> View:
    """A picture at most so many pixels long."""
    return scaled(image, min(long_side, max(image.shape[:2])))


def scaled(image: NDArray[np.uint8], long_side: int) -> View:
    """A picture so many pixels long."""
    height, width = image.shape[:2]
    scale = long_side / max(height, width)
    other = resized(image, (max(round(width * scale), 1), max(round(height * scale), 1)))
    return View(other, np.array([[width / other.shape[1], 0, 0], [0, height / other.shape[0], 0]], np.float64))


def tiles(view: View, side: int, shared: int) -> Iterator[View]:
    """Parts of a view, at most so many pixels wide and high, that share a strip with each of their neighbours."""
    height, width = view.image.shape[:2]
    for top in range(0, max(height - shared, 1), side - shared):
        for left in range(0, max(width - shared, 1), side - shared):
            offset = np.array([[1, 0, left], [0, 1, top]], np.float64)
            part = view.image[top : top + side, left : left + side]
            yield View(part, _chain(view.to_picture, offset), view.roll_deg)


def rotated(view: View, roll_deg: float) -> View:
    """A whole view rotated so that heads rotated clockwise by ``roll_deg`` stand upright; nothing of it is lost."""
    height, width = view.image.shape[:2]
    cos, sin = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    out_w, out_h = round(width * abs(cos) + height * abs(sin)), round(width * abs(sin) + height * abs(cos))
    back = _turn(cos, sin, (out_w / 2, out_h / 2), (width / 2, height / 2))
    image = cv2.warpAffine(
        view.image, back, (out_w, out_h), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    return View(np.asarray(image, np.uint8), _chain(view.to_picture, back), view.roll_deg + roll_deg)


def around(image: NDArray[np.uint8], box: Box, span: float, size: int, roll_deg: float = 0.0) -> View:
    """The upright square around a face.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        box: Where the face is expected, in pixels of ``image``.
        span: Side of the square, in widths of the box. Where it leaves the picture, the picture's edge is repeated.
        size: Side of the view in pixels.
        roll_deg: By how much the head is rotated clockwise.
    """
    x, y = box.center
    side = span * max(box.w, box.h, 1)
    cos, sin = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    reach = side / 2 * (abs(cos) + abs(sin)) + 1
    height, width = image.shape[:2]
    left, top = min(max(math.floor(x - reach), 0), width - 1), min(max(math.floor(y - reach), 0), height - 1)
    right, bottom = min(max(math.ceil(x + reach), left + 1), width), min(max(math.ceil(y + reach), top + 1), height)
    step = min(math.ceil(AVERAGED * side / size), right - left, bottom - top)
    if step > 1:  # averaged by whole pixels, which is quick, and the rest of the way interpolated
        right, bottom = right - (right - left) % step, bottom - (bottom - top) % step
    part = resized(image[top:bottom, left:right], ((right - left) // step, (bottom - top) // step))
    back = _turn(cos * side / size, sin * side / size, (size / 2, size / 2), (x, y))
    inverse = np.array([[1 / step, 0, -left / step], [0, 1 / step, -top / step]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shown = cv2.warpAffine(part, _chain(inverse, back), (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return View(np.asarray(shown, np.uint8), back, roll_deg)


def resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Scale to (width, height) in pixels: averaging over areas where it shrinks to less than half, else linearly."""
    height, width = image.shape[:2]
    if size == (width, height):
        return image
    method = cv2.INTER_AREA if size[0] <= AVERAGED * width and size[1] <= AVERAGED * height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)


def distinct(faces: Sequence[Detection]) -> list[Detection]:
    """Faces largest first, without those that show a face another one already shows."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda face: -face.box.area):
        if not any(_same(face.box, other.box) for other in kept):
            kept.append(face)
    return kept


def strongest(hits: Sequence[Detection]) -> list[Detection]:
    """Hits by score, best first, without those that overlap a better one."""
    kept: list[Detection] = []
    for hit in sorted(hits, key=lambda hit: -(hit.score or 0.0)):
        if not any(hit.box.iou(other.box) > SAME_FACE for other in kept):
            kept.append(hit)
    return kept


def _same(small: Box, large: Box) -> bool:
    overlap = small.iou(large)
    shared = overlap * (small.area + large.area) / (1 + overlap)
    return overlap > SAME_FACE or shared > INSIDE * min(small.area, large.area)


def _turn(cos: float, sin: float, fixed: tuple[float, float], becomes: tuple[float, float]) -> NDArray[np.float64]:
    """Turns and scales so that one point becomes another: float64 (2, 3)."""
    x = becomes[0] - cos * fixed[0] + sin * fixed[1]
    y = becomes[1] - sin * fixed[0] - cos * fixed[1]
    return np.array([[cos, -sin, x], [sin, cos, y]], np.float64)


def _chain(last: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(last @ np.vstack([first, (0.0, 0.0, 1.0)]), np.float64)


def _half_turn(angle_deg: float) -> float:
    """The same angle within -180 to 180."""
    return (angle_deg + 180.0) % 360.0 - 180.0


__all__ = ["View", "around", "distinct", "resized", "rotated", "scaled", "shrunk", "strongest", "tiles"]

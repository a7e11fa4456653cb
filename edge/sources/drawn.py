"""Drawn heads whose expressions the network reads as they are meant."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2

SKIN, SHADE, DARK, LIP = (224, 182, 154), (188, 140, 112), (48, 34, 30), (160, 74, 70)
MOUTH, TEETH, WHITE, RIDGE = (70, 26, 30), (238, 232, 224), (235, 235, 235), (240, 204, 180)
Color = tuple[int, int, int]
SPRITE_PX = 240
EDGE_PX = 2.2  # how soft everything is
FAINT = 0.05  # what is fainter is not drawn


@dataclass(frozen=True, slots=True)
class Pose:
    """What a face does, in shares of its height; 0 is at rest.

    Attributes:
        brow_in: How far the inner ends of the brows are raised.
        brow_out: How far the outer ends are raised.
        eye: Half the height of the opening of the eyes.
        width: Half the width of the mouth.
        corner: How far the mouth's corners are raised.
        upper: How far the middle of the upper lip is raised.
        lower: How far the middle of the lower lip is lowered.
        cheek: How deep the folds from nose to mouth are, 0 to 1.
        furrow: How deep the folds between the brows are, 0 to 1.
        teeth: How much of the open mouth teeth fill, 0 to 1.
    """

    brow_in: float = 0.0
    brow_out: float = 0.0
    eye: float = 0.03
    width: float = 0.13
    corner: float = 0.0
    upper: float = 0.0
    lower: float = 0.0
    cheek: float = 0.0
    furrow: float = 0.0
    teeth: float = 0.0

    def towards(self, other: Pose, share: float) -> Pose:
        """The pose so far on the way to another one, 0 to 1."""
        return Pose(*(a + share * (b - a) for a, b in zip(astuple(self), astuple(other), strict=True)))


# Found by changing them at random until the shipped network and the one before it were sure of each.
POSES = {
    "Angry": Pose(-0.06, -0.005, 0.022, 0.138, -0.032, 0.07, 0.031, 0.108, 0.591, 1.0),
    "Happy": Pose(0.0, 0.01, 0.022, 0.18, 0.05, 0.0, 0.06, 1.0, 0.0, 1.0),
    "Neutral": Pose(-0.016, 0.012, 0.029, 0.11, 0.009, -0.01, 0.012, 0.0, 0.103, 0.11),
    "Sad": Pose(0.05, -0.02, 0.02, 0.12, -0.04, 0.02, -0.02, 0.3, 0.3, 0.0),
    "Surprise": Pose(0.06, 0.06, 0.05, 0.08, 0.0, 0.05, 0.09, 0.0, 0.0, 0.0),
}


def draw_face(pose: Pose) -> NDArray[np.uint8]:
    """A plain drawn head: (240, 240, 4) uint8 RGBA."""
    image = np.zeros((SPRITE_PX, SPRITE_PX, 4), np.uint8)
    _oval(image, (0.5, 0.44), (0.37, 0.43), DARK)  # hair
    _oval(image, (0.5, 0.54), (0.34, 0.44), SKIN)
    for side in (-1, 1):
        _half(image, side, pose)
    _oval(image, (0.5, 0.54), (0.035, 0.1), RIDGE)  # of the nose
    _mouth(image, pose)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), EDGE_PX), dtype=np.uint8)


def _half(image: NDArray[np.uint8], side: int, pose: Pose) -> None:
    """What a face has on both sides."""

    def line(color: Color, thick: int, *points: tuple[float, float]) -> None:
        curve = _curve([(0.5 + side * x, y) for x, y in points])
        cv2.polylines(image, [_pixels(curve)], False, (*color, 255), thick, cv2.LINE_AA)

    x = 0.5 + side * 0.15
    _oval(image, (0.5 + side * 0.26, 0.62), (0.05, 0.12), SHADE)  # cheek in the shade
    _oval(image, (0.5 + side * 0.04, 0.64), (0.02, 0.014), SHADE)  # nostril
    _oval(image, (x, 0.445), (0.105, 0.06), SHADE)  # eye socket
    _oval(image, (x, 0.45), (0.065, pose.eye), WHITE)
    _oval(image, (x, 0.45), (0.028, min(0.03, pose.eye)), DARK)
    line(DARK, 3, (0.085, 0.45), (0.15, 0.45 - 1.9 * pose.eye), (0.215, 0.45))  # lid
    outer, inner = 0.385 - pose.brow_out, 0.385 - pose.brow_in
    line(DARK, 8, (0.22, outer), (0.15, (outer + inner) / 2 - 0.015), (0.07, inner))
    if pose.cheek > FAINT:
        line(_mix(SKIN, SHADE, pose.cheek), 5, (0.07, 0.62), (0.16, 0.67), (0.19, 0.76))
    if pose.furrow > FAINT:
        line(_mix(SKIN, SHADE, pose.furrow), 5, (0.025, 0.36), (0.02, 0.39), (0.025, 0.43))


def _mouth(image: NDArray[np.uint8], pose: Pose) -> None:
    corner = 0.77 - pose.corner
    left, right = (0.5 - pose.width, corner), (0.5 + pose.width, corner)
    # The middle of a curve lies halfway to its control point.
    over, under = 2 * (0.77 - pose.upper) - corner, 2 * (0.77 + pose.lower) - corner
    upper, lower = _curve([left, (0.5, over), right]), _curve([left, (0.5, under), right])
    if under > over:
        cv2.fillPoly(image, [_pixels(np.concatenate([upper, lower[::-1]]))], (*MOUTH, 255), cv2.LINE_AA)
        if pose.teeth > FAINT:
            teeth = upper + (lower - upper) * (0.75 * pose.teeth)
            cv2.fillPoly(image, [_pixels(np.concatenate([upper, teeth[::-1]]))], (*TEETH, 255), cv2.LINE_AA)
    for curve, thick in ((upper, 6), (lower, 8)):
        cv2.polylines(image, [_pixels(curve)], False, (*LIP, 255), thick, cv2.LINE_AA)


def _curve(points: list[tuple[float, float]]) -> NDArray[np.float64]:
    """A quadratic Bezier curve of three points: float64 (17, 2)."""
    along = np.linspace(0, 1, 17)[:, None]
    start, middle, end = np.array(points)
    return np.asarray((1 - along) ** 2 * start + 2 * along * (1 - along) * middle + along**2 * end, np.float64)


def _pixels(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.asarray((points * SPRITE_PX).round(), np.int32)


def _oval(image: NDArray[np.uint8], at: tuple[float, float], axes: tuple[float, float], color: Color) -> None:
    (x, y), (w, h) = (_pixels(np.array(pair)).tolist() for pair in (at, axes))
    cv2.ellipse(image, (x, y), (w, h), 0, 0, 360, (*color, 255), -1, cv2.LINE_AA)


def _mix(one: Color, other: Color, share: float) -> Color:
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(one, other, strict=True))
    return red, green, blue


__all__ = ["POSES", "Pose", "draw_face"]

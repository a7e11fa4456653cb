"""Changes that a face must survive: framing, roll, blur, distance, light, colour and covered parts.

Each is made to a patch that shows twice the face's frame, so that frames can move and widen within the photo; the
frame is then cut out and prepared as on the device.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2
from edge.preprocess import InputSpec
from edge.types import Detection

FRAME = 96  # side of the frame in a patch, in pixels
AROUND = 2  # side of the patch in frames

Picture = NDArray[np.uint8]
Change = Callable[[Picture], Picture]


def patch_of(photo: Picture, found: Detection | None, margin: float) -> Picture:
    """What is around a face: uint8 (192, 192, 3) RGB; around the whole photo where none was found.

    Args:
        photo: uint8 (H, W, 3) RGB.
        found: The face.
        margin: The model's.
    """
    side = FRAME * AROUND
    if found is None:
        edge = (AROUND - 1) / 2
        high, wide = (round(length * edge) for length in photo.shape[:2])
        around = cv2.copyMakeBorder(photo, high, high, wide, wide, cv2.BORDER_REPLICATE)
        return InputSpec(side, side).prepare(np.asarray(around, np.uint8))
    grown = ((1 + 2 * margin) * AROUND - 1) / 2
    return InputSpec(side, side, margin=grown).prepare(photo, found.box, found.roll_deg)


def framed(patch: Picture, scale: float = 1.0, right: float = 0.0, down: float = 0.0, roll_deg: float = 0.0) -> Picture:
    """Cut the frame out of a patch: uint8 (96, 96, 3).

    Args:
        patch: uint8 (192, 192, 3).
        scale: Side of the frame, 1 as the detector gave it; more shows a smaller face.
        right: How far the frame is moved, in its sides.
        down: Likewise.
        roll_deg: By how much the head is turned clockwise.
    """
    middle = (FRAME * AROUND - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle + right * FRAME, middle + down * FRAME), -roll_deg, 1 / scale)
    matrix[:, 2] += (FRAME - 1) / 2 - middle - np.array([right, down]) * FRAME
    return np.asarray(cv2.warpAffine(patch, matrix, (FRAME, FRAME), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _on_frame(change: Change, patch: Picture) -> Picture:
    return change(framed(patch))


def _table(values: NDArray[np.float64]) -> Change:
    """A change of every value on its own: (256,) or (256, 3) new values."""
    table = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    if table.ndim == 2:
        return lambda frame: np.stack([table[:, c][frame[..., c]] for c in range(3)], axis=-1)
    return lambda frame: table[frame]


def _blurred(frame: Picture, share: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), share * FRAME), np.uint8)


def _moved(frame: Picture, share: float) -> Picture:
    length = round(share * FRAME)
    kernel = np.full((1, length), 1 / length)
    return np.asarray(cv2.filter2D(frame, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def _far(frame: Picture, pixels: int) -> Picture:
    small = cv2.resize(frame, (pixels, pixels), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (FRAME, FRAME), interpolation=cv2.INTER_LINEAR), np.uint8)


def _saved(frame: Picture, quality: int) -> Picture:
    _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _contrast(frame: Picture, factor: float) -> Picture:
    mean = frame.mean()
    return np.clip(np.rint(mean + (frame - mean) * factor), 0, 255).astype(np.uint8)


def _grey(frame: Picture) -> Picture:
    return np.repeat(np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)[..., None], 3, axis=2)


def _noisy(frame: Picture, deviation: float) -> Picture:
    noise = np.random.default_rng(0).normal(0, deviation * 255, frame.shape)
    return np.clip(np.rint(frame + noise), 0, 255).astype(np.uint8)


def _side_lit(frame: Picture, dark: slice) -> Picture:
    ramp = np.linspace(0.25, 1, FRAME)[dark]
    return np.rint(frame * ramp[None, :, None]).astype(np.uint8)


def _sunglasses(frame: Picture) -> Picture:
    frame = frame.copy()
    for centre in (0.32, 0.68):
        at = (round(centre * FRAME), round(0.36 * FRAME))
        cv2.ellipse(frame, at, (round(0.16 * FRAME), round(0.11 * FRAME)), 0, 0, 360, (20, 20, 20), -1)
    cv2.line(frame, (0, round(0.33 * FRAME)), (FRAME, round(0.33 * FRAME)), (20, 20, 20), 3)
    return frame


def _mask(frame: Picture) -> Picture:
    frame = frame.copy()
    shape = np.array([(0.12, 0.55), (0.5, 0.5), (0.88, 0.55), (0.84, 0.85), (0.5, 1.0), (0.16, 0.85)]) * FRAME
    cv2.fillPoly(frame, [np.rint(shape).astype(np.int32)], (150, 190, 210))
    return frame


_LEVELS = np.arange(256, dtype=np.float64)
_FRAMING: dict[str, Change] = {
    **{f"framing {scale:g}": partial(framed, scale=scale) for scale in (0.8, 0.9, 1.1, 1.25)},
    "10 % left": partial(framed, right=-0.1),
    "10 % right": partial(framed, right=0.1),
    "10 % up": partial(framed, down=-0.1),
    "10 % down": partial(framed, down=0.1),
    **{f"roll {roll:+d}": partial(framed, roll_deg=roll) for roll in (-30, -20, -10, 10, 20, 30)},
}
_FRAMES: dict[str, Change] = {
    "mirrored": lambda frame: np.ascontiguousarray(frame[:, ::-1]),
    **{f"blur {n}/48": partial(_blurred, share=n / 48) for n in (1, 2, 3)},
    "moved 3/48": partial(_moved, share=3 / 48),
    **{f"{pixels} px": partial(_far, pixels=pixels) for pixels in (32, 24, 16)},
    "JPEG 30": partial(_saved, quality=30),
    "JPEG 10": partial(_saved, quality=10),
    **{f"gamma {g:g}": _table((_LEVELS / 255) ** g * 255) for g in (0.5, 0.7, 1.5, 2.2)},
    **{f"exposure {e:g}": _table(_LEVELS * e) for e in (0.25, 0.5, 1.5, 2)},
    "contrast 0.5": partial(_contrast, factor=0.5),
    "contrast 1.5": partial(_contrast, factor=1.5),
    "grey": _grey,
    "warm": _table(_LEVELS[:, None] * (1.15, 1.0, 0.75)),
    "cold": _table(_LEVELS[:, None] * (0.8, 1.0, 1.2)),
    "green": _table(_LEVELS[:, None] * (0.85, 1.1, 0.85)),
    "noise 0.05": partial(_noisy, deviation=0.05),
    "noise 0.1": partial(_noisy, deviation=0.1),
    "lit from the right": partial(_side_lit, dark=slice(None)),
    "lit from the left": partial(_side_lit, dark=slice(None, None, -1)),
    "sunglasses": _sunglasses,
    "mask": _mask,
}
CHANGES: dict[str, Change] = _FRAMING | {name: partial(_on_frame, change) for name, change in _FRAMES.items()}
GROUPS = {  # what the aims are about
    "re-framing and roll 20": ("framing 0.8", "framing 1.25", "roll -20", "roll +20"),
    "blur 2/48": ("blur 2/48",),
    "sunglasses": ("sunglasses",),
}

__all__ = ["CHANGES", "GROUPS", "framed", "patch_of"]

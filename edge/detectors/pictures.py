"""The search of single pictures: quick where faces are easy to see, thorough where none was found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edge.detectors import Detector
from edge.detectors.closer import closer
from edge.detectors.haar import HaarDetector
from edge.detectors.view import View, distinct, rotated, scaled, shrunk, tiles
from edge.detectors.yunet import YuNetDetector
from edge.opencv import cv2
from edge.types import Detection

QUICK_PX, MIDDLE_PX, NEAR_PX = 640, 320, 160  # long side of what is searched
FINE_PX, ENLARGED, SHARED_PX = 1600, 2, 96  # at most so long, and so many times the picture; tiles share a strip
QUICK_STRICT = 1.25  # textures hold much that resembles a face
FINE_STRICT = 1.4, 1.6  # most of all a small one, and where they were enlarged
SEEN_PX = 40  # smallest face that YuNet finds well
SMALL_FACE = 0.08  # of the searched picture's long side: where one face is so small, there may be smaller ones
TURNS_DEG = (-40.0, 40.0)


def find_faces(detector: Detector, image: NDArray[np.uint8], min_face: float | None = None) -> list[Detection]:
    """All faces of a single picture.

    YuNet searches the picture shrunk to 640 pixels; each further step comes only where those before found nothing: 320
    and 160 pixels (large, blurred and noisy faces), 640 and 160 on the smoothed picture with its contrast stretched,
    rotated by 40 degrees to both sides, and tile by tile at twice the picture's size or 1600 pixels (small faces; in
    larger pictures also where a face was small). What it finds counts where close-ups show it again. The cascade
    searches the picture as it is, or shrunk to 1600 pixels and then as it is; another detector as it is.

    Args:
        detector: Looks for faces.
        image: uint8 (H, W, 3) RGB or (H, W) grey.
        min_face: Smallest face that counts, as a share of the picture's height, 0 to 1: the first search is as fine as
            that needs, and no later one finer. None finds 24 pixels in a picture of 640x480, and keeps what is smaller.

    Returns:
        Faces in pixels of ``image``, largest first.
    """
    if isinstance(detector, YuNetDetector):
        found = _first(_yunet_steps(detector, image, min_face))
    elif isinstance(detector, HaarDetector):
        long_side = max(image.shape[:2])
        sizes = (FINE_PX, long_side) if long_side > FINE_PX else (long_side,)
        found = _first(_seen(detector, shrunk(image, size)) for size in sizes)
    else:
        found = detector.detect(image)
    least = (min_face or 0.0) * image.shape[0]
    return [face for face in found if face.box.h >= least]


def _first(steps: Iterator[list[Detection]]) -> list[Detection]:
    return next((found for found in steps if found), [])


def _seen(detector: Detector, view: View) -> list[Detection]:
    return [view.restore(face) for face in detector.detect(view.image)]


def _yunet_steps(
    detector: YuNetDetector, image: NDArray[np.uint8], min_face: float | None
) -> Iterator[list[Detection]]:
    height, long_side = image.shape[0], max(image.shape[:2])
    quick_px, fine_px = min(QUICK_PX, long_side), min(ENLARGED * long_side, FINE_PX)
    if min_face:  # one search, so fine that the smallest face is as large as YuNet needs it
        quick_px = fine_px = max(min(round(SEEN_PX / (min_face * height) * long_side), fine_px), NEAR_PX)

    def seen(*views: View, strict: float = 1.0) -> list[Detection]:
        hits = [view.restore(hit) for view in views for hit in detector.hits(view.image)]
        return distinct([face for hit in hits if (face := closer(detector, image, hit, strict))])

    def fine() -> list[Detection]:
        return seen(*tiles(scaled(image, fine_px), QUICK_PX, SHARED_PX), strict=FINE_STRICT[fine_px > long_side])

    found = seen(scaled(image, quick_px), strict=QUICK_STRICT)
    if quick_px < min(long_side, fine_px) and found and found[-1].box.w < SMALL_FACE * long_side:
        found = distinct(found + fine())
    yield found
    for size in (MIDDLE_PX, NEAR_PX):
        if size < quick_px:
            yield seen(shrunk(image, size))
    whole, near = shrunk(image, min(QUICK_PX, quick_px)), shrunk(image, NEAR_PX)
    for view in (whole, near):
        yield seen(View(stretched(view.image), view.to_picture))
    yield seen(*(rotated(whole, turn) for turn in TURNS_DEG))
    if fine_px > quick_px:
        yield fine()


def stretched(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Smoothed against noise, and its contrast stretched tile by tile (CLAHE); grey."""
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.2)
    return np.asarray(cv2.createCLAHE(3.0, (8, 8)).apply(smooth), np.uint8)


__all__ = ["find_faces", "stretched"]

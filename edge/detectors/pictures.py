"""The search of single pictures: quick where faces are easy to see, thorough where none was found."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edge.detectors import Detector
from edge.detectors.closer import closer
from edge.detectors.haar import HaarDetector
from edge.detectors.view import View, distinct, rotated, scaled, shrunk, strongest, tiles
from edge.detectors.yunet import YuNetDetector
from edge.opencv import cv2
from edge.preprocess import to_gray
from edge.types import Detection

QUICK_PX, WHOLE_PX, MIDDLE_PX, NEAR_PX = 480, 640, 320, 160  # long side of what is searched
CLEAR, CLEAR_SHARE = 0.8, 0.1  # score, and share of the long side: one look is enough if all hits are such faces
FINE_PX, ENLARGED, SHARED_PX = 1600, 2, 96  # at most so long, and so many times the picture; tiles share a strip
FAIR, FAINT = 0.3, 0.1  # scores from which hits are looked at again, and from which where none of those is a face
SEEN_PX = 40  # smallest face that YuNet finds well
SMALL_FACE = 0.08  # of the searched picture's long side: where one face is so small, there may be smaller ones
TURNS_DEG = (-40.0, 40.0)
SMOOTH = 1 / 213, 1 / 533  # of the long side: sigma against noise, and before contrast is stretched


def find_faces(detector: Detector, image: NDArray[np.uint8], min_face: float | None = None) -> list[Detection]:
    """All faces of a single picture.

    YuNet searches the picture shrunk to 480 pixels, and if all that it shows there are clear faces, that is all. Else
    each further step comes only where those before found nothing: 640 pixels; 320 and 160 (large and blurred faces);
    320 of the picture smoothed, or with its contrast stretched; rotated by 40 degrees to both sides; and tile by tile
    at twice the picture's size or 1600 pixels (small faces; in larger pictures also where a face was small). What it
    finds counts where close-ups show it again, faint hits only where a step shows no other face. The cascade searches
    the picture as it is, or shrunk to 1600 pixels and then as it is; another detector as it is.

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
    whole_px, fine_px = min(WHOLE_PX, long_side), min(ENLARGED * long_side, FINE_PX)
    if min_face:  # one search, so fine that the smallest face is as large as YuNet needs it
        whole_px = fine_px = max(min(round(SEEN_PX / (min_face * height) * long_side), fine_px), NEAR_PX)

    def hits(*views: View) -> list[Detection]:
        return [view.restore(hit) for view in views for hit in detector.hits(view.image)]

    def confirmed(base: View, found: list[Detection]) -> list[Detection]:
        best = strongest(found)
        for least, most in ((FAIR, math.inf), (FAINT, FAIR)):  # the faint ones only where no other is a face
            found_again = [closer(detector, base.image, hit) for hit in best if least <= (hit.score or 0.0) < most]
            if faces := distinct([base.restore(face) for face in found_again if face]):
                return faces
        return []

    def fine() -> list[Detection]:
        return confirmed(picture, hits(*tiles(scaled(image, fine_px), WHOLE_PX, SHARED_PX)))

    picture, quick = shrunk(image, long_side), []
    if not min_face:
        quick = [hit for hit in hits(shrunk(image, QUICK_PX)) if (hit.score or 0.0) >= FAIR]
        if all((hit.score or 0.0) >= CLEAR and hit.box.w >= CLEAR_SHARE * long_side for hit in quick):
            yield confirmed(picture, quick)
    found = confirmed(picture, quick + hits(scaled(image, whole_px)))
    if whole_px < min(long_side, fine_px) and found and found[-1].box.w < SMALL_FACE * long_side:
        found = distinct(found + fine())
    yield found
    for size in (MIDDLE_PX, NEAR_PX):
        if size < whole_px:
            yield confirmed(picture, hits(shrunk(image, size)))
    whole = shrunk(image, min(WHOLE_PX, whole_px))
    for changed in (smoothed, stretched):
        base = View(changed(whole.image), whole.to_picture)
        yield confirmed(base, hits(shrunk(base.image, MIDDLE_PX)))
    yield confirmed(picture, hits(*(rotated(whole, turn) for turn in TURNS_DEG)))
    if fine_px > whole_px:
        yield fine()


def smoothed(image: NDArray[np.uint8], share: float = SMOOTH[0]) -> NDArray[np.uint8]:
    """Smoothed against noise, by a Gaussian whose sigma is a share of the long side."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), share * max(image.shape)), np.uint8)


def stretched(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Smoothed a little, and its contrast stretched tile by tile (CLAHE); grey."""
    gray = smoothed(image if image.ndim == 2 else to_gray(image), SMOOTH[1])
    return np.asarray(cv2.createCLAHE(3.0, (8, 8)).apply(gray), np.uint8)


__all__ = ["find_faces", "stretched"]

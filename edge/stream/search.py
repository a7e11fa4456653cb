"""Finds faces in a stream: at times in the whole frame, in between cheaply near where one is expected."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.detectors import Detector, DetectorName, detector_name, make_detector
from edge.detectors.closer import closer
from edge.detectors.haar import HaarDetector
from edge.detectors.pictures import FAIR, MIDDLE_PX, NEAR_PX, stretched
from edge.detectors.view import View, around, distinct, shrunk
from edge.detectors.yunet import YuNetDetector
from edge.opencv import cv2
from edge.preprocess import LEVEL_DEG, crop_face
from edge.sources.base import Frame
from edge.stream.schedule import Schedule
from edge.stream.tracker import HELD_S, Detection, Track, crowded
from edge.types import Box
from edge.types import Detection as Face

NEAR_EVERY_S = HELD_S  # a face that was found so recently is where it is expected
NEAR_MAX = 6  # near searches a frame; with more faces they take turns
SAME_TRACK = 0.3  # overlap above which a box is the face of a track
CLEAR, ASIDE_DEG = 0.8, 25.0  # a face that scores less may be rotated further than its track, to either side
COVERED = 0.9  # likeness of eyes and forehead from which a face that is not found is there, its mouth covered
DRIFT = 0.08  # of its width: a face stands still that is expected to go on
APPEARANCE_PX = 10


@dataclass(frozen=True, slots=True)
class Way:
    """How one detector is used on frames.

    Attributes:
        full: Searches whole frames.
        near: Searches the square around an expected face.
        width: Whole frames are shrunk to this width in pixels.
        near_face_px: The expected face is scaled to this width.
        span: Side of the square, in widths of the face.
        colour: Whether it is shown the colour frame; else the luma, which some cameras give for free.
    """

    full: Detector
    near: Detector
    width: int
    near_face_px: int
    span: float
    colour: bool


def way_of(detector: Detector | DetectorName) -> Way:
    """How a detector, or the one of that name, is used on frames.

    Raises:
        RuntimeMissingError: What the detector needs is missing.
    """
    if isinstance(detector, str):
        detector = make_detector(detector)
        if isinstance(detector, HaarDetector):  # coarser than the described one, and quicker
            full = HaarDetector(scale_factor=1.15, min_neighbors=4, min_size=(30, 30))
            return Way(full, HaarDetector(1.15, 2, (44, 44)), 320, 60, 1.6, colour=False)
    if isinstance(detector, YuNetDetector):
        return Way(detector, detector, 480, 64, 2.0, colour=True)
    return Way(detector, detector, 320, 60, 1.6, colour=False)


class FaceSearch:
    """Decides what is searched in each frame, and searches it.

    Args:
        detector: Finds faces, or its name.
        width: Frames wider than this are shrunk to it for full searches; None for the detector's own.
        min_face: Smallest face that counts, as a share of the frame's height; None for whatever is found.
        every: Frames between full searches, or "auto": by measured cost (live), at fixed times (recordings).
        live: Whether frames come from a live source.

    Attributes:
        detector: Its name.
    """

    def __init__(
        self,
        detector: Detector | DetectorName = "auto",
        *,
        width: int | None = None,
        min_face: float | None = None,
        every: int | Literal["auto"] = "auto",
        live: bool = True,
    ) -> None:
        self._way = way_of(detector)
        self.detector = detector_name(self._way.full)
        self._width = width or self._way.width
        self._min_face = min_face or 0.0
        self._schedule = Schedule(every, live=live)
        self._vacant_searches = 0

    def search(self, frame: Frame, tracks: Sequence[Track]) -> tuple[list[Detection], list[Track]]:
        """Find the faces of the next frame: a full search when it is due, then near the tracks still missing.

        Args:
            frame: The frame.
            tracks: The faces known so far, where they are expected in this frame.

        Returns:
            The faces found, largest first, and the tracks that are where they are expected: found a moment ago and not
            looked for, or with the mouth covered.
        """
        faces: list[Face] = []
        unsearched: list[Track] = []
        following = bool(tracks) and all(track.seen for track in tracks)
        if self._schedule.due(frame.index, frame.time_s, following):
            started = time.perf_counter()
            faces = self._search_all(frame, tracks)
            self._schedule.searched(frame.index, frame.time_s, time.perf_counter() - started)
        else:
            unsearched = [track for track in tracks if _fresh(track, frame.time_s) and not crowded(track, tracks)]
        known = [face.box for face in faces]
        missing = [track for track in tracks if track not in unsearched and not _any_is(track.box, known)]
        # Longest unsearched first would need a clock of its own; longest unseen first does nearly the same.
        for track in sorted(missing, key=lambda track: track.seen_s)[:NEAR_MAX]:
            face = self._search_near(frame, track)
            # What one track finds near where it should be may be the face of another.
            if face is not None and not _any_is(face.box, [other.box for other in unsearched]):
                faces.append(face)
            elif face is None and not crowded(track, tracks) and _covered(track, frame.rgb):
                unsearched.append(track)
        least = self._min_face * frame.rgb.shape[0]
        return [
            Detection(face.box, appearance(frame.rgb, face.box), face.roll_deg, face.landmarks)
            for face in distinct(faces)
            if face.box.h >= least
        ], unsearched

    def restart(self) -> None:
        """Search the whole next frame (the scene changed)."""
        self._schedule.restart()

    def _search_all(self, frame: Frame, tracks: Sequence[Track]) -> list[Face]:
        """All faces of a frame, but YuNet's where a track is: they are looked for nearby, which also tells their roll.

        While there is nobody, every other search is one for faces that are hard to see.
        """
        image = self._shown(frame)
        scale = self._width / image.shape[1]
        view = shrunk(image, round(max(image.shape[:2]) * min(scale, 1.0)))
        detector = self._way.full
        if not isinstance(detector, YuNetDetector):
            return self._restored([view.restore(face) for face in detector.detect(view.image)], frame)
        across, down = image.shape[1] / frame.rgb.shape[1], image.shape[0] / frame.rgb.shape[0]
        known = [track.box.scaled(across, down) for track in tracks if track.number]

        def confirmed(base: View, view: View) -> list[Face]:
            hits = [view.restore(hit) for hit in detector.hits(view.image) if (hit.score or 0.0) >= FAIR]
            again = [closer(detector, base.image, hit) for hit in hits if not _any_is(hit.box, known)]
            return [base.restore(face) for face in again if face]

        whole = shrunk(image, max(image.shape[:2]))
        found = confirmed(whole, view)
        if not tracks and not found:
            self._vacant_searches += 1
            if self._vacant_searches % 4 == 1:
                found = confirmed(whole, shrunk(image, NEAR_PX))
            elif self._vacant_searches % 4 == 3:
                base = View(stretched(view.image), view.to_picture)
                found = confirmed(base, shrunk(base.image, MIDDLE_PX))
        return self._restored(found, frame)

    def _search_near(self, frame: Frame, track: Track) -> Face | None:
        """The face close to where one is expected, or None; rotated heads are shown to the detector upright."""
        image = self._shown(frame)
        across, down = image.shape[1] / frame.rgb.shape[1], image.shape[0] / frame.rgb.shape[0]
        box, way = track.box.scaled(across, down), self._way
        roll_deg = track.roll_deg if abs(track.roll_deg) >= LEVEL_DEG else 0.0

        def detect_at(turn: float) -> list[Face]:
            view = around(image, box, way.span, round(way.near_face_px * way.span), turn)
            return [view.restore(face) for face in way.near.detect(view.image)]

        found = detect_at(roll_deg)
        if isinstance(way.near, YuNetDetector) and not any(map(_clear, found)):
            found += filter(_clear, detect_at(roll_deg - ASIDE_DEG) + detect_at(roll_deg + ASIDE_DEG))
        face = max(found, key=lambda face: (face.score or 0.0) + box.iou(face.box), default=None)
        return face and self._restored([face], frame)[0]

    def _shown(self, frame: Frame) -> NDArray[np.uint8]:
        return frame.rgb if self._way.colour else frame.luma

    def _restored(self, faces: Sequence[Face], frame: Frame) -> list[Face]:
        """Faces in pixels of what the detector was shown, in pixels of the colour frame."""
        image = self._shown(frame)
        across, down = frame.rgb.shape[1] / image.shape[1], frame.rgb.shape[0] / image.shape[0]
        return [face.scaled(across, down) for face in faces]


def _clear(face: Face) -> bool:
    return (face.score or 0.0) >= CLEAR


def _covered(track: Track, rgb: NDArray[np.uint8]) -> bool:
    """Whether the upper half of a face is about where it is expected, though no detector shows a face there."""
    if track.appearance is None or not track.number:
        return False
    known, step = _upper_half(track.appearance), round(DRIFT * track.box.w)
    shifted = (
        replace(track.box, x=track.box.x + dx, y=track.box.y + dy) for dx, dy in product((0, -step, step), repeat=2)
    )
    return any(float(known @ _upper_half(appearance(rgb, box))) > COVERED for box in shifted)


def _upper_half(whole: NDArray[np.float32]) -> NDArray[np.float32]:
    """The upper half of an appearance without its mean, as a unit vector."""
    half = whole[: len(whole) // 2] - whole[: len(whole) // 2].mean()
    return np.asarray(half / max(float(np.linalg.norm(half)), 1e-6), np.float32)


def appearance(rgb: NDArray[np.uint8], box: Box) -> NDArray[np.float32]:
    """Appearance embedding of a face: a tiny colour picture of it without its mean, as a unit vector.

    Args:
        rgb: uint8 (H, W, 3).
        box: The face in pixels of ``rgb``.

    Returns:
        float32 (300,).
    """
    size = APPEARANCE_PX, APPEARANCE_PX
    tiny = cv2.resize(crop_face(rgb, box), size, interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    tiny -= tiny.mean()
    return tiny / max(float(np.linalg.norm(tiny)), 1e-6)


def _any_is(box: Box, others: Sequence[Box]) -> bool:
    return any(box.iou(other) > SAME_TRACK for other in others)


def _fresh(track: Track, time_s: float) -> bool:
    return bool(track.number) and track.seen and time_s - track.seen_s < NEAR_EVERY_S


__all__ = ["FaceSearch", "appearance"]

"""Identity of faces across frames.

Each track predicts where its face goes (constant velocity, kept by an alpha-beta filter); detections are paired with
tracks by overlap and distance from the prediction and by likeness of a tiny picture of the face.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge import types
from edge.stream.assignment import assign
from edge.stream.smoothing import Smoother
from edge.types import Box, Landmarks

CONFIRM_HITS = 3  # a detection must come back before it counts as a face
TENTATIVE_GAP_S = 0.25
POSITION_GAIN, VELOCITY_GAIN, SIZE_GAIN = 0.6, 0.15, 0.3  # of the alpha-beta filter
VELOCITY_FADE_S = 2.0  # an unseen face slows down
HELD_S, HELD_FADE_S = 0.06, 0.3  # a face that counts as seen, not found for so long, has its mouth covered: it stops
STEP_MIN_S = 0.03  # frames that come in a burst (network streams) tell nothing about speed
SPEED_MAX = 6.0  # face widths a second
NEAR = 0.7  # farthest pairing, in face widths, while a face is seen...
NEAR_PER_S = 0.8  # ...and what every unseen second adds
SIZE_RATIO = 1.8
LIKENESS_GAIN = 0.1
ROLL_GAIN = 0.5  # of roll and landmarks: a head turns quickly, and a detector's points tremble


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """A face found in one frame.

    Attributes:
        box: Where it is, in pixels.
        appearance: Unit vector, float32, where known.
        roll_deg: By how much the head is rotated clockwise.
        landmarks: Eyes, nose and mouth corners, in pixels, where known.
    """

    box: Box
    appearance: NDArray[np.float32] | None = None
    roll_deg: float = 0.0
    landmarks: Landmarks | None = None


@dataclass(slots=True, eq=False)
class Track:
    """One face that is followed. Positions in pixels, velocities in pixels a second.

    Attributes:
        number: Its identity, from 1; 0 until it is confirmed.
        first_s: When it was first seen.
        seen_s: When it was last seen.
        time_s: The moment at which it is expected where it is.
        emotion: Its smoothed probabilities.
        seen: Whether it was found in the newest frame.
        roll_deg: Smoothed turn of the head, clockwise.
        landmarks: Smoothed eyes, nose and mouth corners from the box's centre, in widths of the box: float64 (5, 2).
    """

    x: float
    y: float
    w: float
    h: float
    first_s: float
    seen_s: float
    time_s: float
    emotion: Smoother
    appearance: NDArray[np.float32] | None
    roll_deg: float
    landmarks: NDArray[np.float64] | None
    vx: float = 0.0
    vy: float = 0.0
    number: int = 0
    hits: int = 1
    seen: bool = True

    @property
    def face(self) -> types.Detection:
        """Where the face is now, with roll and landmarks."""
        points = self.landmarks
        if points is not None:
            points = points * self.w + (self.x, self.y)
        return types.Detection(self.box, self.roll_deg, None if points is None else tuple(map(tuple, points.tolist())))

    @property
    def box(self) -> Box:
        """Where the face is now."""
        return Box(round(self.x - self.w / 2), round(self.y - self.h / 2), round(self.w), round(self.h))

    def predict(self, time_s: float) -> None:
        """Move on to ``time_s``."""
        step_s = max(time_s - self.time_s, 0.0)
        self.x += self.vx * step_s
        self.y += self.vy * step_s
        held = self.seen and self.time_s - self.seen_s >= HELD_S
        if held or not self.seen:
            fade = math.exp(-step_s / (HELD_FADE_S if held else VELOCITY_FADE_S))
            self.vx *= fade
            self.vy *= fade
        self.time_s = time_s

    def correct(self, detection: Detection, crowded: bool) -> None:
        """Take in where the face was found."""
        x, y = detection.box.center
        off_x, off_y = x - self.x, y - self.y
        self.x += POSITION_GAIN * off_x
        self.y += POSITION_GAIN * off_y
        fastest, step_s = SPEED_MAX * self.w, max(self.time_s - self.seen_s, STEP_MIN_S)
        self.vx = min(max(self.vx + VELOCITY_GAIN * off_x / step_s, -fastest), fastest)
        self.vy = min(max(self.vy + VELOCITY_GAIN * off_y / step_s, -fastest), fastest)
        self.w += SIZE_GAIN * (detection.box.w - self.w)
        self.h += SIZE_GAIN * (detection.box.h - self.h)
        if detection.appearance is not None and not crowded:
            known = detection.appearance if self.appearance is None else self.appearance
            blend = known + LIKENESS_GAIN * (detection.appearance - known)
            self.appearance = np.divide(blend, max(float(np.linalg.norm(blend)), 1e-6))
        self._turn(detection)
        self.hits += 1
        self.seen, self.seen_s = True, self.time_s

    def _turn(self, detection: Detection) -> None:
        """Take in how the face was rotated."""
        off_deg = (detection.roll_deg - self.roll_deg + 180.0) % 360.0 - 180.0
        self.roll_deg = (self.roll_deg + ROLL_GAIN * off_deg + 180.0) % 360.0 - 180.0
        if detection.landmarks is not None:
            points = relative(detection.landmarks, detection.box)
            known = points if self.landmarks is None else self.landmarks
            self.landmarks = known + ROLL_GAIN * (points - known)


class Tracker:
    """Follows any number of faces.

    Args:
        smoother: Makes the smoother of a new track.
        gap_s: A face not seen for so long is gone; its track ends.

    Attributes:
        tracks: All tracks, also those not confirmed yet.
    """

    def __init__(self, smoother: Callable[[], Smoother] = Smoother, *, gap_s: float = 1.5) -> None:
        self.tracks: list[Track] = []
        self._smoother = smoother
        self._gap_s = gap_s
        self._last_number = 0

    @property
    def confirmed(self) -> list[Track]:
        """Tracks that have a number, in its order."""
        return sorted((track for track in self.tracks if track.number), key=lambda track: track.number)

    def predict(self, time_s: float) -> None:
        """Move all tracks to where they should be at ``time_s``; comes before ``update`` of the same frame."""
        for track in self.tracks:
            track.predict(time_s)

    def update(
        self, detections: Sequence[Detection], time_s: float, unsearched: Sequence[Track] = ()
    ) -> tuple[list[Track], list[Track]]:
        """Pair one frame's detections with the tracks.

        Args:
            detections: Faces found in this frame.
            time_s: Its time.
            unsearched: Tracks that were not looked for; they count as seen where they are expected.

        Returns:
            Tracks confirmed with this frame, and confirmed tracks that ended.
        """
        self.predict(time_s)
        for track in self.tracks:
            track.seen = track in unsearched
        open_ones = list(detections)
        # Faces that are known come first; candidates get what they leave.
        searched = [track for track in self.confirmed if track not in unsearched]
        for group in (searched, [track for track in self.tracks if not track.number]):
            paired = self._pair(group, open_ones)
            for track, detection in paired:
                track.correct(detection, crowded=crowded(track, self.tracks))
            taken = {id(detection) for _, detection in paired}
            open_ones = [detection for detection in open_ones if id(detection) not in taken]
        self.tracks += [self._begin(detection, time_s) for detection in open_ones]
        return self._confirm(), self._expire(time_s)

    def clear(self) -> list[Track]:
        """End all tracks; the confirmed ones are returned."""
        ended, self.tracks = self.confirmed, []
        return ended

    def _pair(self, tracks: list[Track], detections: list[Detection]) -> list[tuple[Track, Detection]]:
        cost = np.array([[_cost(track, one) for one in detections] for track in tracks], dtype=np.float64)
        return [(tracks[row], detections[column]) for row, column in assign(cost.reshape(len(tracks), len(detections)))]

    def _begin(self, detection: Detection, time_s: float) -> Track:
        (x, y), box = detection.box.center, detection.box
        return Track(
            *(x, y, box.w, box.h),
            *(time_s, time_s, time_s),
            emotion=self._smoother(),
            appearance=detection.appearance,
            roll_deg=detection.roll_deg,
            landmarks=None if detection.landmarks is None else relative(detection.landmarks, box),
        )

    def _confirm(self) -> list[Track]:
        new = [track for track in self.tracks if not track.number and track.hits >= CONFIRM_HITS]
        for track in new:
            self._last_number += 1
            track.number = self._last_number
        return new

    def _expire(self, time_s: float) -> list[Track]:
        def gone(track: Track) -> bool:
            return time_s - track.seen_s > (self._gap_s if track.number else TENTATIVE_GAP_S)

        ended = [track for track in self.confirmed if gone(track)]
        self.tracks = [track for track in self.tracks if not gone(track)]
        return ended


def _cost(track: Track, detection: Detection) -> float:
    """How badly a detection fits a track; infinite where it cannot be the same face."""
    found = detection.box
    x, y = found.center
    away = math.hypot(x - track.x, y - track.y) / ((track.w + found.w) / 2)
    reach = NEAR + NEAR_PER_S * (track.time_s - track.seen_s)
    ratio = max(track.w, found.w) / max(min(track.w, found.w), 1)
    if away > reach or ratio > SIZE_RATIO:
        return math.inf
    cost = away - track.box.iou(found)
    if track.appearance is not None and detection.appearance is not None:
        cost -= float(track.appearance @ detection.appearance)
    return cost


def relative(landmarks: Landmarks, box: Box) -> NDArray[np.float64]:
    """Points from a box's centre, in its widths: float64 (N, 2)."""
    return (np.array(landmarks, np.float64) - box.center) / max(box.w, 1)


def crowded(track: Track, tracks: Iterable[Track]) -> bool:
    """Whether another face, seen or not, overlaps this one: its appearance and its place are not to be trusted."""
    return any(other is not track and other.box.iou(track.box) > 0.05 for other in tracks)


__all__ = ["Detection", "Track", "Tracker", "crowded"]

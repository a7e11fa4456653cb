"""What a stream does with one frame: search, follow, read, smooth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from edge.reader import FaceReader
from edge.sources.base import Frame
from edge.stream.scene import Scene
from edge.stream.search import NEAR_EVERY_S, FaceSearch
from edge.stream.smoothing import Smoother
from edge.stream.tracker import Track, Tracker
from edge.types import Face, FrameResult, TrackEvent

if TYPE_CHECKING:
    from edge.classifier import Classifier
    from edge.detectors import Detector, DetectorName

REPORT_UNSEEN_S = 0.15  # a face that detection misses is still reported for so long


class Engine:
    """Turns the frames of one stream, in order, into results.

    Args:
        detector: Finds faces, or its name; see ``edge.detectors.make_detector``.
        classifier: Reads emotions.
        live: Whether frames come from a live source.
        detect_every: Frames between full searches, or "auto": by measured cost (live), at fixed times (recordings).
        detect_width: Full searches shrink the picture to this width in pixels; None for 480, or 320 with the cascade.
        min_face: Smallest face that counts, as a share of the picture's height; None for whatever is found.
        threshold: Confidence from which a prediction is confident; None for the model's own.
        faces: ``all``, or only the ``largest`` of each frame.
        smooth_s: Time constant of the smoothing; 0 for none.
        hold_s: How long another label must lead before it is shown, while it is close to the shown one.
    """

    def __init__(
        self,
        detector: Detector | DetectorName,
        classifier: Classifier,
        *,
        live: bool = True,
        detect_every: int | Literal["auto"] = "auto",
        detect_width: int | None = None,
        min_face: float | None = None,
        threshold: float | None = None,
        faces: Literal["all", "largest"] = "all",
        smooth_s: float = 0.8,
        hold_s: float = 0.5,
    ) -> None:
        self._reader = FaceReader(classifier, threshold)
        self._largest = faces == "largest"
        self._search = FaceSearch(detector, width=detect_width, min_face=min_face, every=detect_every, live=live)
        self._tracker = Tracker(lambda: Smoother(smooth_s, hold_s) if smooth_s else Smoother(0, 0))
        self._scene = Scene()
        self._announced: set[int] = set()
        self._size = (0, 0)
        self._time_s = 0.0

    def process(self, frame: Frame, source: str = "") -> FrameResult:
        """Read one frame; its ``time_s`` is the stream's clock."""
        size = frame.rgb.shape[1], frame.rgb.shape[0]
        events: list[TrackEvent] = []
        started = time.perf_counter()
        frame = replace(frame, gray=frame.luma)
        self._scene.update(frame.luma)
        if size != self._size or frame.time_s < self._time_s or self._scene.cut:
            events += self.reset()
        self._size, self._time_s = size, frame.time_s
        self._tracker.predict(frame.time_s)
        detections, unsearched = ([], []) if self._scene.dark else self._search.search(frame, self._tracker.tracks)
        _, ended = self._tracker.update(detections, frame.time_s, unsearched)
        found = time.perf_counter()
        shown = self._shown(frame.time_s)
        raw, changed = self._read(frame, shown)
        done = time.perf_counter()
        # A track is announced with its first prediction that is shown.
        new = [track for track in shown if track.emotion.ready and track.number not in self._announced]
        self._announced |= {track.number for track in new}
        events += [self._event("new", track) for track in new]
        events += [self._event("update", track) for track in changed if track not in new]
        events += self._ends(ended)
        return FrameResult(
            source,
            *size,
            faces=tuple(self._face(track, raw.get(track.number)) for track in shown if track.emotion.ready),
            frame=frame.index,
            time_s=frame.time_s,
            state="dark" if self._scene.dark else "ok",
            events=tuple(events),
            detector=self._search.detector,
            timing_ms={"detect": (found - started) * 1000, "classify": (done - found) * 1000},
        )

    def reset(self) -> list[TrackEvent]:
        """Forget all faces (the scene changed, or the camera was lost); their ends are returned."""
        self._search.restart()
        return self._ends(self._tracker.clear())

    def _ends(self, tracks: Sequence[Track]) -> list[TrackEvent]:
        gone = [track for track in tracks if track.number in self._announced]
        self._announced -= {track.number for track in gone}
        return [self._event("end", track) for track in gone]

    def _shown(self, time_s: float) -> list[Track]:
        tracks = [track for track in self._tracker.confirmed if track.seen or time_s - track.seen_s <= REPORT_UNSEEN_S]
        if self._scene.dark:
            return []
        if self._largest and tracks:
            return [max(tracks, key=lambda track: track.w * track.h)]
        return tracks

    def _read(self, frame: Frame, tracks: Sequence[Track]) -> tuple[dict[int, NDArray[np.float32]], list[Track]]:
        """Classify the faces found just now; their probabilities by number, and the tracks whose label changed."""
        seen = [track for track in tracks if track.seen and frame.time_s - track.seen_s < NEAR_EVERY_S]
        if not seen:
            return {}, []
        rows = self._reader.probabilities(frame.rgb, [track.face for track in seen])
        changed = [track for track, row in zip(seen, rows, strict=True) if track.emotion.update(row, frame.time_s)]
        return {track.number: row for track, row in zip(seen, rows, strict=True)}, changed

    def _face(self, track: Track, raw: NDArray[np.float32] | None) -> Face:
        emotion = track.emotion
        return self._reader.face(
            track.face,
            self._size,
            emotion.probabilities,
            emotion=emotion.shown,
            track=track.number,
            raw=raw,
        )

    def _event(self, kind: str, track: Track) -> TrackEvent:
        emotion = track.emotion
        confidence = float(emotion.probabilities[emotion.shown])
        at_s = track.seen_s
        return TrackEvent(
            kind, track.number, at_s, self._reader.classifier.labels[emotion.shown], confidence, at_s - track.first_s
        )


__all__ = ["Engine"]

"""Video files, read through OpenCV."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from edge.errors import RecordingError, SourceError
from edge.opencv import cv2
from edge.sources.base import Frame, SourceBase
from edge.sources.extent import bytes_missing

FAILURES_MAX = 30  # so many failed reads in a row are the end
FPS_MAX = 240.0  # containers without a rate say 1000 and more
FPS_UNKNOWN = 25.0
TAIL_S = 0.2  # an AVI whose last frames are missing for longer than this was cut short


class VideoSource(SourceBase):
    """A recording: every frame, upright, at the time that it bears.

    Damaged frames are left out, each gap with a SourceError; frames missing at the end are a RecordingError.

    Args:
        path: Any file that OpenCV's FFmpeg reads.
    """

    live = False

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self.name = str(path)
        self._capture: cv2.VideoCapture | None = None
        self._held: Frame | None = None
        self._delivered = 0
        self._last_s = 0.0

    @property
    def fps(self) -> float:
        """Nominal frames a second; raises SourceError for a file that is no video."""
        capture = self._opened()
        fps = _rate(capture)
        capture.release()
        return fps

    def open(self) -> None:
        """Open the file; raises SourceError."""
        self._capture, self._held = self._opened(), None
        self._delivered = 0
        self._last_s = 0.0

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, or None after the last.

        Raises:
            SourceError: Frames before the next one are damaged.
            RecordingError: There is no frame at all, or the recording ends early.
        """
        if self._capture is None:
            raise SourceError(f"{self.name} is not open")
        if self._held is not None:
            frame, self._held = self._held, None
            return frame
        started = time.perf_counter()
        failures = 0
        while True:
            good, bgr = self._capture.read()
            if good and bgr is not None:
                break
            failures += 1
            if failures == FAILURES_MAX:
                self._check_end(self._capture)
                return None
        color = cv2.COLOR_GRAY2RGB if bgr.ndim == 2 else cv2.COLOR_BGR2RGB
        rgb = np.asarray(cv2.cvtColor(bgr, color), dtype=np.uint8)
        before_s, time_s = self._last_s, self._time_s(self._capture)
        self._last_s = time_s
        self._delivered += 1
        frame = Frame(rgb, time_s, read_ms=(time.perf_counter() - started) * 1000)
        if not failures:
            return frame
        self._held = frame
        frames = "frame" if failures == 1 else f"{failures} frames"
        raise SourceError(f"{self.name}: damaged {frames} between {before_s:.2f} and {time_s:.2f} s")

    def close(self) -> None:
        """Close the file."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _opened(self) -> cv2.VideoCapture:
        if not self._path.is_file():
            raise SourceError(f"no such video: {self._path}; give an existing file, a camera number or an address")
        # As an absolute path no name looks like an address or a number to FFmpeg.
        capture = cv2.VideoCapture(str(self._path.absolute()), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            cut = bytes_missing(self._path)
            why = f"it is cut short, {cut} bytes are missing" if cut else "give a file that FFmpeg can decode"
            raise SourceError(f"cannot read {self._path} as a video; {why}")
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # OpenCV 4.11 leaves phones' videos on their side otherwise
        return capture

    def _time_s(self, capture: cv2.VideoCapture) -> float:
        """When the frame just read is to be shown; streams without times get them from their rate."""
        time_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if self._delivered and not time_s > self._last_s:
            return self._last_s + 1 / _rate(capture)
        return max(time_s, 0.0)

    def _check_end(self, capture: cv2.VideoCapture) -> None:
        cut = bytes_missing(self._path)
        if self._delivered == 0:
            why = f": it is cut short, {cut} bytes are missing" if cut else ""
            raise RecordingError(f"{self.name} holds no frame that can be decoded{why}")
        ends_s = self._last_s + 1 / _rate(capture)
        if cut:
            raise RecordingError(f"{self.name} is cut short after {ends_s:.2f} s: {cut} bytes are missing")
        # AVI counts its frames; elsewhere the number also holds what is not to be shown, or is a guess.
        with self._path.open("rb") as file:
            counted = file.read(4) == b"RIFF"
        length_s = capture.get(cv2.CAP_PROP_FRAME_COUNT) / _rate(capture)
        if counted and length_s - ends_s > TAIL_S:
            raise RecordingError(
                f"{self.name} is damaged: nothing can be decoded after {ends_s:.2f} of {length_s:.2f} s"
            )


def _rate(capture: cv2.VideoCapture) -> float:
    fps = capture.get(cv2.CAP_PROP_FPS)
    return fps if 0 < fps <= FPS_MAX else FPS_UNKNOWN


__all__ = ["VideoSource"]

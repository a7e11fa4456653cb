"""Pictures with the results drawn in: as a video file, or as MJPEG on standard output."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.annotate import annotate
from edge.errors import OutputError
from edge.opencv import cv2
from edge.types import FrameResult

log = logging.getLogger(__name__)

GAP_S = 10.0  # longer gaps (a camera that was away) are not filled with still pictures
CHECK_S = 1.0
ROOM_BYTES = 4 << 20


class VideoSink:
    """Writes an annotated video; a picture of another size starts another file (``name-2.mp4``).

    It plays at the speed of the source: pictures are repeated or left out by their times. What is written survives a
    kill but for the last moments: MP4 goes to the file in fragments of 12 frames; ``.mkv`` and ``.avi`` are readable
    without an end, and FFmpeg holds back up to 256 kB of them.

    Args:
        path: ``.mp4``, ``.avi`` or ``.mkv``.
        fps: Frames a second of the file.

    Raises:
        OutputError: The file cannot be written; also by ``write`` and ``close``, when the disk is full.
    """

    def __init__(self, path: Path, *, fps: float = 25.0) -> None:
        if path.suffix.lower() not in _CODECS:
            raise OutputError(f"cannot write {path} as a video; wanted a name that ends in {', '.join(_CODECS)}")
        if not path.parent.is_dir():
            raise OutputError(f"cannot write {path}: {path.parent} is no folder; make it first")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise OutputError(f"cannot write {path}: {path.parent} may not be written; give another place")
        self._path = path
        self._fps = fps
        self._writer: _Writer | None = None
        self._part = path
        self._size = (0, 0)
        self._parts = self._written = 0
        self._began_s = self._checked_s = 0.0
        self._last: NDArray[np.uint8] | None = None

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Add one picture with its faces marked."""
        if rgb is None:
            return
        size, time_s = (rgb.shape[1], rgb.shape[0]), result.time_s or 0.0
        if self._writer is None or size != self._size or time_s < self._began_s:
            self._start(size, time_s)
        due = round((time_s - self._began_s) * self._fps)  # frames before this one
        if due - self._written > GAP_S * self._fps:
            log.warning("%s: a gap of %.0f s is left out", self._part, (due - self._written) / self._fps)
            self._began_s += (due - self._written) / self._fps
            due = self._written
        if due < self._written:
            return  # the source is faster than the file
        for _ in range(due - self._written):
            self._add(self._last)
        self._last = np.asarray(cv2.cvtColor(annotate(rgb, result), cv2.COLOR_RGB2BGR), np.uint8)
        self._add(self._last)
        if time.monotonic() - self._checked_s > CHECK_S:
            self._check_room()

    def reopen(self) -> None:
        """A video cannot be continued elsewhere: nothing happens."""

    def close(self) -> None:
        """Finish the file; raises OutputError where less than was given to it can be read again."""
        if self._writer is None:
            return
        error = self._writer.close()
        self._writer = self._last = None
        if error:
            raise OutputError(f"the video {self._part} ends here: {error.strerror}")
        capture = cv2.VideoCapture(str(self._part.absolute()), cv2.CAP_FFMPEG)
        there = capture.get(cv2.CAP_PROP_FRAME_COUNT) if capture.isOpened() else 0
        capture.release()
        if there < max(self._written - 1, 1):  # the count may be one short
            raise OutputError(
                f"the video {self._part} holds {max(there, 0):.0f} of {self._written} frames: it could not be written "
                "to its end; is the disk full?"
            )

    def _add(self, bgr: NDArray[np.uint8] | None) -> None:
        if self._writer is not None and bgr is not None:
            self._writer.write(bgr)
            self._written += 1
            if self._writer.error:
                self.close()

    def _check_room(self) -> None:
        """OpenCV says nothing when the disk is full, so the file is finished before it is."""
        self._checked_s = time.monotonic()
        room = os.statvfs(self._part.parent)
        if room.f_bavail * room.f_frsize < ROOM_BYTES:
            self.close()
            raise OutputError(f"the disk is full: the video {self._part} ends here")

    def _start(self, size: tuple[int, int], time_s: float) -> None:
        self.close()
        self._parts += 1
        self._size, self._began_s, self._written = size, time_s, 0
        self._part = self._path if self._parts == 1 else self._path.with_stem(f"{self._path.stem}-{self._parts}")
        self._check_room()
        self._writer = _Writer(self._part, self._fps, size)


class _Writer:
    """OpenCV's writer of a file; an MP4 comes through a pipe, in fragments.

    OpenCV cannot ask FFmpeg for fragments, but the name ``.ismv`` does. Of a file FFmpeg holds back up to 256 kB, which
    can be a minute of a quiet scene; what it gives to a pipe it gives at once.

    Attributes:
        error: Why the file cannot grow, once that is so.
    """

    def __init__(self, path: Path, fps: float, size: tuple[int, int]) -> None:
        self.error: OSError | None = None
        self._thread: threading.Thread | None = None
        codec = cv2.VideoWriter.fourcc(*_CODECS[path.suffix.lower()])
        with tempfile.TemporaryDirectory() as folder:
            name = path.absolute()
            try:
                file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
                if path.suffix.lower() == ".mp4":
                    name = Path(folder) / "video.ismv"
                    os.mkfifo(name)
                    pipe = os.open(name, os.O_RDONLY | os.O_NONBLOCK)  # does not wait for the other end
                    self._thread = threading.Thread(target=self._carry, args=(pipe, file), daemon=True)
                else:
                    os.close(file)
            except OSError as error:
                raise OutputError(f"cannot write the video {path}: {error.strerror}") from error
            self._writer = cv2.VideoWriter(str(name), cv2.CAP_FFMPEG, codec, fps, size)
        if self._thread:
            self._thread.start()
        if not self._writer.isOpened():
            self.close()
            raise OutputError(
                f"cannot write the video {path}: FFmpeg takes no frames of {size[0]}x{size[1]} pixels; "
                "give smaller ones, or a name that ends in .avi"
            )

    def write(self, bgr: NDArray[np.uint8]) -> None:
        """Add a frame."""
        self._writer.write(bgr)

    def close(self) -> OSError | None:
        """Finish the file; gives `error`."""
        self._writer.release()
        if self._thread:
            self._thread.join()
        return self.error

    def _carry(self, pipe: int, file: int) -> None:
        """From the pipe to the file, to the end: a pipe that nobody empties would hold the writer up."""
        os.set_blocking(pipe, True)
        with open(pipe, "rb", buffering=0) as source, open(file, "wb", buffering=0) as target:
            while data := source.read(1 << 16):
                try:
                    while data and not self.error:
                        data = data[target.write(data) :]
                except OSError as error:
                    self.error = error


class MjpegSink:
    """Writes annotated pictures to standard output, JPEG after JPEG.

    Args:
        quality: JPEG quality, 1 to 100.
    """

    def __init__(self, *, quality: int = 85) -> None:
        self._quality = quality

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Write one picture; raises BrokenPipeError when nobody reads."""
        if rgb is None:
            return
        bgr = cv2.cvtColor(annotate(rgb, result), cv2.COLOR_RGB2BGR)
        good, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        if good:
            left = memoryview(data.tobytes())
            while left:
                left = left[os.write(sys.stdout.fileno(), left) :]

    def reopen(self) -> None:
        """Nothing to open anew."""

    def close(self) -> None:
        """Standard output stays open."""


_CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "mp4v"}

__all__ = ["MjpegSink", "VideoSink"]

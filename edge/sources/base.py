"""What a frame and a source of frames are."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceError
from edge.preprocess import to_gray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a stream. Sources never write to a frame again once they have delivered it.

    Attributes:
        rgb: (H, W, 3) uint8, red first.
        time_s: Seconds on the source's own clock: ``time.monotonic()`` at capture for live sources, the position in the
            recording for files.
        index: Running number, from 0.
        gray: (h, w) uint8 luma of the same view where the camera gives it for free, of any size; else None.
        captured_s: ``time.monotonic()`` when the frame was delivered; ages are counted from here.
        read_ms: How long the source took to fetch and convert it.
    """

    rgb: NDArray[np.uint8]
    time_s: float
    index: int = 0
    gray: NDArray[np.uint8] | None = None
    captured_s: float = field(default_factory=time.monotonic)
    read_ms: float = 0.0

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8 or self.rgb.size == 0:
            raise SourceError(
                f"the source delivered a frame of shape {self.rgb.shape}, {self.rgb.dtype}; wanted (H, W, 3), uint8"
            )

    @property
    def luma(self) -> NDArray[np.uint8]:
        """``gray``, or computed from ``rgb`` where the camera gives none: uint8 (h, w)."""
        return to_gray(self.rgb) if self.gray is None else self.gray


@runtime_checkable
class FrameSource(Protocol):
    """Delivers frames. Made without touching the device, so that a copy can be opened again after a fault.

    Attributes:
        name: What results call it: file name, camera or address (without a password).
        live: True where the world goes on without us: the newest frame counts and older ones may be skipped. False for
            recordings, of which every frame is delivered.
    """

    name: str
    live: bool

    def open(self) -> None:
        """Get ready to deliver frames; raises SourceError."""

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, or None at the end of a recording.

        Raises:
            CameraLostError: No frame came within ``timeout_s``, or the device is gone.
        """

    def close(self) -> None:
        """Let the device go; harmless when it is not open."""


class SourceBase:
    """A source is its own context manager."""

    def open(self) -> None:
        """Get ready to deliver frames."""

    def close(self) -> None:
        """Let the device go."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def frame_rate(source: FrameSource) -> float | None:
    """Frames a second that a source stands for (its ``fps``), or None where it does not say; raises SourceError."""
    return getattr(source, "fps", None)


__all__ = ["Frame", "FrameSource", "SourceBase", "frame_rate"]

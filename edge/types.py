"""What travels through the pipeline: boxes, faces and the result of one picture or frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.images import Picture

SCHEMA = 1
Landmarks = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the picture it was found in; (x, y) is the top left corner."""

    x: int
    y: int
    w: int
    h: int

    @property
    def area(self) -> int:
        """Area in pixels."""
        return self.w * self.h

    @property
    def center(self) -> tuple[float, float]:
        """Centre (x, y) in pixels."""
        return self.x + self.w / 2, self.y + self.h / 2

    def iou(self, other: Box) -> float:
        """Intersection over union with another box, 0 to 1."""
        width = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        height = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)

    def scaled(self, across: float, down: float) -> Box:
        """This box in a picture that is so many times as wide and as high."""
        if across == 1 and down == 1:
            return self
        left, top = round(self.x * across), round(self.y * down)
        return Box(left, top, round((self.x + self.w) * across) - left, round((self.y + self.h) * down) - top)

    def clipped(self, width: int, height: int) -> Box:
        """What of this box lies in a picture of that size; one pixel at least."""
        x, y = min(max(self.x, 0), width - 1), min(max(self.y, 0), height - 1)
        return Box(x, y, max(min(self.x + self.w, width) - x, 1), max(min(self.y + self.h, height) - y, 1))

    def to_list(self) -> list[int]:
        """``[x, y, w, h]``."""
        return [self.x, self.y, self.w, self.h]


@dataclass(frozen=True, slots=True)
class Detection:
    """A face that was found, before it is read.

    Attributes:
        box: Where it is, in pixels of the picture; the frame of its crop, so it may reach over the picture's edge.
        roll_deg: By how much the head is turned clockwise in the picture, in degrees; 0 where that is not known.
        landmarks: (x, y) in pixels of the picture: the eye on the face's right, the other eye, tip of the nose, the
            mouth's corner on the face's right, the other corner; None where they are not known.
        score: How sure the detector is, 0 to 1; None where it does not say.
    """

    box: Box
    roll_deg: float = 0.0
    landmarks: Landmarks | None = None
    score: float | None = None

    def scaled(self, across: float, down: float) -> Detection:
        """This face in a picture that is so many times as wide and as high."""
        points = self.landmarks and tuple((x * across, y * down) for x, y in self.landmarks)
        return Detection(self.box.scaled(across, down), self.roll_deg, points, self.score)


@dataclass(frozen=True, slots=True)
class Face:
    """One face and what it shows.

    Attributes:
        box: Where the face is, in pixels of the source picture.
        emotion: The label that is shown: the most probable one; in a stream, for a moment, one close to it.
        confidence: Its probability, 0 to 1.
        confident: Whether the largest probability reaches the threshold.
        probabilities: Label to probability, in the model's order; sums to 1.
        track: Identity across frames; None for single pictures.
        raw: This frame's own probabilities, when ``probabilities`` are smoothed over time.
        roll_deg: By how much the head is turned clockwise in the picture, in degrees; 0 where that is not known.
        landmarks: Both eyes, nose and mouth corners as (x, y) in pixels, as in ``Detection``; None where not known.
    """

    box: Box
    emotion: str
    confidence: float
    confident: bool
    probabilities: Mapping[str, float]
    track: int | None = None
    raw: Mapping[str, float] | None = None
    roll_deg: float = 0.0
    landmarks: Landmarks | None = None

    def to_dict(self) -> dict[str, Any]:
        """This face as plain JSON values."""
        result: dict[str, Any] = {} if self.track is None else {"track": self.track}
        result |= {
            "box": self.box.to_list(),
            "roll_deg": round(self.roll_deg, 1),
            "landmarks": self.landmarks and [[round(x, 1), round(y, 1)] for x, y in self.landmarks],
            "emotion": self.emotion,
            "confidence": round(self.confidence, 4),
            "confident": self.confident,
            "probabilities": _rounded(self.probabilities, 4),
        }
        if self.raw is not None:
            result["raw"] = _rounded(self.raw, 4)
        return result


@dataclass(frozen=True, slots=True)
class TrackEvent:
    """Something that happened to a face of a stream.

    Attributes:
        kind: ``new`` (a face is followed from here on), ``update`` (its shown label changed) or ``end`` (it is gone).
        track: Identity of the face.
        time_s: When, on the stream's clock, in seconds; for ``end`` when the face was last seen.
        emotion: The label shown from here on; for ``end`` the last one.
        confidence: Its smoothed probability, 0 to 1.
        duration_s: Seconds since the face was first seen.
    """

    kind: str
    track: int
    time_s: float
    emotion: str
    confidence: float
    duration_s: float

    def to_dict(self) -> dict[str, Any]:
        """This event as plain JSON values."""
        return {
            "event": self.kind,
            "track": self.track,
            "time_s": round(self.time_s, 3),
            "emotion": self.emotion,
            "confidence": round(self.confidence, 4),
            "duration_s": round(self.duration_s, 3),
        }


@dataclass(frozen=True, slots=True)
class FrameResult:
    """All faces of one picture, or of one frame of a stream.

    Attributes:
        source: File name, camera or address the picture came from.
        width: Picture width in pixels.
        height: Picture height in pixels.
        faces: Largest first for pictures, by track for streams.
        fallback: No face was found, so the whole picture was classified (pictures only).
        error: Why the picture could not be read, or None.
        timing_ms: Stage to milliseconds.
        detector: What looked for faces: ``yunet``, ``haar``, ``none``, or the name of another's class.
        frame: Running number of the frame in its stream; None for single pictures.
        time_s: Time of the frame since the stream began, in seconds.
        state: ``ok``, ``dark``, ``reconnecting``...: what the stream is doing.
        events: Faces that came, changed their label or went with this frame (streams only).
        image: The frame itself, uint8 (H, W, 3) RGB, where ``Pipeline.follow`` gave the result; else None.
        captured_s: ``time.monotonic()`` when the source delivered the frame (streams only).
    """

    source: str
    width: int
    height: int
    faces: tuple[Face, ...] = ()
    fallback: bool = False
    error: str | None = None
    timing_ms: Mapping[str, float] = field(default_factory=dict)
    detector: str | None = None
    frame: int | None = None
    time_s: float | None = None
    state: str = "ok"
    events: tuple[TrackEvent, ...] = ()
    image: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
    captured_s: float | None = field(default=None, repr=False, compare=False)

    def draw(self, picture: Picture | None = None, *, bgr: bool = False) -> NDArray[np.uint8]:
        """Draw boxes, emotions and confidences into a copy of the picture.

        Args:
            picture: What was analyzed, in any form that ``Pipeline.analyze`` takes; None for the result's own frame.
            bgr: An array's colours are in OpenCV's order, blue first; so are the drawn one's then.

        Returns:
            uint8 (H, W, 3), RGB or, with ``bgr``, blue first; smaller than the picture where that was reduced.

        Raises:
            ImageError: There is no picture, it cannot be read, or it has another size than the one analyzed.
        """
        from edge.annotate import annotate
        from edge.errors import ImageError
        from edge.images import as_image

        if picture is None and self.image is None:
            raise ImageError("there is nothing to draw into; give draw() the picture that was analyzed")
        image = as_image(self.image if picture is None else picture, bgr=bgr and picture is not None)  # type: ignore[arg-type]
        if (image.width, image.height) != (self.width, self.height):
            raise ImageError(
                f"draw() got a picture of {image.width}x{image.height} pixels; wanted the one that was analyzed, "
                f"{self.width}x{self.height}"
            )
        drawn = annotate(image.rgb, self)
        return drawn[:, :, ::-1].copy() if bgr else drawn

    def to_dict(self) -> dict[str, Any]:
        """This result as plain JSON values, schema 1: a picture, or a frame when ``frame`` is set."""
        result: dict[str, Any] = {"schema": SCHEMA, "source": self.source}
        size = {"width": self.width, "height": self.height}
        if self.frame is None:
            result |= size | {"detector": self.detector, "fallback": self.fallback, "error": self.error}
        else:
            result |= {"frame": self.frame, "time_s": round(self.time_s or 0.0, 3), **size}
            result |= {"detector": self.detector, "state": self.state}
        result["faces"] = [face.to_dict() for face in self.faces]
        if self.events:
            result["events"] = [event.to_dict() for event in self.events]
        result["timing_ms"] = _rounded(self.timing_ms, 2)
        return result


def _rounded(values: Mapping[str, float], digits: int) -> dict[str, float]:
    return {name: round(value, digits) for name, value in values.items()}


__all__ = ["SCHEMA", "Box", "Detection", "Face", "FrameResult", "Landmarks", "TrackEvent"]

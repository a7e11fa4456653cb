"""What tests need to show an engine a face, and to tell it what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edge.sources.base import Frame
from edge.stream.engine import Engine
from edge.types import Box, Detection, Face, FrameResult

FACE = Box(178, 67, 92, 92)  # of the bundled photo
PLACE = Box(100, 60, 80, 80)
ANGRY, HAPPY = (255, 235, 230), (235, 255, 230)  # what the model `mean_color` calls so, each close to the other


class ScriptedDetector:
    """Finds what it is told to find, in whole frames of 320 by 240."""

    def __init__(self, *boxes: Box) -> None:
        self.boxes, self.searches, self.near = list(boxes), 0, 0

    def detect(self, image: np.ndarray) -> list[Detection]:
        """What it was told."""
        whole = image.shape[:2] == (240, 320)
        self.searches += whole
        self.near += not whole
        return [Detection(box) for box in self.boxes] if whole else []


def scene(colour: Any = None) -> np.ndarray:
    """An uneven wall, and a face of one colour before it, or nobody."""
    wall = np.tile(np.linspace(20, 230, 320).astype(np.uint8)[None, :, None], (240, 1, 3))
    if colour is not None:
        wall[60:140, 100:180] = colour
    return wall


def show(engine: Engine, colours: Sequence[Any], start_s: float = 0.0, first: int = 0) -> list[FrameResult]:
    """Results of scenes with faces of these colours, 25 a second."""
    frames = ((index, scene(colour)) for index, colour in enumerate(colours, first))
    return [engine.process(Frame(picture, start_s + index / 25, index)) for index, picture in frames]


def only_face(result: FrameResult) -> Face:
    """The one face of a result."""
    (face,) = result.faces
    return face

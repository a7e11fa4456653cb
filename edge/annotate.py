"""Draws results into a picture: a box a face, with its emotion and confidence."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edge.types import Face, FrameResult

# RGB; also told apart by those who see red and green alike (palette of Okabe and Ito, 2008).
COLORS = {
    "Angry": (213, 94, 0),
    "Happy": (240, 200, 50),
    "Neutral": (205, 205, 205),
    "Sad": (86, 170, 233),
    "Surprise": (214, 130, 180),
}
_DARK = (24, 24, 24)
_OTHER = (255, 255, 255)


def annotate(image_rgb: NDArray[np.uint8], result: FrameResult) -> NDArray[np.uint8]:
    """Draw boxes, emotions and confidences.

    Args:
        image_rgb: uint8 (H, W, 3), the picture or a reduced copy of it; stays as it is.
        result: What was found in it.

    Returns:
        A drawn-on copy, uint8 (H, W, 3). A guess below the threshold carries a question mark.
    """
    image = Image.fromarray(np.ascontiguousarray(image_rgb))
    draw = ImageDraw.Draw(image)
    for face in reversed(result.faces):  # the largest on top
        box = face.box.scaled(
            image.width / (result.width or image.width), image.height / (result.height or image.height)
        )
        _draw_face(draw, replace(face, box=box), image.size)
    return np.array(image)


def label_text(face: Face) -> str:
    """``Happy 93%``, or ``Happy 31%?`` for a guess."""
    return f"{face.emotion} {face.confidence:.0%}{'' if face.confident else '?'}"


def _draw_face(draw: ImageDraw.ImageDraw, face: Face, size: tuple[int, int]) -> None:
    width, height = size
    color = COLORS.get(face.emotion, _OTHER)
    line = max(2, round(min(size) / 200))
    left, top = max(face.box.x, 0), max(face.box.y, 0)
    right, bottom = min(face.box.x + face.box.w, width) - 1, min(face.box.y + face.box.h, height) - 1
    draw.rounded_rectangle((left, top, right, bottom), radius=2 * line, outline=color, width=line)

    text = label_text(face)
    pixels = max(13, round(min(size) / 28))
    font = _font(pixels)
    _, _, text_width, _ = draw.textbbox((0, 0), text, font=font)
    pad = round(pixels * 0.35)
    tag_width, tag_height = round(text_width) + 2 * pad, round(pixels * 1.5)
    # Above the box; inside its upper edge where there is no room above; never over the picture's right edge.
    x = max(0, min(left, width - tag_width))
    y = top - tag_height if top >= tag_height else top
    draw.rounded_rectangle((x, y, x + tag_width, y + tag_height), radius=2 * line, fill=color)
    draw.text((x + pad, y + tag_height / 2), text, fill=_DARK, font=font, anchor="lm")


@lru_cache(maxsize=8)
def _font(pixels: int) -> Any:
    return ImageFont.load_default(pixels)


__all__ = ["COLORS", "annotate", "label_text"]

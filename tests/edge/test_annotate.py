"""Drawn-on pictures keep the original and stay inside the frame."""

from __future__ import annotations

import numpy as np
import pytest

from edge.annotate import COLORS, annotate, label_text
from edge.labels import EMOTIONS
from edge.types import Box, Face, FrameResult


def result(*boxes: Box, emotion: str = "Happy", confident: bool = True) -> FrameResult:
    chances = dict.fromkeys(EMOTIONS, 0.2)
    return FrameResult("", 0, 0, tuple(Face(box, emotion, 0.93, confident, chances) for box in boxes))


def test_draws_the_box_in_the_colour_of_the_emotion() -> None:
    picture = np.zeros((300, 400, 3), np.uint8)
    for emotion in EMOTIONS:
        drawn = annotate(picture, result(Box(100, 100, 80, 90), emotion=emotion))
        assert drawn.shape == picture.shape
        assert drawn.dtype == np.uint8
        assert drawn[145, 100].tolist() == drawn[189, 140].tolist() == list(COLORS[emotion])
        assert not drawn[110:180, 110:170].any(), "the face itself stays clear"
        assert drawn[70:100, 100:200].any(), "the label stands above the box"
    assert not picture.any(), "the original is untouched"


@pytest.mark.parametrize(
    "box", [Box(0, 0, 400, 300), Box(350, 0, 50, 50), Box(-20, 280, 60, 60), Box(390, 290, 10, 10)]
)
def test_boxes_at_the_edge_keep_their_label(box: Box) -> None:
    drawn = annotate(np.zeros((300, 400, 3), np.uint8), result(box))
    filled = (drawn == COLORS["Happy"]).all(axis=2)
    assert filled.sum() > 500


def test_small_large_and_strided_pictures() -> None:
    for shape in ((8, 8, 3), (2000, 3000, 3)):
        picture = np.zeros(shape, np.uint8)
        assert annotate(picture, result(Box(0, 0, *shape[1::-1]))).shape == shape
    assert annotate(np.zeros((100, 100, 3), np.uint8)[::2, ::-1], result(Box(1, 1, 20, 20))).shape == (50, 100, 3)


def test_no_faces_change_nothing() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
    assert np.array_equal(annotate(picture, result()), picture)


def test_a_guess_carries_a_question_mark() -> None:
    assert label_text(result(Box(0, 0, 1, 1)).faces[0]) == "Happy 93%"
    assert label_text(result(Box(0, 0, 1, 1), confident=False).faces[0]) == "Happy 93%?"

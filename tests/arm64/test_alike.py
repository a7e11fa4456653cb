"""Answers that are a little apart."""

from __future__ import annotations

from typing import Any

from alike import alike


def answer(emotion: str, neutral: float, sad: float, roll_deg: float = -8.2) -> dict[str, Any]:
    face = {"emotion": emotion, "probabilities": {"Neutral": neutral, "Sad": sad}, "roll_deg": roll_deg}
    return {"faces": [face], "error": None}


def test_numbers_a_little_apart_are_alike() -> None:
    mine = answer("Sad", 0.10, 0.90)
    assert alike(mine, answer("Sad", 0.14, 0.86, -8.3))
    assert not alike(mine, answer("Sad", 0.16, 0.84))
    assert not alike(mine, answer("Sad", 0.10, 0.90, -8.4))


def test_emotions_are_alike_only_where_two_are_as_likely() -> None:
    assert alike(answer("Neutral", 0.422, 0.422), answer("Sad", 0.392, 0.459))
    assert not alike(answer("Neutral", 0.52, 0.45), answer("Sad", 0.48, 0.49))
    assert not alike(answer("Neutral", 0.90, 0.10), answer("Sad", 0.90, 0.10))


def test_a_face_more_or_another_word_is_not_alike() -> None:
    mine = answer("Sad", 0.1, 0.9)
    assert not alike(mine, mine | {"faces": mine["faces"] * 2})
    assert not alike(mine, mine | {"error": "broken"})
    assert not alike(mine, {"faces": mine["faces"]})

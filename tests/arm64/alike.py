"""What counts as the same answer of two processors."""

from __future__ import annotations

from typing import Any

# Between processors: probabilities, as OpenCV shrinks large faces to pixels that differ by a grey level; points, rolls.
APART, MEASURED_APART = 0.05, 0.15
MEASURED = ("landmarks", "roll_deg")


def alike(mine: Any, theirs: Any, apart: float = APART) -> bool:
    """Whether two answers are the same but for numbers a little apart, and the emotion of two that are as likely."""
    if isinstance(mine, dict):
        return mine.keys() == theirs.keys() and all(
            alike(value, theirs[key], MEASURED_APART if key in MEASURED else apart)
            or (key == "emotion" and as_likely(mine["probabilities"], value, theirs[key]))
            for key, value in mine.items()
        )
    if isinstance(mine, list):
        return len(mine) == len(theirs) and all(alike(a, b, apart) for a, b in zip(mine, theirs, strict=True))
    return mine == theirs or (isinstance(mine, float) and abs(mine - theirs) <= apart)


def as_likely(probabilities: dict[str, float], one: str, other: str) -> bool:
    """Whether a grey level more or less may decide between two emotions."""
    return abs(probabilities[one] - probabilities[other]) <= APART

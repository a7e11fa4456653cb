"""Medians and ratios of figures that were taken in turns."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence


def summary(values: Iterable[float]) -> dict[str, float]:
    """Median, lowest and highest."""
    found = list(values)
    return {"median": statistics.median(found), "low": min(found), "high": max(found)}


def ratio(one: Sequence[dict[str, float]], other: Sequence[dict[str, float]], key: str) -> dict[str, float]:
    """How many times as much the first took as the second, turn by turn."""
    return summary(a[key] / b[key] for a, b in zip(one, other, strict=True))


__all__ = ["ratio", "summary"]

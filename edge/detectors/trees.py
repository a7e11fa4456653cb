"""Boosted trees: many small questions about a few figures, that add up to how likely something is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

Tree = tuple[int, float, int, float, int, float, float, float, float, float]


class BoostedTrees:
    """Gradient boosted trees of depth two (Friedman, 2001), as ``benchmarks/closer_trees.py`` writes them.

    Args:
        path: A JSON file: ``start``, and ``trees`` of ten numbers each: which figure is asked about first and up to
            which value it goes left, the same of the left and of the right branch, and the four leaves from left to
            right.
    """

    def __init__(self, path: Path) -> None:
        content = json.loads(path.read_text())
        self._start: float = content["start"]
        self._trees: list[Tree] = [tuple(tree) for tree in content["trees"]]

    def log_odds(self, figures: Sequence[float]) -> float:
        """The log of how likely a yes is over how likely a no."""
        total = self._start
        for at, limit, left, left_limit, right, right_limit, *leaves in self._trees:
            if figures[at] <= limit:
                total += leaves[0] if figures[left] <= left_limit else leaves[1]
            else:
                total += leaves[2] if figures[right] <= right_limit else leaves[3]
        return total


__all__ = ["BoostedTrees"]

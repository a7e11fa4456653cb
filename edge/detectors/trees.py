"""Boosted decision trees, whose leaves add up to the log odds of a yes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

Tree = tuple[int, float, int, float, int, float, float, float, float, float]


class BoostedTrees:
    """Gradient boosted trees of depth two (Friedman, 2001), as ``benchmarks/closer_trees.py`` writes them.

    Args:
        path: A JSON file: ``likely``, ``start``, and ``trees`` of ten numbers each: index of the root's feature and its
            threshold, up to which it goes left; the same of the left and of the right branch; the four leaves from left
            to right.

    Attributes:
        likely: Log odds from which on it was found to be a yes.
    """

    def __init__(self, path: Path) -> None:
        content = json.loads(path.read_text())
        self.likely: float = content["likely"]
        self._start: float = content["start"]
        self._trees: list[Tree] = [tuple(tree) for tree in content["trees"]]

    def log_odds(self, features: Sequence[float]) -> float:
        """The log of how likely a yes is over how likely a no."""
        total = self._start
        for root, threshold, left, left_threshold, right, right_threshold, *leaves in self._trees:
            if features[root] <= threshold:
                total += leaves[0] if features[left] <= left_threshold else leaves[1]
            else:
                total += leaves[2] if features[right] <= right_threshold else leaves[3]
        return total


__all__ = ["BoostedTrees"]

"""Pairs rows with columns so that the total cost is least (the assignment problem)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def assign(cost: NDArray[np.float64]) -> list[tuple[int, int]]:
    """The cheapest one-to-one pairing of rows and columns; pairs of infinite cost are left out.

    Every row is added in turn along a shortest augmenting path over reduced costs (Kuhn 1955; potentials after
    Edmonds and Karp 1972): O(n^3), which for the few faces of a picture is microseconds.

    Args:
        cost: (R, C) float64; ``inf`` marks pairs that must not be made.

    Returns:
        (row, column) pairs by row, at most min(R, C) of them.
    """
    finite = cost[np.isfinite(cost)]
    if finite.size == 0:
        return []
    rows, columns = cost.shape
    if min(rows, columns) == 1:
        row, column = np.unravel_index(int(np.argmin(cost)), cost.shape)
        return [(int(row), int(column))]
    # A forbidden pair costs more than any set of allowed ones, so it is only taken where nothing else is left.
    forbidden = float(np.abs(finite).sum()) + 1.0
    square = np.full((max(rows, columns),) * 2, forbidden)
    square[:rows, :columns] = np.where(np.isfinite(cost), cost, forbidden)
    owner = _augment_all(square)
    pairs = [(row, column) for column, row in enumerate(owner) if row < rows and column < columns]
    return sorted(pair for pair in pairs if math.isfinite(cost[pair]))


def _augment_all(cost: NDArray[np.float64]) -> list[int]:
    """Row of each column in the cheapest complete pairing of a square cost matrix."""
    size = len(cost)
    row_price, column_price = np.zeros(size), np.zeros(size)
    owner = [-1] * size
    for new_row in range(size):
        distance = np.full(size, math.inf)
        reached_from = np.empty(size, dtype=int)
        done = np.zeros(size, dtype=bool)
        row, previous, travelled = new_row, -1, 0.0
        while True:
            # Edges out of `row`, by reduced cost; then settle the nearest column not settled yet.
            through = travelled + cost[row] - row_price[row] - column_price
            better = ~done & (through < distance)
            distance[better] = through[better]
            reached_from[better] = previous
            column = int(np.argmin(np.where(done, math.inf, distance)))
            travelled = float(distance[column])
            done[column] = True
            if owner[column] < 0:
                break
            row, previous = owner[column], column
        for settled in np.flatnonzero(done):
            slack = travelled - distance[settled]
            column_price[settled] -= slack
            if owner[settled] >= 0:
                row_price[owner[settled]] += slack
        row_price[new_row] += travelled
        while column >= 0:
            before = int(reached_from[column])
            owner[column] = owner[before] if before >= 0 else new_row
            column = before
    return owner


__all__ = ["assign"]

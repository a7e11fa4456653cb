"""Steady answers from flickering ones: one of these per face that is followed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FIRST_STEP_S = 0.04  # a track's first answer counts like one frame at 25 frames a second


class Smoother:
    """Exponential average over time of probability vectors, and a shown label that is slow to change.

    The average weighs an answer of age t by exp(-t / tau_s), so it does not depend on the frame rate. The shown label
    gives way only to one that has led by ``margin`` for ``hold_s`` without a break.

    Args:
        tau_s: Time constant of the average in seconds; 0 takes each answer as it is.
        hold_s: How long another label must lead before it is shown, in seconds.
        margin: By how much probability it must lead.
    """

    def __init__(self, tau_s: float = 0.8, hold_s: float = 0.5, margin: float = 0.3) -> None:
        self._tau_s = tau_s
        self._hold_s = hold_s
        self._margin = margin
        self._sum: NDArray[np.float64] | None = None
        self._weight = 0.0
        self._time_s = 0.0
        self._rival = -1
        self._rival_since_s = 0.0
        self.shown = -1

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(labels,) float64 smoothed probabilities; sums to 1."""
        if self._sum is None:
            raise ValueError("no answer yet")
        return self._sum / self._weight

    @property
    def ready(self) -> bool:
        """Whether there was an answer."""
        return self._sum is not None

    def update(self, answer: NDArray[np.float32], time_s: float) -> bool:
        """Take one frame's probabilities, (labels,) float; True when the shown label changed (not for the first)."""
        step_s = FIRST_STEP_S if self._sum is None else max(time_s - self._time_s, 0.0)
        keep = math.exp(-step_s / self._tau_s) if self._tau_s > 0 else 0.0
        share = max(1.0 - keep, 1e-9)
        self._sum = answer.astype(np.float64) * share + (0.0 if self._sum is None else self._sum * keep)
        self._weight = self._weight * keep + share
        self._time_s = time_s
        return self._choose()

    def _choose(self) -> bool:
        averages = self.probabilities
        best = int(np.argmax(averages))
        if self.shown < 0:
            self.shown = best
            return False
        if best == self.shown or averages[best] - averages[self.shown] < self._margin:
            self._rival = -1
            return False
        if best != self._rival:
            self._rival, self._rival_since_s = best, self._time_s
        if self._time_s - self._rival_since_s < self._hold_s:
            return False
        self.shown, self._rival = best, -1
        return True


__all__ = ["Smoother"]

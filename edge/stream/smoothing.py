"""Steady probabilities from flickering ones: one of these per face that is followed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

# Chosen by `python -m benchmarks.expressions --split choose`.
QUICK_S = 0.15  # time constant of the average that notices a change of expression...
QUICK_MOST = 0.55  # ...in which no frame counts for more, however slowly they come: one alone cannot lead clearly
CHANGED = 0.15  # so much probability must have moved from some labels to others
CLOSE = 0.8  # the shown label is close to the most probable one from this share of its probability on


class Smoother:
    """Averages over time of probability vectors, and a shown label that follows the face but does not flicker.

    ``probabilities`` is an exponential average that weighs a prediction of age t by exp(-t / tau_s), so it does not
    depend on the frame rate. When a much quicker average has moved away from it, the expression has changed: it goes on
    from there. Another label is shown at once when it clearly leads; while the two are close, when it has led for
    ``hold_s`` without a break.

    Args:
        tau_s: Time constant of the average in seconds; 0 takes each prediction as it is.
        hold_s: How long another label must lead while it is close to the shown one, in seconds.
    """

    def __init__(self, tau_s: float = 0.8, hold_s: float = 0.5) -> None:
        self._tau_s = tau_s
        self._hold_s = hold_s
        self._average: NDArray[np.float64] | None = None
        self._quick = np.empty(0)
        self._time_s = 0.0
        self._behind_since_s: float | None = None
        self.shown = -1

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(labels,) float64 smoothed probabilities; sums to 1."""
        if self._average is None:
            raise ValueError("no prediction yet")
        return self._average

    @property
    def ready(self) -> bool:
        """Whether there was a prediction."""
        return self._average is not None

    def update(self, probabilities: NDArray[np.float32], time_s: float) -> bool:
        """Take one frame's probabilities, (labels,) float; True when the shown label changed (not for the first)."""
        exact, step_s = probabilities.astype(np.float64), max(time_s - self._time_s, 0.0)
        self._time_s = time_s
        if self._average is None or self._tau_s == 0:
            self._average = self._quick = exact
        else:
            self._quick = self._quick + min(1 - math.exp(-step_s / QUICK_S), QUICK_MOST) * (exact - self._quick)
            self._average = self._average + (1 - math.exp(-step_s / self._tau_s)) * (exact - self._average)
            if np.abs(self._quick - self._average).sum() / 2 > CHANGED:
                self._average = self._quick
        return self._choose(self._average)

    def _choose(self, chances: NDArray[np.float64]) -> bool:
        best, first = int(np.argmax(chances)), self.shown < 0
        if best == self.shown:
            self._behind_since_s = None
            return False
        if self._behind_since_s is None:
            self._behind_since_s = self._time_s
        close = not first and chances[self.shown] > CLOSE * chances[best]
        if close and self._time_s - self._behind_since_s < self._hold_s:
            return False
        self.shown, self._behind_since_s = best, None
        return not first


__all__ = ["Smoother"]

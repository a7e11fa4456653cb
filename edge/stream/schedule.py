"""When to search the whole picture for faces."""

from __future__ import annotations

from typing import Literal

# Share of the time that full searches may take while faces are followed (near searches keep them) and while none is.
SHARE_FOLLOWING, SHARE_LOOKING = 0.1, 0.5
SHORTEST_S, LONGEST_S = 0.2, 1.0
# Recordings are searched at fixed times, so that a file always gives the same result.
RECORDED_FOLLOWING_S, RECORDED_LOOKING_S = 0.8, 0.1


class Schedule:
    """Spaces out full searches: every n-th frame, or by what a search was measured to cost.

    Args:
        every: A number of frames, or "auto".
        live: Whether frames come from a live source.
    """

    def __init__(self, every: int | Literal["auto"] = "auto", *, live: bool = True) -> None:
        self._every = every
        self._live = live
        self._cost_s = 0.0
        self._last: tuple[int, float] | None = None

    def due(self, index: int, time_s: float, following: bool) -> bool:
        """Whether this frame is searched as a whole.

        Args:
            index: Running number of the frame.
            time_s: Its time on the stream's clock.
            following: Whether there are tracks and all of them were seen in the frame before.
        """
        if self._last is None or time_s < self._last[1]:
            return True
        if self._every != "auto":
            return index - self._last[0] >= self._every
        return time_s - self._last[1] >= self._interval_s(following) - 1e-6

    def searched(self, index: int, time_s: float, cost_s: float) -> None:
        """A full search of this frame took ``cost_s`` seconds."""
        self._last = (index, time_s)
        self._cost_s += (0.2 if self._cost_s else 1.0) * (cost_s - self._cost_s)

    def restart(self) -> None:
        """Search the next frame (the scene changed)."""
        self._last = None

    def _interval_s(self, following: bool) -> float:
        if not self._live:
            return RECORDED_FOLLOWING_S if following else RECORDED_LOOKING_S
        if following:
            return min(max(self._cost_s / SHARE_FOLLOWING, SHORTEST_S), LONGEST_S)
        return min(self._cost_s / SHARE_LOOKING, LONGEST_S)


__all__ = ["Schedule"]

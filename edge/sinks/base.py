"""What a sink is: a place that results go to."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.types import FrameResult


class Sink(Protocol):
    """Takes the results of a stream, in order, all from one thread.

    A sink that raises ``BrokenPipeError`` says that nobody reads any more: the stream ends quietly. Every other trouble
    (disk full, broker down) is the sink's own: it logs once, drops what it cannot keep and goes on.
    """

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Take one result.

        Args:
            rgb: (H, W, 3) uint8 RGB picture that the result is about, not to be written to; None for a result without a
                picture (the state changed while no frame came).
            result: What the picture shows.
        """

    def reopen(self) -> None:
        """Open files anew (after log rotation)."""

    def close(self) -> None:
        """Finish what is under way and let go."""


__all__ = ["Sink"]

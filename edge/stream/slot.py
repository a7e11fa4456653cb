"""What passes from the thread that reads a source to the one that works on its frames."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum

from edge.sources.base import Frame


class Notice(Enum):
    """What the reader of a slot learns besides frames."""

    LOST = "lost"  # the source was lost; frames that follow come after the loss
    ENDED = "ended"  # there will be no more frames


class FrameSlot:
    """Room for one unread frame, of which the newest wins, with the notices before and after it. Nothing queues up."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._unread: list[Frame | Notice] = []

    @property
    def empty(self) -> bool:
        """Whether everything was read."""
        return not self._unread

    def put(self, frame: Frame) -> int:
        """Make a frame the newest one; returns how many unread ones it replaced, 0 or 1."""
        with self._change:
            dropped = self._drop_frame()
            self._unread.append(frame)
            self._change.notify_all()
            return dropped

    def tell_lost(self) -> int:
        """The source was lost: an unread frame is no longer news; returns how many were dropped, 0 or 1."""
        with self._change:
            dropped = self._drop_frame()
            self._unread = [Notice.LOST]
            self._change.notify_all()
            return dropped

    def tell_ended(self) -> None:
        """There will be no more frames; an unread one is still to be read."""
        with self._change:
            self._unread.append(Notice.ENDED)
            self._change.notify_all()

    def take(self, timeout_s: float) -> Frame | Notice | None:
        """The oldest thing unread, or None when nothing came in time."""
        with self._change:
            self._change.wait_for(lambda: self._unread, timeout_s)
            item = self._unread.pop(0) if self._unread else None
            self._change.notify_all()
            return item

    def wait(self, until: Callable[[], bool], timeout_s: float | None = None) -> None:
        """Wait until something is true that changes with the slot, or with `wake`."""
        with self._change:
            self._change.wait_for(until, timeout_s)

    def wake(self) -> None:
        """Wake whoever waits."""
        with self._change:
            self._change.notify_all()

    def _drop_frame(self) -> int:
        kept: list[Frame | Notice] = [item for item in self._unread if isinstance(item, Notice)]
        dropped = len(self._unread) - len(kept)
        self._unread = kept
        return dropped


__all__ = ["FrameSlot", "Notice"]

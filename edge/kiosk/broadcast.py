"""One newest value for any number of waiting coroutines, published from any thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Broadcast(Generic[T]):
    """Hands the newest value to whoever asks for something newer than it has seen.

    Nothing queues: a reader that was away gets the newest value and never learns of those between. `publish` may be
    called from any thread; everything else belongs to the event loop given to `bind`.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._number = 0
        self._value: T | None = None
        self._newest: T | None = None  # becomes `_value` when the event loop has time
        self._under_way = False
        self._closed = False

    @property
    def value(self) -> T | None:
        """The newest value, or None before the first."""
        return self._value

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say which event loop the readers run in."""
        self._loop = loop

    def publish(self, value: T) -> None:
        """Make ``value`` the newest one; from any thread, never blocks.

        What an event loop has had no time for is replaced, not queued: a busy one would collect pictures.
        """
        self._newest = value
        if self._loop is not None and not self._loop.is_closed() and not self._under_way:
            self._under_way = True
            self._loop.call_soon_threadsafe(self._set)

    async def follow(self) -> AsyncIterator[T]:
        """The newest value each time one is asked for, as soon as it is newer than the last; ends when closed."""
        seen = 0
        while not self._closed:
            if self._number > seen and self._value is not None:
                seen = self._number
                yield self._value
            else:
                await self._changed.wait()

    def close(self) -> None:
        """Let every waiting reader go."""
        self._closed = True
        self._wake()

    def _set(self) -> None:
        self._under_way = False  # before `_newest` is read, so that none is left behind
        self._number += 1
        self._value = self._newest
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


__all__ = ["Broadcast"]

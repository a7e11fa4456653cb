"""uvicorn's HTTP protocol with the time-outs and limits that a server on an open network needs.

uvicorn waits for ever for the headers of a first request and for a client to read its answer. Here both end: headers
must be complete within `Limits.header_s`, a client that does not read is cut off after `Limits.write_s`, and when too
many connections wait for their headers the oldest is closed for the newest, so that waiting ones lock nobody out.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Limits:
    """What one server allows.

    Attributes:
        header_s: Seconds in which the headers of a request must be complete.
        write_s: Seconds that a client may leave an answer unread.
        waiting: Connections that may wait for their headers at a time.
        connections: Connections in all.
    """

    header_s: float = 10.0
    write_s: float = 20.0
    waiting: int = 128
    connections: int = 320
    queue: dict[LimitedProtocol, None] = field(default_factory=dict)


class LimitedProtocol(H11Protocol):
    """One connection; made by uvicorn, through `functools.partial` with the limits of its server."""

    def __init__(self, *args: Any, limits: Limits, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._header_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected."""
        super().connection_made(transport)
        _notice_vanished_clients(transport.get_extra_info("socket"), self._limits.write_s)
        self._watch_headers()
        if len(self._limits.queue) > self._limits.waiting or len(self.connections) > self._limits.connections:
            oldest = next(iter(self._limits.queue))
            oldest._cut_off("too many connections")

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        super().data_received(data)
        self._watch_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        self._stop_waiting()
        self._stop_write_timer()

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self._limits.write_s, self._cut_off, "the reply is not read")

    def resume_writing(self) -> None:
        """The client caught up."""
        super().resume_writing()
        self._stop_write_timer()

    def _watch_headers(self) -> None:
        waits = not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete)
        if not waits:
            self._stop_waiting()
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(self._limits.header_s, self._cut_off, "headers took too long")
            self._limits.queue[self] = None

    def _stop_waiting(self) -> None:
        self._limits.queue.pop(self, None)
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _cut_off(self, reason: str) -> None:
        log.debug("connection closed: %s", reason)
        self._stop_waiting()
        self.transport.abort()


def _notice_vanished_clients(connection: Any, write_s: float) -> None:
    """Let the kernel drop a peer that no longer acknowledges, instead of after its default quarter of an hour."""
    options = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", None), 30),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", None), 10),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", None), 3),
        (socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", None), int(write_s * 1000)),
    ]
    for level, option, value in options:
        if connection is not None and option is not None:
            with suppress(OSError):
                connection.setsockopt(level, option, value)


__all__ = ["LimitedProtocol", "Limits"]

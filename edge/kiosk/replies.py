"""The forms a reply can take: JSON, a failure in one form for all, and streams that never wait for a slow client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


def json_reply(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A reply of plain JSON values."""
    body = json.dumps(data, separators=(",", ":"), allow_nan=False).encode()
    return Response(body, status, dict(headers or {}), "application/json")


def failure(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """What every failure looks like; never names a path, a version or a line of code."""
    return json_reply({"error": {"code": code, "message": message}}, status, headers)


class RefusedError(Exception):
    """A request that is not served; carries the reply.

    Args:
        status: HTTP status.
        code: Short name for programs.
        message: One sentence for people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Seats:
    """How many may watch something at a time; a seat is taken when a request is accepted.

    Args:
        most: Seats there are.

    Attributes:
        taken: Seats that are taken.
    """

    def __init__(self, most: int) -> None:
        self.taken, self._most = 0, most

    def take(self) -> bool:
        """Take a seat; False when there is none left."""
        free = self.taken < self._most
        self.taken += free
        return free

    def leave(self) -> None:
        """Give a seat back."""
        self.taken -= 1


class LiveReply:
    """A reply without an end, of which a slow client gets less instead of later.

    Each part is asked for only when the one before has left for the client, so that nothing queues up here.

    Args:
        parts: Called for an iterator that gives the newest part each time it is asked.
        media_type: The content type.
        seats: Where this one's seat is given back.
    """

    def __init__(self, parts: Callable[[], AsyncIterator[bytes]], media_type: str, seats: Seats) -> None:
        self._parts, self._media_type, self._seats = parts, media_type, seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client leaves or the parts end."""
        try:
            await self._reply(scope, receive, send)
        finally:
            self._seats.leave()

    async def _reply(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", self._media_type.encode()), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] != "HEAD":
            sending, gone = asyncio.create_task(self._send(send)), asyncio.create_task(_disconnected(receive))
            try:
                await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sending.cancel()
                gone.cancel()
                with suppress(asyncio.CancelledError):
                    await sending
        await send({"type": "http.response.body", "body": b""})

    async def _send(self, send: Send) -> None:
        parts = self._parts()
        try:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                # uvicorn waits for a full socket before it sends, not after: this waits until the part is away.
                await send({"type": "http.response.body", "body": b"", "more_body": True})
        finally:
            await parts.aclose()  # type: ignore[attr-defined]


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


__all__ = ["LiveReply", "RefusedError", "Seats", "failure", "json_reply"]

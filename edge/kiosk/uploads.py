"""Uploaded pictures: read within limits, never written anywhere, analysed in a thread of their own, then forgotten."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from edge.errors import ImageError, ImageTooLargeError, ImageTooSmallError
from edge.kiosk.forms import first_file
from edge.kiosk.replies import RefusedError, failure, json_reply
from edge.types import FrameResult

if TYPE_CHECKING:
    from edge.pipeline import Pipeline

log = logging.getLogger(__name__)

MAX_PIXELS = 40_000_000
BODY_S = 30.0
RESULT_S = 15.0
NICE = 10  # the live view comes first
# A reader may be displaced by a newcomer when, after a short start, it delivers less than this.
SLOW_AFTER_S, SLOW_BYTES_S = 2.0, 32_768
MULTIPART_OVERHEAD = 16_384
RAW_TYPES = ("image/jpeg", "image/png", "image/webp", "image/jpg", "application/octet-stream", "")
BUSY = {"retry-after": "1"}


class UploadDesk:
    """Takes pictures and gives back what they show.

    Args:
        pipeline: Makes what analyses a picture; called in the thread that uses it, when the first picture comes.
        max_bytes: Largest picture file.
        slots: Pictures that are worked on, or wait for it, at a time; twice as many may be on their way in.
        counted: Called with the outcome of each upload.
        body_s: Seconds in which a body must have arrived.
        result_s: Seconds after which nobody waits any longer for what a picture shows.
    """

    def __init__(
        self,
        pipeline: Callable[[], Pipeline],
        *,
        max_bytes: int,
        slots: int,
        counted: Callable[[str], None] = lambda _: None,
        body_s: float = BODY_S,
        result_s: float = RESULT_S,
    ) -> None:
        self.max_bytes = max_bytes
        self._make, self._counted, self._body_s, self._result_s = pipeline, counted, body_s, result_s
        self._pipeline: Pipeline | None = None
        self._free = slots
        self._readers = _Readers(2 * slots)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="upload", initializer=_step_back)

    async def handle(self, request: Request) -> Response:
        """Answer ``POST /api/predict``; with ``?fallback=true`` a picture without a face is read as a whole."""
        fallback = request.query_params.get("fallback", "false").lower()
        try:
            if fallback not in ("true", "false"):
                raise RefusedError(400, "wrong_parameter", "fallback is true or false.")
            data = await self._receive(request)
            result = await self._analyze(data, fallback == "true")
        except RefusedError as refused:
            self._counted(refused.code)
            return failure(refused.status, refused.code, refused.message, BUSY if refused.code == "busy" else None)
        except ClientDisconnect:
            self._counted("gone")
            return Response(status_code=400)
        self._counted("ok")
        return json_reply(result.to_dict())

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _receive(self, request: Request) -> bytes:
        kind, options = parse_options_header(request.headers.get("content-type"))
        multipart = kind == b"multipart/form-data"
        if not multipart and kind.decode("latin-1") not in RAW_TYPES:
            raise RefusedError(
                415, "wrong_type", "Send the picture as a form, or as the body with type image/jpeg or image/png."
            )
        if multipart and not options.get(b"boundary"):
            raise RefusedError(400, "broken_form", "The form has no boundary.")
        limit = self.max_bytes + (MULTIPART_OVERHEAD if multipart else 0)
        length = request.headers.get("content-length", "")
        with self._readers.one() as reader:
            announced = int(length) if length.isdecimal() else 0
            if announced > limit and request.headers.get("expect"):
                raise self._too_large()  # the client waits for a word before it sends
            body = await self._read(request, reader, limit, announced)
        data = first_file(bytes(body), options[b"boundary"]) if multipart else bytes(body)
        if len(data) > self.max_bytes:
            raise self._too_large()
        if not data:
            raise RefusedError(400, "no_picture", "There is no picture in the request.")
        if not _is_picture(data):
            raise RefusedError(415, "not_a_picture", "This is not a JPEG, PNG or WebP picture.")
        return data

    async def _read(self, request: Request, reader: _Reader, limit: int, announced: int) -> bytearray:
        """The body, of which never more than ``limit`` bytes are kept."""
        body, total = bytearray(), 0
        too_large = announced > limit
        try:
            async with asyncio.timeout(self._body_s):
                async for part in request.stream():
                    total += len(part)
                    reader.got = total
                    too_large = too_large or total > limit
                    # What is too large is read on for a while and dropped, so that the client gets to see the answer.
                    if too_large and total > 3 * limit:
                        break
                    if reader.displaced:
                        raise RefusedError(408, "too_slow", "The picture came too slowly.")
                    if not too_large:
                        body += part
        except TimeoutError:
            raise RefusedError(408, "too_slow", "The picture took too long to arrive.") from None
        if too_large:
            raise self._too_large()
        return body

    async def _analyze(self, data: bytes, fallback: bool) -> FrameResult:
        if self._free == 0:
            raise RefusedError(503, "busy", "Too many pictures at a time; try again in a moment.")
        self._free -= 1
        loop = asyncio.get_running_loop()
        work = self._pool.submit(self._work, data, fallback)

        def give_back(_: Future[FrameResult]) -> None:
            with suppress(RuntimeError):  # the server has ended
                loop.call_soon_threadsafe(self._give_back)

        # Its place is free when the thread is, which goes on with a picture that nobody waits for any more.
        work.add_done_callback(give_back)
        try:
            async with asyncio.timeout(self._result_s):
                return await asyncio.wrap_future(work)
        except TimeoutError:
            raise RefusedError(503, "took_too_long", "The picture takes too long to read here.") from None
        except ImageError as error:
            log.info("upload refused: %s", error)
            if isinstance(error, ImageTooLargeError):
                raise RefusedError(
                    413, "too_many_pixels", "The picture has too many pixels to be read here."
                ) from error
            if isinstance(error, ImageTooSmallError):
                raise RefusedError(400, "too_small", "The picture is too small to show a face.") from error
            raise RefusedError(400, "broken_picture", "This picture is broken and cannot be read.") from error

    def _give_back(self) -> None:
        self._free += 1

    def _work(self, data: bytes, fallback: bool) -> FrameResult:
        from edge.images import open_image

        if self._pipeline is None:
            self._pipeline = self._make()
        self._pipeline.fallback = fallback
        return self._pipeline.analyze(open_image(data, max_pixels=MAX_PIXELS), source="upload")

    def _too_large(self) -> RefusedError:
        return RefusedError(413, "too_large", f"The picture is larger than {self.max_bytes / 1e6:g} MB.")


class _Reader:
    """One body on its way in."""

    def __init__(self) -> None:
        self.began_s = asyncio.get_running_loop().time()
        self.got = 0
        self.displaced = False
        self.task = asyncio.current_task()

    def slow(self, now_s: float) -> bool:
        took = now_s - self.began_s
        return took > SLOW_AFTER_S and self.got / took < SLOW_BYTES_S


class _Readers:
    """Bodies on their way in; when all places are taken, one that trickles makes way for a newcomer."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._now: list[_Reader] = []

    @contextmanager
    def one(self) -> Iterator[_Reader]:
        if len(self._now) >= self._places:
            now_s = asyncio.get_running_loop().time()
            slow = next((reader for reader in self._now if reader.slow(now_s)), None)
            if slow is None:
                raise RefusedError(503, "busy", "Too many pictures at a time; try again in a moment.")
            self._now.remove(slow)
            slow.displaced = True
            if slow.task is not None:
                slow.task.cancel()
        reader = _Reader()
        self._now.append(reader)
        try:
            yield reader
        except asyncio.CancelledError:
            if not reader.displaced:
                raise
            if reader.task is not None:
                reader.task.uncancel()
            raise RefusedError(408, "too_slow", "The picture came too slowly.") from None
        finally:
            with suppress(ValueError):
                self._now.remove(reader)


def _step_back() -> None:
    """Let the live view's threads go before this one, and before those that it starts."""
    thread = threading.get_native_id()
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, thread, max(NICE, os.getpriority(os.PRIO_PROCESS, thread)))


def _is_picture(data: bytes) -> bool:
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


__all__ = ["MAX_PIXELS", "UploadDesk"]

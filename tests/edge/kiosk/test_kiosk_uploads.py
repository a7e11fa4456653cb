"""What an upload may cost the others: a deadline, and a thread that steps back."""

from __future__ import annotations

import asyncio
import io
import json
import os
import threading
from typing import Any

import pytest
from PIL import Image
from starlette.requests import Request

from edge.kiosk.uploads import UploadDesk
from edge.types import FrameResult


class Slow:
    """A pipeline that waits until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.began: list[int] = []
        self.fallback = False

    def analyze(self, picture: object, source: str = "") -> FrameResult:
        self.began.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        assert self.go.wait(20)
        return FrameResult(source, 1, 1)


def dot() -> bytes:
    """A picture that takes no time to decode."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return file.getvalue()


async def post(desk: UploadDesk) -> tuple[int, dict[str, Any], Any]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": dot(), "more_body": False}

    headers = [(b"content-type", b"image/png")]
    scope = {"type": "http", "method": "POST", "path": "/api/predict", "query_string": b"", "headers": headers}
    reply = await desk.handle(Request(scope, receive))
    return reply.status_code, json.loads(bytes(reply.body)), reply.headers.get("retry-after")


@pytest.fixture
def slow() -> Slow:
    return Slow()


def test_an_upload_that_takes_too_long_is_answered_and_keeps_its_place_until_it_ends(slow: Slow) -> None:
    async def run() -> None:
        desk = UploadDesk(lambda: slow, max_bytes=10**6, slots=2, result_s=0.3)
        status, reply, again = await post(desk)
        assert (status, reply["error"]["code"], again) == (503, "took_too_long", None)
        # The thread still works on it: one place is left, and what waits in it is given up without being read.
        status, reply, _ = await post(desk)
        assert reply["error"]["code"] == "took_too_long"
        assert len(slow.began) == 1
        taken = [asyncio.create_task(post(desk)) for _ in range(2)]
        codes = [reply["error"]["code"] for _, reply, _ in await asyncio.gather(*taken)]
        assert sorted(codes) == ["busy", "took_too_long"]
        slow.go.set()
        while desk._free < 2:
            await asyncio.sleep(0.01)
        while (status := (await post(desk))[0]) == 503:  # 0.3 s may be short on a busy machine
            pass
        assert status == 200
        desk.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_the_thread_of_uploads_steps_back(slow: Slow) -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    slow.go.set()

    async def run() -> None:
        desk = UploadDesk(lambda: slow, max_bytes=10**6, slots=1)
        assert (await post(desk))[0] == 200
        desk.close()

    asyncio.run(run())
    assert slow.began == [max(before, 10)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before

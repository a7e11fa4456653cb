"""A network stream that FFmpeg serves, is cut, and comes back."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stage import Keep

from benchmarks.scenes import Actor, wander
from edge.classifier import Classifier
from edge.errors import SourceError
from edge.sources import SourceOptions, open_source
from edge.stream import Stream

FFMPEG = shutil.which("ffmpeg")
pytestmark = pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed (Debian: ffmpeg)")


class Camera:
    """FFmpeg serving a video over HTTP, again and again, to one viewer."""

    def __init__(self, video: Path) -> None:
        self._video = video
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/live.mjpeg"
        self._process: subprocess.Popen[bytes] | None = None

    def plug(self) -> None:
        words = [str(FFMPEG), "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(self._video)]
        words += ["-c:v", "mjpeg", "-q:v", "3", "-f", "mpjpeg", "-listen", "1", self.address]
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def unplug(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


@pytest.fixture
def camera(heads: list[Any], make_video: Any) -> Iterator[Camera]:
    one = Camera(make_video([Actor(*heads[0], wander((250, 390), 4))], 4))
    yield one
    one.unplug()


def test_a_stream_that_is_cut_comes_back(camera: Camera):
    camera.plug()
    keep, stop = Keep(), threading.Event()
    source = open_source(camera.address, SourceOptions(timeout_s=10))
    stream = Stream(source, "auto", Classifier(threads=1), sinks=[keep], timeout_s=10, retries=None)
    thread = threading.Thread(target=stream.run, args=(stop,), daemon=True)
    thread.start()
    try:
        keep.wait_for(lambda result: bool(result.faces), 60)
        camera.unplug()
        keep.wait_for(lambda result: any(event.kind == "end" for event in result.events), 60)
        assert "reconnecting" in keep.states
        events = [event for result in keep.results for event in result.events]
        before = {event.track for event in events if event.kind == "new"}
        assert {event.track for event in events if event.kind == "end"} == before
        camera.plug()
        keep.wait_for(
            lambda result: any(event.kind == "new" and event.track not in before for event in result.events), 60
        )
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert stream.snapshot().counts["reconnects"] >= 1


def test_an_address_that_nobody_serves_fails_in_time():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        source = open_source(f"rtsp://me:secret@127.0.0.1:{free.getsockname()[1]}/live", SourceOptions(timeout_s=1))
        began = time.monotonic()
        with pytest.raises(SourceError) as error:
            source.open()
    assert time.monotonic() - began < 20
    assert "secret" not in str(error.value)


def test_a_server_that_accepts_and_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = open_source(f"http://127.0.0.1:{silent.getsockname()[1]}/live", SourceOptions(timeout_s=1))
        with pytest.raises(SourceError):
            source.open()

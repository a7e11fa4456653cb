"""A camera that cannot be opened says why, each cause in its own words; single pictures are a camera too."""

from __future__ import annotations

import base64
import errno
import hashlib
import re
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from edge.errors import CameraLostError, SourceError
from edge.kiosk.sources import find_camera
from edge.sources import SourceOptions, causes, open_source
from edge.sources.camera import CameraSource
from edge.sources.causes import camera_cause


class Device(BaseHTTPRequestHandler):
    """A network camera: /snapshot.jpg and others with a password, /page, /lost; everything else is 404."""

    pictures: ClassVar[list[np.ndarray]] = []
    logins: ClassVar[dict[str, tuple[str, ...]]] = {
        "/snapshot.jpg": ('Basic realm="camera"',),
        "/locked": ('Basic realm="camera"',),
        "/token": ("Bearer",),
        "/sha": ('Digest realm="camera", nonce="1", algorithm=SHA-256',),
        "/token-or-basic": ("Bearer", 'Basic realm="camera"'),
        "/digest": ('Digest realm="camera", nonce="1", algorithm=SHA-256', 'Digest realm="camera", nonce="2"'),
    }

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/page":
            return self._answer(200, "text/html", b"<p>hello</p>")
        if path not in self.logins:
            return self._answer(404, "text/plain", b"")
        if not self._allowed() and query != "open":
            return self._answer(401, "text/plain", b"", self.logins[path])
        level = 60 * (len(self.pictures) % 4)
        self.pictures.append(np.full((120, 160, 3), level, np.uint8))
        return self._answer(200, "image/jpeg", cv2.imencode(".jpg", self.pictures[-1])[1].tobytes())

    def _allowed(self) -> bool:
        """By RFC 7617, or by RFC 2069 with the second nonce."""
        shown = self.headers.get("Authorization", "")
        one, two = (hashlib.md5(text).hexdigest() for text in (b"me:camera:se cret", b"GET:" + self.path.encode()))
        response = hashlib.md5(f"{one}:2:{two}".encode()).hexdigest()
        return shown == f"Basic {base64.b64encode(b'me:se cret').decode()}" or f'response="{response}"' in shown

    def _answer(self, status: int, kind: str, body: bytes, logins: tuple[str, ...] = ()) -> None:
        self.send_response(status)
        for login in logins:
            self.send_header("WWW-Authenticate", login)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture(scope="module")
def device() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Device)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "address",
    [
        "http://{}/snapshot.jpg?open",
        "http://me:se%20cret@{}/snapshot.jpg",
        "http://me:se%20cret@{}/token-or-basic",
        "http://me:se%20cret@{}/digest",
    ],
)
def test_single_pictures_are_asked_for_again_and_again(device: str, address: str):
    source = open_source(address.format(device), SourceOptions(fps=100, timeout_s=3))
    with source:
        levels = [round(float(source.read(1.0).rgb.mean())) for _ in range(6)]
    assert len(set(levels)) >= 3, "pictures of different moments"
    assert "cret" not in source.name


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://{}/locked", "wants a user and a password"),
        ("http://{}/token", r"not known here \(401, Bearer\); let the camera take basic"),
        ("http://me:wrong@{}/token", r"not known here \(401, Bearer\); let the camera take basic"),
        ("http://me:wrong@{}/sha", r"not known here \(401, Digest\); let the camera take .* digest with MD5"),
        ("http://me:wrong@{}/locked", "refuses this user or password"),
        ("http://me:wrong@{}/digest", "refuses this user or password"),
        ("http://me:wrong@{}/token-or-basic", "refuses this user or password"),
        ("http://{}/elsewhere", "no such stream"),
        ("http://{}/page", "text/html"),
        ("http://no-such-host.invalid/live", "host name is unknown"),
    ],
)
def test_what_a_network_camera_answers_is_said(device: str, address: str, words: str):
    with pytest.raises(SourceError, match=words) as error:
        open_source(address.format(device), SourceOptions(timeout_s=3)).open()
    assert "wrong" not in str(error.value)


def test_the_command_says_it_in_one_line_and_nothing_else(device: str, cli: Any):
    done = cli("stream", "--source", f"http://me:hidden@{device}/page", "--fail-fast")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("error: cannot connect to http://me@127.0.0.1")
    assert done.returncode == 1


@pytest.mark.parametrize("scheme", ["http", "rtsp", "rtmp"])
def test_a_refused_connection_is_said(scheme: str):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(SourceError, match="connection is refused"):
            open_source(f"{scheme}://127.0.0.1:{free.getsockname()[1]}/live", SourceOptions(timeout_s=1)).open()


def test_silence_is_said():
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(SourceError, match="no answer within 1 s"),
    ):
        open_source(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live", SourceOptions(timeout_s=1)).open()


@pytest.mark.parametrize(("status", "words"), [(401, "wants a user"), (404, "no such stream"), (500, "error 500")])
def test_what_an_rtsp_camera_answers_is_said(status: int, words: str):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    request = connection.recv(4096).decode()
                    number = next(line for line in request.splitlines() if line.startswith("CSeq"))
                    realm = 'WWW-Authenticate: Basic realm="camera"\r\n' if status == 401 else ""
                    connection.sendall(f"RTSP/1.0 {status} No\r\n{number}\r\n{realm}\r\n".encode())

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(SourceError, match=words):
            open_source(f"rtsp://127.0.0.1:{server.getsockname()[1]}/live", SourceOptions(timeout_s=2)).open()


def test_a_missing_camera_and_one_that_is_none(tmp_path: Path):
    assert "no camera at /dev/video99; plug it in" in camera_cause(Path("/dev/video99"), "99")
    (tmp_path / "video0").write_bytes(b"")
    assert "is no camera" in camera_cause(tmp_path / "video0", "0")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "no permission to use camera 0 .*add your user to the group .*usermod -aG"),
        (errno.EBUSY, "is busy; another program uses it"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_the_system_says_of_a_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str):
    (tmp_path / "video0").write_bytes(b"")

    def refuse(*_: object) -> None:
        raise OSError(number, {errno.EIO: "Input/output error"}.get(number, "no"))

    busy = number == errno.EBUSY
    monkeypatch.setattr(causes.fcntl if busy else causes.os, "ioctl" if busy else "open", refuse)
    assert re.search(words, camera_cause(tmp_path / "video0", "0"))


def test_usb_cameras_are_asked_for_mjpeg_before_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[int, float]] = []

    class Capture:
        def __init__(self, *_: object) -> None: ...
        def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
            return True

        def set(self, number: int, value: float) -> bool:
            asked.append((number, value))
            return True

        def read(self) -> tuple[bool, None]:
            return False, None

        def release(self) -> None: ...

    monkeypatch.setattr("edge.sources.camera.cv2.VideoCapture", Capture)
    (tmp_path / "video0").write_bytes(b"")
    with CameraSource(str(tmp_path / "video0"), size=(1280, 720), fps=30) as source, pytest.raises(CameraLostError):
        source.read(1.0)
    assert asked[:4] == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 30),
    ]


@pytest.mark.parametrize(
    ("ids", "chosen"),
    [
        (["/base/axi/pcie@1000120000/rp1/i2c@80000/imx708@1a"], "picamera"),
        (["/base/axi/pcie@1000120000/rp1/usb@200000-1:1.0-046d:0825"], "video0"),
        (["/base/soc/usb@7e980000/usb-1:1.0-046d:0825", "/base/soc/i2c0mux/imx219@10"], "picamera:1"),
    ],
)
def test_auto_leaves_usb_cameras_to_v4l2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ids: list[str], chosen: str):
    module = ModuleType("picamera2")
    infos = [{"Id": word, "Num": number} for number, word in enumerate(ids)]
    module.Picamera2 = SimpleNamespace(global_camera_info=lambda: infos)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", module)
    (tmp_path / "video0").touch()
    assert find_camera(tmp_path).endswith(chosen)

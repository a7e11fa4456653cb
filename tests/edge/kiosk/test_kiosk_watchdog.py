"""systemd's side of the notify socket, played before a real kiosk process."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import httpx
import pytest
from kiosk_stage import Stage, room, running, until

from edge.errors import ConfigError
from edge.kiosk.settings import KioskSettings
from edge.kiosk.sources import choose_source
from edge.kiosk.systemd import Notifier

ROOT = Path(__file__).parents[3]


@pytest.fixture
def mailbox(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as box:
        box.bind(str(tmp_path / "notify"))
        box.settimeout(10)
        yield box, str(tmp_path / "notify")


def test_the_watchdog_is_fed_while_frames_go_through_and_starves_when_the_camera_freezes(mailbox):
    box, address = mailbox
    stage = Stage(room(460))
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"})
    with running(stage, notifier=notifier, timeout_s=1.0):
        seen = []
        until(lambda: seen.append(box.recv(1000)) or seen.count(b"WATCHDOG=1") >= 5)
        assert sum(message.startswith(b"READY=1\nSTATUS=") for message in seen) == 1
        until(lambda: box.recv(1000).startswith(b"STATUS=ok, "))
        stage.freeze()
        # Status lines go on, but nothing says any more that a frame went through.
        last = []
        until(lambda: last.append(box.recv(1000)) or b"STATUS=reconnecting" in last[-1])
        starved = [box.recv(1000) for _ in range(3)]
        assert all(message.startswith(b"STATUS=") for message in starved)
        stage.thaw()
        until(lambda: box.recv(1000) == b"WATCHDOG=1")


def test_a_missing_camera_does_not_feed_the_watchdog(mailbox):
    box, address = mailbox
    stage = Stage()
    stage.lose()
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"})
    with running(stage, notifier=notifier):
        messages = [box.recv(1000) for _ in range(4)]
        # One at the start, so that systemd gives it its time.
        assert messages.count(b"WATCHDOG=1") <= 1
        assert b"STATUS=no-camera, 0.0 frames a second" in messages


def test_without_a_camera_the_event_loop_feeds_it(mailbox):
    box, address = mailbox
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"})
    with running(None, source="none", notifier=notifier):
        seen = []
        until(lambda: seen.append(box.recv(1000)) or seen.count(b"WATCHDOG=1") >= 3)


def test_what_keeps_a_camera_from_opening_is_said_once(caplog, monkeypatch):
    class Absent(Stage):
        tries = 0

        def open(self):
            self.tries += 1
            raise ConfigError("Picamera2 is missing")

    monkeypatch.setattr("edge.kiosk.service.RESTART_S", 0.01)
    stage = Absent()
    with running(stage):
        until(lambda: stage.tries > 3)
    assert caplog.text.count("Picamera2 is missing; trying again") == 1


def test_a_cameras_password_is_nowhere_to_be_read(mailbox, caplog):
    box, address = mailbox
    camera = "http://me:geheim@127.0.0.1:9/video?user=a&pwd=geheim"
    shown = "http://me@127.0.0.1:9/video?user=a&pwd=***"
    config = KioskSettings(source=camera)
    with running(choose_source(config), notifier=Notifier({"NOTIFY_SOCKET": address}), source=camera) as kiosk:
        until(lambda: kiosk.latest is not None)
        said = [httpx.get(kiosk.url + path).text for path in ("/healthz", "/api/latest", "/api/about", "/metrics", "/")]
        with httpx.stream("GET", f"{kiosk.url}/events") as events:
            said.append(next(part for part in events.iter_text() if "data:" in part))
        said += [box.recv(1000).decode() for _ in range(3)]
        said += [thread.name for thread in threading.enumerate()]
        said += [task.read_text() for task in Path("/proc/self/task").glob("*/comm")]
    said.append(caplog.text)
    assert sum(shown in one for one in said) >= 3, "health, latest result and log name the camera"
    assert not [one for one in said if "geheim" in one]


def video_of(picture, path):
    """One second of a picture."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (picture.shape[1], picture.shape[0]))
    for _ in range(25):
        writer.write(picture[:, :, ::-1])
    writer.release()
    return str(path)


@pytest.mark.parametrize("kind", ["demo", "video"])
def test_the_command_plays_along_from_start_to_end(mailbox, tmp_path, kind):
    box, address = mailbox
    source = "demo" if kind == "demo" else video_of(room(460), tmp_path / "video.avi")
    code = "import sys; sys.argv[0] = 'emotion-edge'; from edge.cli import main; main()"
    environ = os.environ | {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "2000000", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", code, "kiosk", "--source", source, "--port", "0"],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        box.settimeout(30)
        assert box.recv(1000).startswith(b"READY=1")
        address = re.search(r"http://localhost:\d+/", process.stderr.readline())[0]
        until(lambda: box.recv(1000) == b"WATCHDOG=1")
        # A video starts over at its end: more frames come than it has.
        until(lambda: httpx.get(address + "api/latest").json().get("frame", 0) > 40)
        assert httpx.get(address + "api/latest").json()["faces"]
        process.send_signal(signal.SIGTERM)
        until(lambda: box.recv(1000) == b"STOPPING=1")
        assert process.wait(15) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.stderr.close()
        process.wait()

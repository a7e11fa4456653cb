"""The small parts: notify socket, temperature, token, event log, broadcast, encoder."""

import asyncio
import os
import socket
import stat
import weakref

import cv2
import numpy as np
import pytest
from PIL import Image

from edge.device import read_temperature, read_throttled
from edge.errors import ConfigError
from edge.kiosk.broadcast import Broadcast
from edge.kiosk.health import Facts, Health, rates
from edge.kiosk.logo import read_logo
from edge.kiosk.metrics import Metrics
from edge.kiosk.settings import KioskSettings, parse_colour
from edge.kiosk.sources import LoopedSource, choose_source, find_camera
from edge.kiosk.systemd import Notifier
from edge.kiosk.thermal import FULL, PACES, Thermal, ThermalWatch, next_pace
from edge.kiosk.tokens import Gate, default_path, load_or_create
from edge.kiosk.video import encode
from edge.sources.base import Frame, SourceBase
from edge.stream.stats import Snapshot
from edge.types import Box, Face, FrameResult


@pytest.fixture
def mailbox(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as box:
        box.bind(str(tmp_path / "notify"))
        box.settimeout(5)
        yield box, str(tmp_path / "notify")


def test_messages_arrive_one_datagram_each(mailbox):
    box, address = mailbox
    notifier = Notifier({"NOTIFY_SOCKET": address})
    notifier.ready("up\nand running")
    notifier.status("fine")
    notifier.stopping()
    assert [box.recv(100) for _ in range(3)] == [b"READY=1\nSTATUS=up and running", b"STATUS=fine", b"STOPPING=1"]


def test_an_at_sign_names_an_abstract_socket():
    name = f"\0emotion-edge-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as box:
        box.bind(name)
        Notifier({"NOTIFY_SOCKET": "@" + name[1:]}).ready()
        assert box.recv(100) == b"READY=1"


def test_the_watchdog_is_fed_four_times_an_interval_at_most(mailbox):
    box, address = mailbox
    now = [0.0]
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "4000000"}
    notifier = Notifier(environ, clock=lambda: now[0])
    for now[0] in (0.0, 0.5, 0.99, 1.0, 1.5):
        notifier.feed()
    box.setblocking(False)
    assert [box.recv(100), box.recv(100)] == [b"WATCHDOG=1"] * 2
    with pytest.raises(BlockingIOError):
        box.recv(100)


@pytest.mark.parametrize("extra", [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}])
def test_a_watchdog_of_none_or_another_is_not_fed(mailbox, extra):
    box, address = mailbox
    Notifier({"NOTIFY_SOCKET": address, **extra}).feed()
    box.setblocking(False)
    with pytest.raises(BlockingIOError):
        box.recv(100)


def test_without_systemd_nothing_happens(tmp_path):
    Notifier({}).ready()
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()


def test_the_processors_zone_counts(tmp_path):
    for number, (kind, value) in enumerate([("gpu-thermal", "90000"), ("cpu-thermal", "51540"), ("broken", "x")]):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "type").write_text(kind + "\n")
        (zone / "temp").write_text(value + "\n")
    assert read_temperature(tmp_path) == 51.54
    assert read_temperature(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("throttled=0x0", ()),
        ("throttled=0x50005", ("under-voltage", "throttled")),
        ("throttled=0x80008", ("soft temperature limit",)),
        ("throttled=0xe0000", ()),
        ("nonsense", None),
    ],
)
def test_firmware_flags_of_this_moment(tmp_path, monkeypatch, said, meaning):
    tool = tmp_path / "vcgencmd"
    tool.write_text(f'#!/bin/sh\n[ "$1" = get_throttled ] && echo "{said}"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert read_throttled() == meaning


def test_without_the_firmware_tool_nothing_is_known():
    assert read_throttled("no-such-tool-here") is None


def test_inference_slows_down_before_the_picture_and_recovers_later():
    pace, seen = FULL, []
    for celsius in (70, 79.9, 80, 78, 84, 80, 79.5, 78.9, 75.1, 74.9):
        pace = next_pace(pace, celsius, None)
        seen.append(pace.name)
    assert seen == ["full", "full", "slow", "slow", "slowest", "slowest", "slowest", "slow", "slow", "full"]
    assert PACES[1].inference_fps and PACES[1].picture_fps is None
    assert PACES[2].picture_fps


def test_a_throttled_device_slows_down_whatever_its_temperature():
    assert next_pace(FULL, None, ("throttled",)).name == "slow"
    assert next_pace(FULL, 50.0, ("under-voltage",)).name == "full"


def test_the_watch_has_a_reading_from_the_start():
    watch = ThermalWatch(60, temperature=lambda: 81.0, throttled=lambda: ("throttled",))
    watch.start()
    watch.stop()
    assert watch.reading == Thermal(81.0, ("throttled",), PACES[1])


def test_a_token_is_made_once_and_kept_from_others(tmp_path):
    path = tmp_path / "state" / "token"
    token, new = load_or_create(path)
    assert new and len(token) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create(path) == (token, False)


@pytest.mark.parametrize(("mode", "text", "words"), [(0o644, "x" * 32, "chmod 600"), (0o600, "short", "at least 16")])
def test_a_token_that_protects_nothing_is_refused(tmp_path, mode, text, words):
    path = tmp_path / "token"
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=words):
        load_or_create(path)


def test_the_token_lies_with_the_service_state(monkeypatch, tmp_path):
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}:/elsewhere")
    assert default_path() == tmp_path / "token"
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_path() == tmp_path / "emotion-edge" / "token"


def test_the_cookie_does_not_tell_the_token():
    gate = Gate("a-token-of-some-length")
    assert gate.opens_with("a-token-of-some-length")
    assert gate.opens_with_cookie(gate.cookie)
    assert not gate.opens_with(gate.cookie)
    assert not gate.opens_with_cookie("a-token-of-some-length")
    assert not gate.opens_with("é")


def test_a_slow_reader_gets_the_newest_alone():
    async def play():
        news = Broadcast()
        news.bind(asyncio.get_running_loop())
        reader = news.follow()
        got = []
        for value in (1, 2, 3):
            news.publish(value)
        await asyncio.sleep(0)
        got.append(await anext(reader))
        news.publish(4)
        got.append(await anext(reader))
        waiting = asyncio.ensure_future(anext(reader, "closed"))
        await asyncio.sleep(0)
        news.close()
        got.append(await waiting)
        return got

    assert asyncio.run(play()) == [3, 4, "closed"]


def test_what_a_busy_event_loop_has_no_time_for_is_not_kept():
    class Picture:
        pass

    async def play():
        news = Broadcast()
        news.bind(asyncio.get_running_loop())
        made = []
        for _ in range(50):  # the event loop gets no turn
            picture = Picture()
            made.append(weakref.ref(picture))
            news.publish(picture)
        del picture
        alive = [each() is not None for each in made]
        last = await anext(news.follow())
        news.publish(Picture())
        await asyncio.sleep(0)
        return alive, last is made[-1](), news.value is last

    alive, newest_came, stuck = asyncio.run(play())
    assert alive == [False] * 49 + [True]
    assert newest_came and not stuck


def test_a_blurred_picture_holds_no_detail():
    rng = np.random.default_rng(0)
    rgb = np.kron(rng.integers(0, 255, (48, 64, 3)), np.ones((10, 10, 1))).astype(np.uint8)
    blurred = cv2.imdecode(np.frombuffer(encode(rgb, blur=True), np.uint8), cv2.IMREAD_GRAYSCALE)
    clear = cv2.imdecode(np.frombuffer(encode(rgb), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert blurred.shape == clear.shape == (480, 640)
    # At most 16 values along a row carry all there is: nothing changes within a twentieth of the width.
    assert np.abs(np.diff(blurred.astype(int), axis=1)).max() < np.abs(np.diff(clear.astype(int), axis=1)).max() / 10


def test_a_large_picture_is_sent_smaller():
    jpeg = encode(np.zeros((1080, 1920, 3), np.uint8))
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (540, 960, 3)


def snapshot(state="ok", *, age_s=0.0, now_s=100.0, **counts):
    """A stream whose newest frame is so old."""
    fresh_s = None if age_s is None else now_s - age_s
    face = Face(Box(1, 2, 30, 40), "Happy", 0.9, True, {"Happy": 0.9})
    result = None if state == "starting" else FrameResult("stage", 640, 480, (face,), state=state)
    return Snapshot(result, fresh_s, Snapshot().counts | counts, timing_ms={"age": 12.34})


FACTS = Facts("stage", {}, {}, "on", began_s=40.0)


@pytest.mark.parametrize(
    ("state", "age_s", "said", "healthy"),
    [
        ("starting", None, "starting", False),
        ("reconnecting", None, "no-camera", False),
        ("lost", None, "no-camera", False),
        ("ok", 0.1, "ok", True),
        ("dark", 0.1, "dark", True),
        ("ok", 5.1, "stalled", False),
        ("reconnecting", 2.0, "reconnecting", True),
        ("lost", 9.0, "reconnecting", False),
    ],
)
def test_health_follows_from_the_stream_at_one_moment(state, age_s, said, healthy):
    health = Health(FACTS, snapshot(state, age_s=age_s), now_s=100.0)
    assert (health.state, health.healthy) == (said, healthy)
    assert health.brief()["status"] == ("ok" if healthy else "failing")
    assert health.to_dict()["uptime_s"] == 60.0
    assert f"emotion_edge_healthy {healthy:.1f}" in Metrics().render(health, {}).decode()


def test_rates_and_totals_of_frames():
    before, after = snapshot(captured=50, processed=20, skipped=30), snapshot(captured=60, processed=25, skipped=35)
    fps = rates(before.counts, after.counts, 2.0)
    assert fps == {"captured": 5.0, "processed": 2.5, "skipped": 2.5}
    text = Metrics().render(Health(FACTS, after, Thermal(50.5, ("throttled",)), fps), {"video": 3}).decode()
    for line in (
        'emotion_edge_frames_total{fate="captured"} 60.0',
        'emotion_edge_fps{fate="skipped"} 2.5',
        'emotion_edge_viewers{kind="video"} 3.0',
        'emotion_edge_throttled{reason="throttled"} 1.0',
        'emotion_edge_throttled{reason="under-voltage"} 0.0',
        "emotion_edge_cpu_celsius 50.5",
        "emotion_edge_faces 1.0",
    ):
        assert line in text, line


class Short(SourceBase):
    """Three frames."""

    name, live = "short", False

    def open(self):
        self._left = [0.0, 0.1, 0.2]

    def read(self, timeout_s):
        return Frame(np.zeros((8, 8, 3), np.uint8), self._left.pop(0)) if self._left else None


def test_a_recording_starts_over_and_its_clock_goes_on():
    source = LoopedSource(Short())
    source.open()
    times = [source.read(1).time_s for _ in range(7)]
    assert times == sorted(times)
    assert len(set(times)) == 7


def test_without_a_camera_the_demo_is_shown(tmp_path, caplog):
    assert find_camera(tmp_path) == "synthetic:2"
    assert "no camera was found" in caplog.text
    (tmp_path / "video0").touch()
    assert find_camera(tmp_path) == str(tmp_path / "video0")


def test_the_sources_a_setting_can_mean():
    assert choose_source(KioskSettings(source="none")) is None
    assert choose_source(KioskSettings(source="demo")).live
    assert choose_source(KioskSettings(source="0")).name == "0"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("text.jpg", b"Museum of Faces\n", "no picture that browsers show; wanted SVG, PNG, JPEG or WebP"),
        ("none.svg", None, "cannot be read"),
        ("large.png", bytes(500_001), "500,000 at most"),
    ],
)
def test_a_logo_that_cannot_be_shown_is_refused_in_a_line(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        read_logo(tmp_path / name)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WebP"])
def test_a_logo_is_what_it_holds_whatever_its_name_says(tmp_path, form):
    path = tmp_path / "logo.png"
    Image.new("RGB", (8, 8)).save(path, form)
    assert read_logo(path) == (path.read_bytes(), f"image/{form.lower()}")
    path.write_text('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert read_logo(path)[1] == "image/svg+xml"


def test_a_colour_has_six_digits():
    assert parse_colour("#AA3377") == "#aa3377"
    assert parse_colour("") == ""
    with pytest.raises(ValueError, match="such as #0b6b62"):
        parse_colour("red")

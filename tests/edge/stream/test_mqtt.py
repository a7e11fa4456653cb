"""Results on a real mosquitto."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broker import MOSQUITTO, Broker, Listener

from edge.errors import ConfigError
from edge.labels import EMOTIONS
from edge.sinks.mqtt import MqttSink, default_name
from edge.types import Box, Face, FrameResult, TrackEvent

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed (Debian: mosquitto)")
CHANCES = dict.fromkeys(EMOTIONS, 0.2)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    one = Broker(tmp_path)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    one = Listener(broker.port)
    yield one
    one.close()


def result(
    *shown: tuple[int, str, int], events: tuple[TrackEvent, ...] = (), state: str = "ok", confident: bool = True
) -> FrameResult:
    """A frame in which tracks (number, emotion, width) are seen."""
    faces = tuple(
        Face(Box(0, 0, size, size), word, 0.8, confident, CHANCES, track=track) for track, word, size in shown
    )
    return FrameResult("cam", 640, 480, faces=faces, frame=1, time_s=0.1, events=events, state=state)


def test_states_and_events_arrive(broker: Broker, listener: Listener):
    sink = MqttSink(broker.address, name="hall/cam")
    assert listener.wait_for("hall/cam/availability") == "online"
    new = TrackEvent("new", 1, 0.1, "Happy", 0.8, 0.0)
    sink.write(None, result((1, "Happy", 90), (2, "Sad", 120), events=(new,)))
    event = listener.wait_for("hall/cam/event")
    assert event == {**new.to_dict(), "source": "cam"}
    state = listener.wait_for("hall/cam/state", lambda one: one["faces"] == 2)
    assert state["emotion"] == "Sad", "the largest face counts"
    assert [one["track"] for one in state["tracks"]] == [1, 2]
    sink.write(None, result(state="reconnecting"))
    assert listener.wait_for("hall/cam/state", lambda one: one["faces"] == 0)["state"] == "reconnecting"
    sink.close()
    assert listener.wait_for("hall/cam/availability") == "offline"


def test_an_emotion_below_the_threshold_is_uncertain(broker: Broker, listener: Listener):
    sink = MqttSink(broker.address, name="box")
    listener.wait_for("box/availability")
    sink.write(None, result((1, "Happy", 90), confident=False))
    state = listener.wait_for("box/state", lambda one: one["faces"] == 1)
    assert state["emotion"] == "uncertain"
    assert (state["tracks"][0]["emotion"], state["tracks"][0]["sure"]) == ("Happy", False)
    sink.write(None, result((1, "Happy", 90)))  # the same face, now above it: that alone is a new state
    assert listener.wait_for("box/state", lambda one: one["tracks"][0]["sure"])["emotion"] == "Happy"
    sink.close()


def test_a_late_listener_gets_the_retained_state_and_no_old_events(broker: Broker, listener: Listener):
    sink = MqttSink(broker.address, name="box")
    listener.wait_for("box/availability")
    sink.write(None, result((1, "Happy", 90), events=(TrackEvent("new", 1, 0.1, "Happy", 0.8, 0.0),)))
    listener.wait_for("box/state", lambda one: one["faces"] == 1)
    late = Listener(broker.port)
    assert late.wait_for("box/state")["emotion"] == "Happy"
    sink.close()
    late.wait_for("box/availability", lambda word: word == "offline")
    late.close()


def test_the_last_will_says_offline_after_a_kill(broker: Broker, listener: Listener, environment: dict[str, str]):
    words = ["stream", "--source", "synthetic", "--format", "none", "--mqtt", broker.address, "--mqtt-name", "box"]
    process = subprocess.Popen([sys.executable, "-m", "edge", *words], env=environment, stderr=subprocess.DEVNULL)
    assert listener.wait_for("box/availability") == "online"
    assert listener.wait_for("box/event")["event"] == "new"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert listener.wait_for("box/availability") == "offline"


def test_a_broker_that_goes_away_and_comes_back(broker: Broker, caplog: pytest.LogCaptureFixture):
    first = Listener(broker.port)
    sink = MqttSink(broker.address, name="box")
    first.wait_for("box/availability")
    with caplog.at_level(logging.WARNING):
        broker.stop()
        deadline = time.monotonic() + 30
        while "gone" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.02)
    began = time.monotonic()
    for number in range(3000):  # no wait, no error, no growth without bound
        sink.write(None, result((number, "Sad", 90), events=(TrackEvent("new", number, 0.1, "Sad", 0.8, 0.0),)))
    assert time.monotonic() - began < 30
    broker.start()
    second = Listener(broker.port)
    assert second.wait_for("box/state", lambda one: one["faces"] == 1)["emotion"] == "Sad"
    sink.close()
    first.close()
    second.close()


def test_a_broker_that_hangs_at_the_end_is_said_and_says_offline_later(
    broker: Broker, listener: Listener, caplog: pytest.LogCaptureFixture
):
    sink = MqttSink(broker.address, name="hall")
    listener.wait_for("hall/availability", lambda word: word == "online")
    broker.pause()
    end = TrackEvent("end", 1, 0.1, "Happy", 0.8, 0.0)
    for _ in range(30):  # more than may wait for answers: the rest is not sent
        sink.write(None, result(events=(end,)))
    sink.close()
    broker.resume()
    listener.wait_for("hall/availability", lambda word: word == "offline")
    assert caplog.messages == ["the MQTT broker does not answer; it may not have got the last messages"]


def test_a_broker_that_is_absent_does_not_hold_up_the_start():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        sink = MqttSink(f"mqtt://127.0.0.1:{free.getsockname()[1]}")
        sink.write(None, result((1, "Happy", 90)))
        sink.close()


@pytest.mark.parametrize("address", ["localhost", "http://localhost", "mqtt://", "mqtt://host:port"])
def test_a_wrong_address_is_refused(address: str):
    with pytest.raises(ConfigError, match="mqtt://"):
        MqttSink(address)


@pytest.mark.parametrize("name", ["", "a b", "a/#", "/a", "a+"])
def test_a_name_that_is_no_topic_is_refused(name: str):
    with pytest.raises(ConfigError, match="wanted letters"):
        MqttSink("mqtt://localhost", name=name)


def warned(caplog: pytest.LogCaptureFixture, words: str, timeout_s: float = 30.0) -> str:
    """Wait until something is logged; all that was."""
    deadline = time.monotonic() + timeout_s
    while words not in caplog.text:
        assert time.monotonic() < deadline, caplog.text
        time.sleep(0.02)
    return caplog.text


def test_an_absent_broker_and_an_unknown_host_are_said_once(caplog: pytest.LogCaptureFixture):
    tries = 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        sink = MqttSink(f"mqtt://me:secret@127.0.0.1:{free.getsockname()[1]}")
        sink._client.reconnect_delay_set(0, 0)
        again = sink._client.on_connect_fail

        def count(*words: Any) -> None:
            nonlocal tries
            tries += 1
            again(*words)

        sink._client.on_connect_fail = count
        warned(caplog, "connection is refused")
        deadline = time.monotonic() + 30
        while tries < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        sink.close()
    assert tries >= 3
    assert caplog.text.count("cannot connect") == 1
    assert "secret" not in caplog.text
    sink = MqttSink("mqtt://no-such-host.invalid")
    warned(caplog, "host name is unknown")
    sink.close()


def test_a_broker_that_wants_a_password_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "passwords").write_text("")
    (tmp_path / "passwords").chmod(0o600)
    broker = Broker(tmp_path, "allow_anonymous false")
    broker.start()
    sink = MqttSink(broker.address.replace("://", "://me:wrong@"))
    text = warned(caplog, "refuses us")
    sink.close()
    broker.stop()
    assert "check user and password" in text
    assert "wrong" not in text


def test_tls_with_an_authority_and_a_certificate_of_our_own(
    certificates: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    files = {name: certificates / name for name in ("ca.pem", "client.pem", "client.key")}
    settings = [f"cafile {files['ca.pem']}", f"certfile {certificates / 'server.pem'}"]
    settings += [f"keyfile {certificates / 'server.key'}", "require_certificate true", "user root"]
    broker = Broker(tmp_path, *settings)
    broker.start()
    address = broker.address.replace("mqtt://", "mqtts://")
    sink = MqttSink(address)
    text = warned(caplog, "certificate is not trusted")
    assert "--mqtt-ca" in text
    sink.close()
    sink = MqttSink(address, ca=files["ca.pem"], certificate=files["client.pem"], key=files["client.key"])
    deadline = time.monotonic() + 30
    while not sink._client.is_connected():
        assert time.monotonic() < deadline, caplog.text
        time.sleep(0.02)
    sink.close()
    broker.stop()


@pytest.mark.parametrize(
    ("address", "files", "words"),
    [
        ("mqtts://localhost", {"ca": "missing.pem"}, "no such file"),
        ("mqtts://localhost", {"ca": "text.pem"}, "cannot use .*text.pem"),
        ("mqtts://localhost", {"key": "text.pem"}, "needs its certificate"),
        ("mqtt://localhost", {"ca": "text.pem"}, "mqtts:// only"),
        ("mqtt://me:pass/word@localhost", {}, "wanted mqtt://"),
    ],
)
def test_certificates_that_cannot_be_used_are_refused(tmp_path: Path, address: str, files: dict[str, str], words: str):
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=words) as error:
        MqttSink(address, **{key: tmp_path / name for key, name in files.items()})  # type: ignore[arg-type]
    assert "pass" not in str(error.value).replace("password", "")


def test_events_that_a_broker_missed_are_counted(broker: Broker, caplog: pytest.LogCaptureFixture):
    broker.stop()
    sink = MqttSink(broker.address, name="box")
    for number in range(1200):
        sink.write(None, result((number, "Sad", 90), events=(TrackEvent("new", number, 0.1, "Sad", 0.8, 0.0),)))
    broker.start()
    warned(caplog, "200 MQTT events were dropped")
    sink.close()
    assert sink.failed
    broker.stop()
    late = MqttSink(broker.address, name="box")
    late.write(None, result(events=(TrackEvent("end", 1, 0.1, "Sad", 0.8, 0.0),)))
    late.close()
    assert "1 MQTT events were dropped" in caplog.text


def test_what_was_announced_is_taken_back(broker: Broker, listener: Listener):
    sink = MqttSink(broker.address, name="box")
    topic = sink._topic
    assert listener.wait_for(topic)["device"]["name"] == "box"
    sink.close()
    sink = MqttSink(broker.address, name="box", discovery=False)
    listener.wait_for(topic, lambda content: content == "")
    sink.close()
    late = Listener(broker.port)
    late.wait_for("box/availability")
    assert not any("homeassistant" in topic for topic, _, _ in list(late.messages.queue))
    late.close()


def test_the_name_holds_the_hosts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Küche 2.local")
    assert default_name() == "emotion-edge-K-che-2"

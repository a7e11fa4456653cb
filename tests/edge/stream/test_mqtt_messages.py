"""What is given to paho's client, and when; what a broker makes of it is in test_mqtt."""

from __future__ import annotations

import socket
import ssl
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from broker import Recorder

from edge.errors import ConfigError
from edge.labels import EMOTIONS
from edge.settings.shared import MqttSettings
from edge.sinks.homeassistant import announcement
from edge.sinks.mqtt import MqttSink, default_name, mqtt_sink, problems
from edge.types import Box, Face, FrameResult, TrackEvent

CHANCES = dict.fromkeys(EMOTIONS, 0.2)
HAPPY = Face(Box(0, 0, 9, 9), "Happy", 0.81234, True, CHANCES, track=1)
END = TrackEvent("end", 1, 0.1, "Happy", 0.8, 1.0)
FINE, FAILED = SimpleNamespace(is_failure=False), SimpleNamespace(is_failure=True)


def seen(*faces: Face, events: tuple[TrackEvent, ...] = ()) -> FrameResult:
    return FrameResult("cam", 64, 48, faces, time_s=0.1, events=events)


@pytest.fixture
def paho(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    return Recorder(monkeypatch)


def connect(sink: MqttSink) -> None:
    """As paho does when a broker took us in."""
    sink._client.on_connect(sink._client, None, None, FINE, None)


def test_all_but_events_is_retained_and_all_comes_at_least_once(paho: Recorder, caplog: pytest.LogCaptureFixture):
    sink = MqttSink("mqtt://localhost", name="box")
    connect(sink)
    assert paho.newest("box/state") == {"state": "starting", "faces": 0, "emotion": "none", "tracks": []}
    assert paho.newest(sink._topic)["qos"] == 1
    sink.write(None, seen(HAPPY, events=(END,)))
    assert paho.newest("box/state")["tracks"][0]["confidence"] == 0.812
    sink.close()
    assert paho.newest("box/state") == {"state": "ended", "faces": 0, "emotion": "none", "tracks": []}
    assert [(topic, qos, retain) for topic, _, qos, retain in paho.sent] == [
        (sink._topic, 1, True),
        ("box/availability", 1, True),
        ("box/state", 1, True),
        ("box/event", 1, False),
        ("box/state", 1, True),
        ("box/state", 1, True),
        ("box/availability", 1, True),
    ]
    assert paho.calls["will_set"] == ("box/availability", "offline", 1, True)
    assert caplog.messages == []
    assert not sink.failed


@pytest.mark.parametrize(
    ("address", "place", "login"),
    [
        ("mqtt://host", ("host", 1883), None),
        ("mqtts://host", ("host", 8883), None),
        ("mqtt://a%40b@host:7", ("host", 7), ("a@b", "")),
        ("mqtts://me:se%2Fcret@host:7", ("host", 7), ("me", "se/cret")),
    ],
)
def test_an_address_is_a_place_and_a_login(
    paho: Recorder, address: str, place: tuple[str, int], login: tuple[str, str] | None
):
    MqttSink(address)
    assert paho.calls["connect_async"] == (*place, 30)
    assert paho.calls.get("username_pw_set") == login
    assert paho.calls["reconnect_delay_set"] == (1, 20)
    assert paho.calls["max_queued_messages_set"] == (2000,)


def test_a_state_is_told_when_it_changes_and_once_a_second_while_there_are_faces(
    paho: Recorder, monkeypatch: pytest.MonkeyPatch
):
    now = SimpleNamespace(monotonic=lambda: moment)
    monkeypatch.setattr("edge.sinks.mqtt.time", now)
    sink, sent_s = MqttSink("mqtt://localhost", name="box"), []
    for moment, faces in ((10.0, 1), (10.9, 1), (11.0, 1), (11.5, 0), (13.0, 0), (13.1, 1)):
        before = len(paho.sent)
        sink.write(None, seen(*[HAPPY] * faces))
        sent_s += [moment] * (len(paho.sent) - before)
    assert sent_s == [10.0, 11.0, 11.5, 13.1]


def test_events_of_an_absence_come_afterwards_and_states_do_not(paho: Recorder, caplog: pytest.LogCaptureFixture):
    sink = MqttSink("mqtt://localhost", name="box")
    paho.connected = False
    sink.write(None, seen(HAPPY, events=(END,)))
    assert paho.sent == []
    connect(sink)
    assert paho.newest("box/event") == {**END.to_dict(), "source": "cam"}
    sink.close()
    assert caplog.messages == []


def test_events_that_find_no_room_are_counted(paho: Recorder, caplog: pytest.LogCaptureFixture):
    sink = MqttSink("mqtt://localhost", name="box")
    paho.refuses = 15
    sink.write(None, seen(events=(END, END)))
    paho.refuses = 0
    connect(sink)
    sink.close()
    assert caplog.messages == ["3 MQTT events were dropped while the broker was away or too slow"]
    assert sink.failed


@pytest.mark.parametrize("error", [RuntimeError("gone"), ValueError("full")])
def test_a_broker_that_goes_during_the_farewell_is_said(
    paho: Recorder, error: Exception, caplog: pytest.LogCaptureFixture
):
    paho.waiting = error
    MqttSink("mqtt://localhost", name="box").close()
    assert caplog.messages == ["the broker went away before the last message"]


def test_a_broker_that_comes_and_goes_is_said_once_each_time(paho: Recorder, caplog: pytest.LogCaptureFixture):
    client = MqttSink("mqtt://localhost", name="box")._client
    client.on_disconnect(client, None, None, FINE, None)
    assert caplog.messages == []
    for reason in (FAILED, FAILED):
        client.on_disconnect(client, None, None, reason, None)
    for reason in (FAILED, FAILED, FINE, FINE):
        client.on_connect(client, None, None, reason, None)
    words = [message.split(" (")[0].split(": ")[0] for message in caplog.messages]
    assert words == ["the MQTT broker is gone", "the MQTT broker refuses us", "the MQTT broker is there"]


UNTRUSTED = ssl.SSLCertVerificationError(1, "certificate verify failed")
UNTRUSTED.verify_message = "self-signed certificate"
NO_TLS = ssl.SSLError(1, "wrong version number")
NO_TLS.reason = "WRONG_VERSION_NUMBER"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UNTRUSTED, "its certificate is not trusted (self-signed certificate)"),
        (NO_TLS, "TLS failed (WRONG_VERSION_NUMBER)"),
        (socket.gaierror(-2, "Name or service not known"), "its host name is unknown"),
        (ConnectionRefusedError(111, "Connection refused"), "the connection is refused; is it running?"),
        (TimeoutError(), "it does not answer"),
        (OSError(113, "No route to host"), "No route to host; trying again"),
        (RuntimeError("something else"), "something else; trying again"),
    ],
)
def test_why_a_broker_cannot_be_reached_is_said(
    paho: Recorder, caplog: pytest.LogCaptureFixture, error: Exception, words: str
):
    client = MqttSink("mqtt://localhost:7")._client
    try:
        raise error
    except Exception:
        client.on_connect_fail(client, None)
    assert f"cannot connect to the MQTT broker localhost:7: {words}" in caplog.text


@pytest.mark.parametrize("name", [None, "box"])
def test_a_name_that_was_given_makes_a_device_of_its_own(paho: Recorder, name: str | None):
    topic, _ = announcement(name or default_name(), own_name=name is not None, page=None)
    assert MqttSink("mqtt://localhost", name=name)._topic == topic


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(ConfigError, match=r"pip install 'emotion-edge\[mqtt\]'"):
        MqttSink("mqtt://localhost")


def test_settings_reach_the_sink(paho: Recorder, certificates: Path):
    files: dict[str, Any] = {f"mqtt_{name}": certificates / file for name, file in FILES.items()}
    settings = MqttSettings(mqtt="mqtts://host", mqtt_name="box", mqtt_discovery=False, **files)
    assert list(problems(settings)) == []
    sink = mqtt_sink(settings, page="http://kiosk/")
    connect(sink)
    assert paho.newest(sink._topic) == ""
    assert paho.newest("box/availability") == "online"
    sink = mqtt_sink(MqttSettings(mqtt="mqtt://host"), page="http://kiosk/")
    connect(sink)
    assert paho.newest(sink._topic)["device"]["configuration_url"] == "http://kiosk/"


FILES = {"ca": "ca.pem", "cert": "client.pem", "key": "client.key"}


def test_all_that_is_wrong_with_settings_is_said(tmp_path: Path):
    assert list(problems(MqttSettings())) == []
    found = list(problems(MqttSettings(mqtt="http://host", mqtt_name="a b", mqtt_key=tmp_path / "none.key")))
    assert [words.split(";")[0].split(" is ")[0] for words in found] == [
        "MQTT name",
        f"the MQTT key {tmp_path / 'none.key'} needs its certificate",
        "MQTT address",
    ]


def test_a_host_without_a_name_still_has_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "")
    assert default_name() == "emotion-edge"

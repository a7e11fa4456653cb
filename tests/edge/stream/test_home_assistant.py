"""What Home Assistant is told, held against its documentation, by devices on a real mosquitto."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
import pytest
from broker import MOSQUITTO, PASSWD, Broker, Listener, Recorder

from edge.labels import EMOTIONS
from edge.sinks.homeassistant import announcement
from edge.sinks.mqtt import MqttSink
from edge.types import Box, Face, FrameResult

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed (Debian: mosquitto)")

TEXT, LIST, NUMBER = str, list, int
# home-assistant.io: integrations/mqtt (device discovery, device, origin), sensor.mqtt and binary_sensor.mqtt.
DEVICE = {
    **dict.fromkeys(("name", "manufacturer", "model", "model_id", "sw_version", "hw_version", "serial_number"), TEXT),
    **dict.fromkeys(("configuration_url", "suggested_area", "via_device"), TEXT),
    **dict.fromkeys(("identifiers", "connections"), LIST),
}
ORIGIN = dict.fromkeys(("name", "sw_version", "support_url"), TEXT)
ROOT = {"device": dict, "origin": dict, "components": dict, "qos": NUMBER, "encoding": TEXT, "state_topic": TEXT}
ENTITY = {
    **dict.fromkeys(
        ("platform", "unique_id", "name", "icon", "device_class", "entity_category", "entity_picture"), TEXT
    ),
    **dict.fromkeys(("state_topic", "value_template", "json_attributes_topic", "json_attributes_template"), TEXT),
    **dict.fromkeys(("availability_topic", "availability_mode", "availability_template", "encoding"), TEXT),
    **dict.fromkeys(("payload_available", "payload_not_available", "default_entity_id"), TEXT),
    **dict.fromkeys(("qos", "expire_after"), NUMBER),
    **dict.fromkeys(("enabled_by_default", "force_update"), bool),
    "availability": LIST,
}
PLATFORMS = {
    "sensor": {
        **ENTITY,
        **dict.fromkeys(("state_class", "unit_of_measurement", "last_reset_value_template"), TEXT),
        "options": LIST,
        "suggested_display_precision": NUMBER,
    },
    "binary_sensor": {**ENTITY, "payload_on": TEXT, "payload_off": TEXT, "off_delay": NUMBER},
}
STATE_CLASSES = {"measurement", "measurement_angle", "total", "total_increasing"}
# Of each platform, the classes that something without a unit can have.
DEVICE_CLASSES = {"sensor": {"enum", "date", "timestamp"}, "binary_sensor": {"occupancy", "presence", "connectivity"}}
ID = re.compile(r"[a-zA-Z0-9_-]+")


def check_keys(content: dict[str, Any], known: dict[str, type], *required: str) -> None:
    assert set(content) <= set(known), set(content) - set(known)
    assert set(required) <= set(content), set(required) - set(content)
    for key, value in content.items():
        assert type(value) is known[key], f"{key}: {value!r}"
        assert value not in ("", [], {}), key


def check(topic: str, payload: dict[str, Any]) -> list[str]:
    """Hold a discovery message against the documentation; its unique ids."""
    prefix, kind, node, last = topic.split("/")
    assert (prefix, kind, last) == ("homeassistant", "device", "config")
    assert ID.fullmatch(node)
    check_keys(payload, ROOT, "device", "origin", "components")
    check_keys(payload["device"], DEVICE, "name")
    assert payload["device"].get("identifiers") or payload["device"].get("connections")
    if "configuration_url" in payload["device"]:
        url = urlsplit(payload["device"]["configuration_url"])
        assert url.scheme in ("http", "https", "homeassistant") and url.hostname
    check_keys(payload["origin"], ORIGIN, "name")
    for key, entity in payload["components"].items():
        assert ID.fullmatch(key)
        check_entity(entity)
    return [entity["unique_id"] for entity in payload["components"].values()]


def check_entity(entity: dict[str, Any]) -> None:
    check_keys(entity, PLATFORMS[entity["platform"]], "platform", "unique_id", "state_topic")
    kind = entity.get("device_class")
    assert kind is None or kind in DEVICE_CLASSES[entity["platform"]]
    assert entity.get("entity_category") in (None, "diagnostic"), "a sensor cannot be of the category config"
    assert entity.get("state_class") in (None, *STATE_CLASSES)
    assert ("options" in entity) == (kind == "enum")
    if "options" in entity:
        assert all(type(option) is str for option in entity["options"])
        assert len(set(entity["options"])) == len(entity["options"])
        assert not {"state_class", "unit_of_measurement"} & set(entity), "options go with neither"
    assert not ("availability" in entity and "availability_topic" in entity)
    for topic in (value for key, value in entity.items() if key.endswith("_topic")):
        assert not set(topic) & set("+# "), topic


def shown(entity: dict[str, Any], recorder: Recorder) -> str:
    """What Home Assistant makes of the newest message."""
    content = recorder.newest(entity["state_topic"])
    return jinja2.Template(entity.get("value_template", "{{ value }}")).render(value=content, value_json=content)


@pytest.mark.parametrize("name", [None, "hall/cam"])
@pytest.mark.parametrize("page", [None, "http://kiosk.local:8000/"])
def test_the_message_is_as_documented(name: str | None, page: str | None):
    topic, payload = announcement(name=name or "emotion-edge-pi", own_name=name is not None, page=page)
    check(topic, payload)
    assert payload["device"].get("configuration_url") == page
    kinds = {key: (one["platform"], one.get("device_class")) for key, one in payload["components"].items()}
    assert kinds == {
        "emotion": ("sensor", "enum"),
        "faces": ("sensor", None),
        "presence": ("binary_sensor", "occupancy"),
        "camera": ("sensor", "enum"),
        "connection": ("binary_sensor", "connectivity"),
    }
    diagnostic = {key for key, one in payload["components"].items() if one.get("entity_category") == "diagnostic"}
    assert diagnostic == {"camera", "connection"}


@pytest.mark.parametrize("state", ["ok", "dark", "reconnecting", "lost", "ended"])
@pytest.mark.parametrize("faces", [(), *(((name, True),) for name in EMOTIONS), (("Sad", False), ("Happy", False))])
def test_every_state_is_one_that_was_announced(monkeypatch: pytest.MonkeyPatch, state: str, faces: tuple[Any, ...]):
    recorder = Recorder(monkeypatch)
    sink = MqttSink("mqtt://localhost", name="box")
    chances = dict.fromkeys(EMOTIONS, 0.2)
    seen = tuple(Face(Box(0, 0, 9, 9), name, 0.8, sure, chances, track=n) for n, (name, sure) in enumerate(faces))
    sink.write(None, FrameResult("cam", 640, 480, seen, time_s=0.1, state=state))
    _, payload = announcement("box", own_name=True, page=None)
    entities = payload["components"]
    for entity in entities.values():
        if "options" in entity:
            assert shown(entity, recorder) in entity["options"]
    assert shown(entities["faces"], recorder) == str(len(faces))
    assert shown(entities["presence"], recorder) == ("ON" if faces else "OFF")


def test_an_id_is_the_machines_and_outlives_its_name():
    first, second = (announcement(name, own_name=False, page=None) for name in ("emotion-edge-a", "emotion-edge-b"))
    assert check(*first) == check(*second)
    assert first[1]["device"]["identifiers"] == second[1]["device"]["identifiers"]
    one, other = (announcement(name, own_name=True, page=None) for name in ("hall", "door"))
    assert not set(check(*one)) & set(check(*other)), "one machine may publish as two devices"


@pytest.fixture
def guarded(tmp_path: Path, certificates: Path) -> Iterator[Broker]:
    """A broker that wants TLS under an authority of our own, and a password."""
    if PASSWD is None:
        pytest.skip("mosquitto_passwd is not installed (Debian: mosquitto)")
    subprocess.run([PASSWD, "-b", "-c", tmp_path / "passwords", "kiosk", "se/cret"], check=True, capture_output=True)
    broker = Broker(
        tmp_path,
        f"certfile {certificates / 'server.pem'}",
        f"keyfile {certificates / 'server.key'}",
        "allow_anonymous false",
        f"password_file {tmp_path / 'passwords'}",
        "user root",
    )
    broker.start()
    yield broker
    broker.stop()


@pytest.mark.slow
def test_two_kiosks_through_a_restart_of_the_broker_and_a_kill(
    guarded: Broker, certificates: Path, tmp_path: Path, environment: dict[str, str]
):
    def listen() -> Listener:
        return Listener(guarded.port, ("kiosk", "se/cret"), certificates / "ca.pem")

    listener, kiosks = listen(), {}
    address = f"mqtts://kiosk:se%2Fcret@127.0.0.1:{guarded.port}"
    for name in ("hall", "door"):
        words = ["kiosk", "--source", "synthetic:1", "--port", "0", "--host", "0.0.0.0", "--no-auth"]
        words += ["--mqtt-name", name, "--mqtt-ca", str(certificates / "ca.pem")]
        kiosks[name] = subprocess.Popen(
            [sys.executable, "-m", "edge", *words],
            env={**environment, "EMOTION_EDGE_KIOSK_MQTT": address, "HOME": str(tmp_path)},
            stderr=(tmp_path / f"{name}.log").open("w"),
        )
    try:
        announced = listener.all_of("homeassistant/", 2)
        ids = [unique for topic, payload in announced.items() for unique in check(topic, payload)]
        assert len(set(ids)) == 10
        for payload in announced.values():
            assert re.match(r"http://[^/]+:\d+/$", payload["device"]["configuration_url"])
        for name in kiosks:
            assert listener.wait_for(f"{name}/state", lambda one: one["faces"] == 1)["state"] == "ok"
        listener.close()
        guarded.stop()
        guarded.start()
        listener = listen()
        assert listener.all_of("homeassistant/", 2) == announced, "a broker that forgot is told again"
        listener.close()
        listener = listen()
        os.kill(kiosks["door"].pid, signal.SIGKILL)
        listener.wait_for("door/availability", lambda word: word == "offline")
        assert listener.wait_for("hall/state", lambda one: one["faces"] == 1)["state"] == "ok"
        kiosks["hall"].terminate()
        assert kiosks["hall"].wait(30) == -signal.SIGTERM
        assert listener.wait_for("hall/state", lambda one: one["state"] == "ended")["faces"] == 0
        listener.wait_for("hall/availability", lambda word: word == "offline")
    finally:
        listener.close()
        for process in kiosks.values():
            process.kill()
            process.wait(20)
        for name in kiosks:
            sys.stderr.write((tmp_path / f"{name}.log").read_text())  # shown if the test fails
    for name in kiosks:
        assert "se/cret" not in (tmp_path / f"{name}.log").read_text()
        assert "se%2Fcret" not in (tmp_path / f"{name}.log").read_text()

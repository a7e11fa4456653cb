"""Results for home automation, over MQTT.

Topics under ``NAME/``: ``availability`` (online or, by last will, offline), ``state`` (retained JSON: what is seen now)
and ``event`` (one message per face that comes, changes its label or goes). Home Assistant finds the device by itself.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from edge import __version__
from edge.errors import ConfigError
from edge.types import FrameResult

if TYPE_CHECKING:
    from paho.mqtt.client import Client

log = logging.getLogger(__name__)

STATE_EVERY_S = 1.0  # without a change of label, confidences are published at most so often
EVENTS_MAX = 1000  # the newest events wait for a broker that is away
QUEUE_MAX = 2 * EVENTS_MAX  # messages on their way to one that is slow
DISCOVERY = "homeassistant"
NOBODY = "none"


class MqttSink:
    """Publishes results; connects and reconnects (1 to 20 s apart) in a thread of its own and never blocks.

    Args:
        address: ``mqtt://[user:password@]host[:port]``, or ``mqtts://`` for TLS.
        name: Topic prefix and device name: letters, digits, ``-``, ``_`` and ``/``.
        discovery: Announce the device to Home Assistant.

    Raises:
        ConfigError: The address or the name is wrong, or paho-mqtt is missing.
    """

    def __init__(self, address: str, *, name: str = "emotion-edge", discovery: bool = True) -> None:
        if not re.fullmatch(r"[\w-]+(/[\w-]+)*", name, re.ASCII):
            raise ConfigError(f"MQTT name is {name!r}; wanted letters, digits, -, _ and / between them")
        self._name = name
        self._discovery = discovery
        self._state: dict[str, Any] = {"state": "starting", "faces": 0, "emotion": NOBODY, "tracks": []}
        self._published: tuple[Any, ...] = ()
        self._next_s = 0.0
        self._waiting: deque[dict[str, Any]] = deque(maxlen=EVENTS_MAX)
        self._client = self._connect(address)
        self._client.loop_start()  # only now: its callbacks use self._client

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Publish this frame's events, and the state when it changed."""
        for event in result.events:
            content = event.to_dict() | {"source": result.source}
            if self._client.is_connected():
                self._publish("event", content)
            else:
                self._waiting.append(content)
        tracks = [
            {
                "track": face.track,
                "emotion": face.emotion,
                "confidence": round(face.confidence, 3),
                "sure": face.confident,
            }
            for face in result.faces
        ]
        main = max(result.faces, key=lambda face: face.box.area, default=None)
        emotion = NOBODY if main is None else main.emotion if main.confident else "uncertain"
        self._state = {"state": result.state, "faces": len(tracks), "emotion": emotion, "tracks": tracks}
        shown = (result.state, emotion, *((one["track"], one["emotion"], one["sure"]) for one in tracks))
        now = time.monotonic()
        if shown != self._published or (tracks and now >= self._next_s):
            self._published, self._next_s = shown, now + STATE_EVERY_S
            if self._client.is_connected():  # an old state is of no use later
                self._publish("state", self._state, retain=True)

    def reopen(self) -> None:
        """Nothing to open anew."""

    def close(self) -> None:
        """Say goodbye; what is queued gets a moment."""
        if self._client.is_connected():
            self._publish(
                "state", self._state | {"state": "ended", "faces": 0, "emotion": NOBODY, "tracks": []}, retain=True
            )
            farewell = self._client.publish(f"{self._name}/availability", "offline", qos=1, retain=True)
            try:
                farewell.wait_for_publish(2.0)
            except (RuntimeError, ValueError):
                log.warning("the broker went away before the last message")
        self._client.disconnect()
        self._client.loop_stop()

    def _connect(self, address: str) -> Client:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
        except ImportError as error:
            raise ConfigError(f"MQTT needs paho-mqtt ({error}); pip install 'emotion-edge[mqtt]'") from error
        try:
            parts = urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise ConfigError(f"MQTT address is wrong: {error}; wanted mqtt://host:port") from error
        if parts.scheme not in ("mqtt", "mqtts") or not host:
            raise ConfigError("MQTT address is wrong; wanted mqtt://[user:password@]host[:port] or mqtts://")
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        if parts.username:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        client.will_set(f"{self._name}/availability", "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, 20)
        client.max_queued_messages_set(QUEUE_MAX)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.connect_async(host, port or (8883 if parts.scheme == "mqtts" else 1883), keepalive=30)
        return client

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.warning("the MQTT broker refuses us: %s", reason)
            return
        if self._discovery:
            for topic, config in self._announcements().items():
                client.publish(topic, json.dumps(config), qos=1, retain=True)
        client.publish(f"{self._name}/availability", "online", qos=1, retain=True)
        self._publish("state", self._state, retain=True)
        while self._waiting:
            self._publish("event", self._waiting.popleft())

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.warning("the MQTT broker is gone (%s); trying again", reason)

    def _publish(self, topic: str, content: dict[str, Any], *, retain: bool = False) -> None:
        self._client.publish(f"{self._name}/{topic}", json.dumps(content), qos=1, retain=retain)

    def _announcements(self) -> dict[str, dict[str, Any]]:
        """Home Assistant's discovery messages, by topic."""
        node = self._name.replace("/", "_")
        device = {"identifiers": [node], "name": self._name, "model": "emotion-edge", "sw_version": __version__}
        sensors = {
            "emotion": {"name": "Emotion", "icon": "mdi:emoticon", "value_template": "{{ value_json.emotion }}"},
            "faces": {"name": "Faces", "icon": "mdi:face-recognition", "value_template": "{{ value_json.faces }}"},
            "state": {"name": "Camera", "icon": "mdi:camera", "value_template": "{{ value_json.state }}"},
        }
        sensors["emotion"]["json_attributes_topic"] = f"{self._name}/state"
        return {
            f"{DISCOVERY}/sensor/{node}/{key}/config": {
                **sensor,
                "unique_id": f"{node}_{key}",
                "state_topic": f"{self._name}/state",
                "availability_topic": f"{self._name}/availability",
                "device": device,
            }
            for key, sensor in sensors.items()
        }


__all__ = ["MqttSink"]

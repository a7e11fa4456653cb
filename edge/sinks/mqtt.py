"""Results for home automation, over MQTT.

Topics under ``NAME/``: ``availability`` (online or, by last will, offline), ``state`` (retained JSON: what is seen now)
and ``event`` (one message per face that comes, changes its label or goes). Home Assistant finds the device by itself
(`edge.sinks.homeassistant`).
"""

from __future__ import annotations

import json
import logging
import re
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError
from edge.labels import UNCERTAIN
from edge.settings.shared import MqttSettings
from edge.sinks.homeassistant import NOBODY, announcement
from edge.types import FrameResult

if TYPE_CHECKING:
    from paho.mqtt.client import Client

log = logging.getLogger(__name__)

STATE_EVERY_S = 1.0  # without a change of label, confidences are published at most so often
EVENTS_MAX = 1000  # the newest events wait for a broker that is away
QUEUE_MAX = 2 * EVENTS_MAX  # messages on their way to one that is slow
ADDRESS_WANTED = "MQTT address is wrong; wanted mqtt://[user:password@]host[:port] or mqtts://"
FAREWELL_S = 2.0
MQTT_ERR_QUEUE_SIZE = 15  # paho's, which is imported where it is needed


class MqttSink:
    """Publishes results; connects and reconnects (1 to 20 s apart) in a thread of its own and never blocks.

    Args:
        address: ``mqtt://[user:password@]host[:port]``, or ``mqtts://`` for TLS.
        name: Topic prefix and device name: letters, digits, ``-``, ``_`` and ``/``; None for one with the host's name.
        discovery: Announce the device to Home Assistant; False takes back what earlier runs announced.
        ca: Certificates (PEM) of the authorities to trust; None for the system's.
        certificate: Our own certificate (PEM), perhaps with its key.
        key: Its key (PEM).
        page: Address of the device's own page, for Home Assistant.

    Attributes:
        failed: Whether events were dropped.

    Raises:
        ConfigError: The address, the name or a certificate is wrong, or paho-mqtt is missing.
    """

    def __init__(
        self,
        address: str,
        *,
        name: str | None = None,
        discovery: bool = True,
        ca: Path | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        page: str | None = None,
    ) -> None:
        self._name = _checked(name)
        self._topic, announced = announcement(self._name, own_name=name is not None, page=page)
        self._announced = json.dumps(announced) if discovery else ""
        self._state: dict[str, Any] = {"state": "starting", "faces": 0, "emotion": NOBODY, "tracks": []}
        self._published: tuple[Any, ...] = ()
        self._next_s = 0.0
        self._waiting: deque[dict[str, Any]] = deque(maxlen=EVENTS_MAX)
        self._dropped = 0
        self.failed = False
        self._fault = ""
        self._tls = (ca, certificate, key)
        self._client = self._connect(address)
        self._client.loop_start()  # only now: its callbacks use self._client

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Publish this frame's events, and the state when it changed."""
        for event in result.events:
            content = event.to_dict() | {"source": result.source}
            if self._client.is_connected():
                self._publish("event", content)
            else:
                self._dropped += len(self._waiting) == EVENTS_MAX
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
        emotion = NOBODY if main is None else main.emotion if main.confident else UNCERTAIN
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
                farewell.wait_for_publish(FAREWELL_S)
                if not farewell.is_published():
                    log.warning("the MQTT broker does not answer; it may not have got the last messages")
            except (RuntimeError, ValueError):
                log.warning("the broker went away before the last message")
        self._client.disconnect()
        self._client.loop_stop()
        self._dropped += len(self._waiting)
        self._waiting.clear()
        self._say_dropped()

    def _connect(self, address: str) -> Client:
        _need_paho()
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

        parts, host, port = _split(address, any(self._tls))
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        if parts.username:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            client.tls_set_context(_context(*self._tls))
        client.will_set(f"{self._name}/availability", "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, 20)
        client.max_queued_messages_set(QUEUE_MAX)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        port = port or (8883 if parts.scheme == "mqtts" else 1883)
        self._place = f"{host}:{port}"
        client.connect_async(host, port, keepalive=30)
        return client

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._say_once(f"the MQTT broker refuses us: {reason}; check user and password")
            return
        if self._fault:
            log.warning("the MQTT broker is there")
        self._fault = ""
        # An empty retained message takes back what an earlier run announced.
        client.publish(self._topic, self._announced, qos=1, retain=True)
        client.publish(f"{self._name}/availability", "online", qos=1, retain=True)
        self._publish("state", self._state, retain=True)
        while self._waiting:
            self._publish("event", self._waiting.popleft())
        self._say_dropped()

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        error = sys.exc_info()[1]  # paho calls us from where it caught it
        self._say_once(f"cannot connect to the MQTT broker {self._place}: {_reason(error)}; trying again")

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure and not self._fault:
            self._say_once(f"the MQTT broker is gone ({reason}); trying again")

    def _say_once(self, words: str) -> None:
        if words != self._fault:
            log.warning("%s", words)
        self._fault = words

    def _say_dropped(self) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self.failed = True
            log.warning("%d MQTT events were dropped while the broker was away or too slow", dropped)

    def _publish(self, topic: str, content: dict[str, Any], *, retain: bool = False) -> None:
        sent = self._client.publish(f"{self._name}/{topic}", json.dumps(content), qos=1, retain=retain)
        self._dropped += sent.rc == MQTT_ERR_QUEUE_SIZE


def mqtt_sink(settings: MqttSettings, *, page: str | None = None) -> MqttSink:
    """The sink that the settings of a verb ask for.

    Args:
        settings: Settings with an ``mqtt`` address.
        page: Address of the device's own page, for Home Assistant.

    Raises:
        ConfigError: The address, the name or a certificate is wrong, or paho-mqtt is missing.
    """
    return MqttSink(
        settings.mqtt or "",
        name=settings.mqtt_name,
        discovery=settings.mqtt_discovery,
        ca=settings.mqtt_ca,
        certificate=settings.mqtt_cert,
        key=settings.mqtt_key,
        page=page,
    )


def problems(settings: MqttSettings) -> Iterator[str]:
    """All that is wrong with the settings of MQTT, as far as it shows without a broker."""
    files = (settings.mqtt_ca, settings.mqtt_cert, settings.mqtt_key)
    checks: list[Callable[[], object]] = [lambda: _checked(settings.mqtt_name), lambda: _context(*files)]
    if settings.mqtt is not None:
        checks += [partial(_split, settings.mqtt, any(files)), _need_paho]
    for check in checks:
        try:
            check()
        except ConfigError as error:
            yield str(error)


def default_name() -> str:
    """``emotion-edge-HOST``: two devices at one broker must not share topics and last will."""
    host = re.sub(r"[^A-Za-z0-9_-]+", "-", socket.gethostname().partition(".")[0]).strip("-")
    return f"emotion-edge-{host}" if host else "emotion-edge"


def _need_paho() -> None:
    try:
        import paho.mqtt.client  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"MQTT needs paho-mqtt ({error}); pip install 'emotion-edge[mqtt]'") from error


def _checked(name: str | None) -> str:
    name = default_name() if name is None else name
    if not re.fullmatch(r"[\w-]+(/[\w-]+)*", name, re.ASCII):
        raise ConfigError(f"MQTT name is {name!r}; wanted letters, digits, -, _ and / between them")
    return name


def _split(address: str, certificates: bool) -> tuple[SplitResult, str, int | None]:
    """The parts of an address, its host and its port; no error tells it, as it may hold a password."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(ADDRESS_WANTED) from None
    if parts.scheme not in ("mqtt", "mqtts") or not host:
        raise ConfigError(ADDRESS_WANTED)
    if certificates and parts.scheme == "mqtt":
        raise ConfigError("certificates are of use with mqtts:// only; got an mqtt:// address")
    return parts, host, port


def _context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    if key and not certificate:
        raise ConfigError(f"the MQTT key {key} needs its certificate; give --mqtt-cert")
    for path in (ca, certificate, key):
        if path is not None and not path.is_file():
            raise ConfigError(f"no such file: {path}; give a certificate or key in PEM form")
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate:
            context.load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        names = ", ".join(str(path) for path in (ca, certificate, key) if path)
        raise ConfigError(
            f"cannot use {names} for MQTT: {error}; wanted PEM files, the key without a password"
        ) from error
    return context


def _reason(error: BaseException | None) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); give its authority with --mqtt-ca"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason}); is its port one for TLS, and does it want a certificate (--mqtt-cert)?"
    if isinstance(error, socket.gaierror):
        return "its host name is unknown"
    if isinstance(error, ConnectionRefusedError):
        return "the connection is refused; is it running?"
    if isinstance(error, TimeoutError):
        return "it does not answer"
    return str(getattr(error, "strerror", None) or error)


__all__ = ["MqttSink", "default_name", "mqtt_sink", "problems"]

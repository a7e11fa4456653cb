"""A real mosquitto, who listens to it, and certificates of an authority of our own."""

from __future__ import annotations

import json
import queue
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
PASSWD = shutil.which("mosquitto_passwd")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Broker:
    """A mosquitto on a free port of this machine.

    Args:
        folder: For its configuration.
        *settings: Further lines of it.
        text: The whole of it instead, which listens on ``port``.
    """

    def __init__(self, folder: Path, *settings: str, text: str = "", port: int = 0) -> None:
        self.port = port or free_port()
        self._config = folder / "mosquitto.conf"
        head = f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        self._config.write_text(text or head + "\n".join(settings) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen([str(MOSQUITTO), "-c", str(self._config)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("mosquitto did not start")

    def pause(self) -> None:
        """Hang: nothing is answered until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)


class Listener:
    """Subscribes to everything.

    Args:
        port: Of the broker.
        login: User and password.
        ca: Authority of its certificate.
    """

    def __init__(self, port: int, login: tuple[str, str] | None = None, ca: Path | None = None) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.messages: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()
        ready: queue.Queue[bool] = queue.Queue()
        self._client = Client(CallbackAPIVersion.VERSION2)
        if login:
            self._client.username_pw_set(*login)
        if ca:
            self._client.tls_set_context(ssl.create_default_context(cafile=ca))
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: ready.put(True)
        self._client.on_message = lambda _client, _data, got: self.messages.put((got.topic, got.payload, got.retain))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        ready.get(timeout=30)

    def wait_for(self, topic: str, wanted: Callable[[Any], bool] = lambda _: True, timeout_s: float = 40.0) -> Any:
        """The next message of a topic that is wanted; JSON where it is JSON."""
        deadline = time.monotonic() + timeout_s
        while True:
            name, payload, _ = self.messages.get(timeout=max(deadline - time.monotonic(), 0.01))
            content = json.loads(payload) if payload.startswith((b"{", b"[")) else payload.decode()
            if name == topic and wanted(content):
                return content

    def all_of(self, beginning: str, count: int, timeout_s: float = 60.0) -> dict[str, Any]:
        """The newest content of ``count`` topics that begin so."""
        found: dict[str, Any] = {}
        deadline = time.monotonic() + timeout_s
        while len(found) < count:
            name, payload, _ = self.messages.get(timeout=max(deadline - time.monotonic(), 0.01))
            if name.startswith(beginning) and payload:
                found[name] = json.loads(payload)
        return found

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Recorder:
    """Stands for paho's client: what a sink does with it, without a network.

    Attributes:
        connected: What the client says of itself.
        refuses: Return code of what is published: 15 for a queue that is full.
        sent: Topic, content, quality of service and whether it is retained, of each message.
        calls: Arguments of the calls that set the client up, by name.
        waiting: What waiting for a message raises.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connected, self.refuses = True, 0
        self.sent: list[tuple[str, str, int, bool]] = []
        self.calls: dict[str, tuple[Any, ...]] = {}
        self.waiting: Exception | None = None
        client = "paho.mqtt.client.Client."
        for name in ("connect_async", "loop_start", "will_set", "reconnect_delay_set", "username_pw_set"):
            monkeypatch.setattr(client + name, partial(self._ask, name))
        monkeypatch.setattr(client + "max_queued_messages_set", partial(self._ask, "max_queued_messages_set"))
        monkeypatch.setattr(client + "is_connected", lambda _: self.connected)
        monkeypatch.setattr(client + "publish", self._publish)

    def newest(self, topic: str) -> Any:
        """The newest content of a topic, from JSON where it is JSON; None without one."""
        texts = [content for name, content, _, _ in self.sent if name == topic]
        return (json.loads(texts[-1]) if texts[-1].startswith("{") else texts[-1]) if texts else None

    def _ask(self, name: str, *arguments: Any, **named: Any) -> None:
        self.calls[name] = (*arguments, *named.values())

    def _publish(self, topic: str, content: str, qos: int = 0, retain: bool = False) -> Any:
        self.sent.append((topic, content, qos, retain))

        def wait(timeout_s: float) -> None:
            if self.waiting:
                raise self.waiting

        return SimpleNamespace(rc=self.refuses, wait_for_publish=wait, is_published=lambda: True)


def make_certificates(folder: Path) -> None:
    """ca.pem; server.pem and client.pem with server.key and client.key, signed by it."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    signs = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 is strict
    openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", *signs)
    for name in ("server", "client"):
        words = ("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
        words += ("-addext", "basicConstraints=CA:FALSE")
        keys = ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-CA", "ca.pem", "-CAkey", "ca.key")
        openssl(*new, *keys, *words)
    for path in folder.iterdir():
        path.chmod(0o644)
    folder.chmod(0o755)

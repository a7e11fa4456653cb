"""systemd's notify protocol: one datagram a message to the socket named in NOTIFY_SOCKET."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping


class Notifier:
    """Tells systemd how the service is doing; does nothing where systemd did not start it.

    Args:
        environ: The environment; that of the process by default.
        clock: Seconds that only go forward.
    """

    def __init__(self, environ: Mapping[str, str] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        environ = os.environ if environ is None else environ
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the zero byte of Linux's abstract socket names.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        own = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = environ.get("WATCHDOG_USEC", "0")
        self.watchdog_s = int(usec) / 1e6 if own and usec.isdecimal() else 0.0
        self._clock = clock
        self._fed: float | None = None

    def ready(self, status: str = "") -> None:
        """The service is up."""
        self._send(f"READY=1\nSTATUS={_one_line(status)}" if status else "READY=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        self._send(f"STATUS={_one_line(text)}")

    def stopping(self) -> None:
        """The service has begun to shut down."""
        self._send("STOPPING=1")

    def feed(self) -> None:
        """Something went all the way through: keep the watchdog quiet, four times an interval at most."""
        now = self._clock()
        if self.watchdog_s and (self._fed is None or now - self._fed >= self.watchdog_s / 4):
            self._fed = now
            self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # A full or vanished socket is systemd's trouble; the service goes on.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.setblocking(False)
            link.sendto(message.encode(), self._address)


def _one_line(text: str) -> str:
    return " ".join(text.split())


__all__ = ["Notifier"]

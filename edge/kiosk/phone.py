"""The way to the upload page from a visitor's own phone: the address that reaches this kiosk, and its QR code."""

from __future__ import annotations

import io
import socket
from contextlib import suppress
from urllib.parse import quote

from edge.kiosk.passes import Passes
from edge.kiosk.settings import KioskSettings


def phone_address(config: KioskSettings, port: int) -> str | None:
    """Where a phone in the same network finds the kiosk; None where it cannot.

    A number rather than a name, where this device has one: not every phone looks up names ending in ``.local``.
    """
    return config.address(port, _own_number()) if config.reachable else None


def _own_number() -> str | None:
    """This device's own address in its network, if it is in one. Nothing is sent: a UDP socket only picks a route."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.connect(("192.0.2.1", 9))  # an address for examples (RFC 5737)
        return str(link.getsockname()[0])
    return None


def qr_missing() -> str | None:
    """Why there are no QR codes; None where there are."""
    try:
        import segno  # noqa: F401
    except ImportError:
        return "no QR code is shown: segno is not installed; install it with: pip install 'emotion-edge[kiosk]'"
    return None


class PhoneWay:
    """What the kiosk's screen shows to phones.

    Args:
        config: The settings.
        port: The port that is listened on.
        passes: Make the pass that the address carries; None where the kiosk asks for no token.
    """

    def __init__(self, config: KioskSettings, port: int, passes: Passes | None) -> None:
        self._config, self._port, self._passes = config, port, passes

    @property
    def open(self) -> bool:
        """Whether there is something to show."""
        return self.address is not None and qr_missing() is None

    @property
    def address(self) -> str | None:
        """The kiosk's own address, as a phone finds it."""
        return phone_address(self._config, self._port)

    def svg(self) -> bytes:
        """The QR code of the upload page with the pass of now, black on white with its quiet zone."""
        import segno

        address = f"{self.address}upload"
        if self._passes is not None:
            address += f"?pass={self._passes.current()}"
        drawn = io.BytesIO()
        plain = {"xmldecl": False, "svgclass": None, "lineclass": None, "omitsize": True}
        segno.make_qr(address, error="m").save(drawn, kind="svg", border=4, light="#fff", **plain)
        return drawn.getvalue()


def qr_text(address: str, token: str = "") -> str:
    """The QR code of the kiosk's address, for a terminal; with ``token`` it logs in."""
    import segno

    drawn = io.StringIO()
    segno.make_qr(f"{address}?token={quote(token)}" if token else address, error="l").terminal(drawn, compact=True)
    return drawn.getvalue().rstrip("\n")


__all__ = ["PhoneWay", "phone_address", "qr_missing", "qr_text"]

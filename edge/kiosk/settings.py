"""The list of the kiosk's settings."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from edge.settings import Size, Verb, setting
from edge.settings.reading import FaceSettings
from edge.settings.shared import CameraSettings, MqttSettings, ReportSettings
from edge.sources.address import without_password


def read_network(text: str) -> str:
    """An address or a network, in its usual form."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"must be an address or network such as 127.0.0.1 or 10.0.0.0/8, got {text[:80]!r}") from None
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def parse_url(text: str) -> str:
    """Read an address of a page; it ends with a slash."""
    try:
        parts = urlsplit(text)
        right = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
    except ValueError:
        right = False
    if not right:
        raise ValueError(f"must be an address such as https://kiosk.example/emotion/, got {text[:80]!r}")
    return text.rstrip("/") + "/"


def parse_colour(text: str) -> str:
    """Read ``#RRGGBB``; an empty text is the page's own colour."""
    if text and not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError(f"must be a colour such as #0b6b62, got {text[:80]!r}")
    return text.lower()


SOURCE_WORDS = ("auto", "demo", "none")  # what a kiosk's source may be besides a stream's


@dataclass(frozen=True)
class KioskSettings(FaceSettings, CameraSettings, MqttSettings, ReportSettings):
    """Everything that can be set about a kiosk; each field says what it means."""

    source: str = setting(
        "auto",
        "Camera number or device, picamera[:N], video file, folder of pictures, address, or 'demo' for drawn faces; "
        "'auto' takes a camera if it finds one, else the demo; 'none' serves the upload page alone.",
        show=without_password,
    )
    host: str = setting("127.0.0.1", "Address to listen on; any but this device's own needs a token.")
    port: int = setting(8000, "Port to listen on; 0 takes a free one.", low=0, high=65535)
    video: Literal["on", "blur", "off"] = setting("on", "What picture leaves the process.")
    video_fps: float = setting(15.0, "Pictures a second sent to the page, at most.", low=1, high=60)
    size: Size = setting(Size(640, 480), "Picture to ask of the camera.", parse=Size.parse, form="WIDTHxHEIGHT")
    auth: bool = setting(True, "Ask for the token where the address needs one.")
    token_file: Path | None = setting(
        None, "File of the token.", otherwise="token in $STATE_DIRECTORY or ~/.local/state/emotion-edge"
    )
    allow_host: tuple[str, ...] = setting((), "Further host name by which the page may be called; '*' for any.")
    trusted_proxy: tuple[str, ...] = setting(
        (),
        "Address or network of a reverse proxy, whose word for client and scheme counts; a token is then asked for.",
        parse=read_network,
        form="ADDRESS",
    )
    public_url: str | None = setting(
        None,
        "Address by which others reach the kiosk, as that of a proxy before it; the QR code leads there.",
        parse=parse_url,
        form="URL",
        otherwise="the one it listens on",
    )
    max_uploads: int = setting(4, "Uploads worked on at a time; further ones must come back later.", low=1, high=64)
    max_upload_mb: float = setting(10.0, "Largest upload in megabytes.", low=0.1, high=100)
    event_log: Path | None = setting(
        None, "Database file (SQLite) of who showed what for how long, without pictures.", otherwise="none"
    )
    language: Literal["auto", "en", "de", "fr", "es", "hi"] = setting("auto", "Language of the page.")
    theme: Literal["auto", "dark", "light"] = setting("auto", "Colours of the page.")
    title: str = setting("", "Name in the bar instead of emotion-edge.", form="TEXT")
    intro: str = setting("", "A sentence under the invitation while no one is there.", form="TEXT")
    logo: Path | None = setting(None, "Picture in the bar: SVG, PNG, JPEG or WebP.", otherwise="the package's own")
    accent: str = setting("", "Colour of buttons and links.", parse=parse_colour, form="#RRGGBB")

    @property
    def loopback(self) -> bool:
        """Whether only this device can reach the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def reachable(self) -> bool:
        """Whether other devices can reach the page."""
        return self.public_url is not None or not self.loopback

    def address(self, port: int, number: str | None = None) -> str:
        """Where a browser finds the page, as far as this device can tell.

        Args:
            port: The port that is listened on.
            number: This device's address in its network, to be named instead of its host name.
        """
        if self.public_url:
            return self.public_url
        name = self.host
        if self.host in ("127.0.0.1", "::1"):
            name = "localhost"
        elif self.host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
            name = number or f"{socket.gethostname().partition('.')[0]}.local"
        return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


KIOSK = Verb("kiosk", KioskSettings, takes_file=True, default_file=Path("/etc/emotion-edge/kiosk.toml"))

__all__ = ["KIOSK", "SOURCE_WORDS", "KioskSettings"]

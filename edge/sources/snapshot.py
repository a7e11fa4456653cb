"""Addresses that give one picture at a time, as many network cameras have them besides their stream."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO, Any
from urllib.error import URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import (
    HTTPBasicAuthHandler,
    HTTPDigestAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    Request,
    build_opener,
)

from edge.errors import CameraLostError, ImageError, SourceError
from edge.images import load_image
from edge.sources.base import Frame

FPS = 5.0
LARGEST_BYTES = 32 << 20


def is_known_login(offered: str) -> bool:
    """Whether a value of ``WWW-Authenticate`` asks for basic authentication, or digest with a hash urllib has."""
    kind, _, rest = offered.lower().partition(" ")
    hashed = re.search(r"algorithm=\"?([\w-]+)", rest)
    return kind == "basic" or (kind == "digest" and (not hashed or hashed[1] in ("md5", "sha")))


class _Basic(HTTPBasicAuthHandler):
    """Basic authentication, also where other kinds are offered."""

    def http_error_401(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage) -> Any:
        """What urllib raises for kinds that it does not know is no reason to stop: None leaves the 401 as it is."""
        with suppress(ValueError):
            return super().http_error_401(req, fp, code, msg, headers)
        return None


class _Digest(HTTPDigestAuthHandler):
    """Digest authentication, also where other kinds, or this one with another hash, are offered."""

    def http_error_401(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage) -> Any:
        """Each kind that is offered, as urllib looks at the first alone."""
        for kind in filter(is_known_login, headers.get_all("www-authenticate", [])):
            one = HTTPMessage()
            one["www-authenticate"] = kind
            with suppress(ValueError):
                if response := super().http_error_401(req, fp, code, msg, one):
                    return response
        return None


def fetch(address: str, timeout_s: float) -> HTTPResponse:
    """Ask for an http:// or https:// address; user and password in it are used, by basic or digest authentication.

    Raises:
        OSError, HTTPException, ValueError: It cannot be had.
    """
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    bare = urlunsplit((parts.scheme.lower(), host, parts.path, parts.query, ""))
    opener = build_opener()
    if parts.username is not None:
        passwords = HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, bare, unquote(parts.username), unquote(parts.password or ""))
        opener = build_opener(_Basic(passwords), _Digest(passwords))
    response: HTTPResponse = opener.open(bare, timeout=timeout_s)
    return response


def gives_pictures(address: str, timeout_s: float) -> bool:
    """Whether an address gives one picture."""
    if not address.lower().startswith(("http://", "https://")):
        return False
    try:
        with fetch(address, timeout_s) as response:
            return response.headers.get_content_maintype() == "image"
    except (OSError, HTTPException, ValueError):
        return False


class Snapshots:
    """Asks for pictures in turn.

    Args:
        address: http:// or https://.
        name: What messages call it.
        fps: Pictures a second, at most; None for 5.
        timeout_s: Limit for each.
    """

    def __init__(self, address: str, name: str, *, fps: float | None, timeout_s: float) -> None:
        self._address, self._name, self._timeout_s = address, name, timeout_s
        self._every_s = 1 / (fps or FPS)
        self._next_s = 0.0

    def read(self) -> Frame:
        """The next picture.

        Raises:
            CameraLostError: There is no response.
            SourceError: What comes is no picture.
        """
        time.sleep(max(self._next_s - time.monotonic(), 0))
        self._next_s = time.monotonic() + self._every_s
        try:
            with fetch(self._address, self._timeout_s) as response:
                data = response.read(LARGEST_BYTES)
        except (OSError, HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            raise CameraLostError(f"{self._name} gives no more pictures: {reason}") from error
        now = time.monotonic()
        try:
            return Frame(load_image(data), now, captured_s=now)
        except ImageError as error:
            raise SourceError(f"{self._name}: {error}") from error


__all__ = ["FPS", "Snapshots", "fetch", "gives_pictures", "is_known_login"]

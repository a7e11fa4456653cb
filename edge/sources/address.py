"""Addresses of cameras, and how to show them without their secrets."""

from __future__ import annotations

import re

HIDDEN = "***"
_NAMES = (
    r"(?:pass\w*?|pwd|pas|psw|secret|token|signature|credential|session(?:_?id)?|jwt|(?:api|auth|access)_?key|"
    r"(?<![a-z0-9])(?:p|pw|psk|key|sig|sid|auth))="
)
# Not compiled here: files need none of them, and they take longer than the rest of a short run's imports from `edge`.
_IN_PATH = rf"(?i)({_NAMES})[^&;/]*?(?=_[a-z]+=|[&;/]|$)"
_IN_QUERY = rf"(?i)({_NAMES})[^&;#\s]*"
# User and password before the host. "host:554/..." has a port there. A password may hold "@", "/" and even "?",
# where it should have been quoted.
_LOGIN = r"(?<=://)([^/?#@:]*):(?!\d+(?:[/?#]|$))"
_LOGINS = (_LOGIN + r"[^?#]*@", _LOGIN + r".*@")


def is_address(spec: str) -> bool:
    """Whether a source is named by an address such as ``rtsp://camera/live``."""
    return re.match(r"[a-z][a-z0-9+.-]*://", spec, re.IGNORECASE) is not None


def without_password(address: str) -> str:
    """An address fit for logs and results; other words come back as they are.

    ``rtsp://user:secret@host/x`` becomes ``rtsp://user@host/x``. Secret parameters become ``***``, also where a camera
    wants them in the path (``/user=a_password=b_channel=1``).
    """
    if not is_address(address):
        return address
    for login in _LOGINS:
        address, found = re.subn(login, r"\1@", address, count=1)
        if found:
            break
    path, mark, query = address.partition("?")
    return re.sub(_IN_PATH, rf"\1{HIDDEN}", path) + mark + re.sub(_IN_QUERY, rf"\1{HIDDEN}", query)


def without_login(address: str) -> str:
    """The same for what can only be an address, also where it is wrong: what may be a login is left out."""
    return without_password(address) if is_address(address) else address.rpartition("@")[2]


__all__ = ["is_address", "without_login", "without_password"]

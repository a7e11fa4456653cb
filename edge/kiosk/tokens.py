"""The kiosk's token: made once, kept in a file that only its owner reads."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from edge.errors import ConfigError
from edge.kiosk.logins import FailedLogins
from edge.kiosk.passes import Passes

MIN_LENGTH = 16


def default_path() -> Path:
    """``$STATE_DIRECTORY/token`` under systemd, else ``~/.local/state/emotion-edge/token``."""
    state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if state:
        return Path(state) / "token"
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return home / "emotion-edge" / "token"


def load_or_create(path: Path) -> tuple[str, bool]:
    """The token in ``path``, and whether it was made just now.

    Raises:
        ConfigError: The file cannot be read or made, is too short, or others may read it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError:
            return _read(path), False
        token = secrets.token_urlsafe(24)
        with os.fdopen(handle, "w") as file:
            file.write(token + "\n")
    except OSError as error:
        raise ConfigError(f"cannot use the token file {path}: {error.strerror}") from error
    return token, True


def _read(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"the token file {path} can be read by others; run: chmod 600 {path}")
    token = path.read_text().strip()
    if len(token) < MIN_LENGTH or not token.isascii() or not token.isprintable():
        raise ConfigError(
            f"the token in {path} must be at least {MIN_LENGTH} plain characters; delete it to get a new one"
        )
    return token


class Gate:
    """Compares what a client shows with the token, in constant time.

    The cookie is derived from the token: whoever sees it cannot tell the token, and a new token makes old cookies void.

    Attributes:
        cookie: What a browser shows instead of the token.
        failed: Where wrong tokens are noted.
        passes: What lets visitors' phones open the upload page.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self.failed = FailedLogins()
        self.passes = Passes()
        self.cookie = hmac.new(self._token, b"emotion-edge cookie", hashlib.sha256).hexdigest()

    def opens_with(self, token: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(token.encode(), self._token)

    def opens_with_cookie(self, cookie: str) -> bool:
        """Whether this is the cookie that the token gave."""
        return hmac.compare_digest(cookie.encode(), self.cookie.encode())


__all__ = ["Gate", "default_path", "load_or_create"]

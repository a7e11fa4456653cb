"""The owner's own picture in the bar."""

from __future__ import annotations

from pathlib import Path

from edge.errors import ConfigError

KINDS = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
MOST_BYTES = 500_000


def read_logo(path: Path) -> tuple[bytes, str]:
    """Content and media type of a logo.

    Raises:
        ConfigError: It cannot be read, is too large, or is no picture that browsers show.
    """
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(f"logo is {path.name!r}; wanted a file named like one of {', '.join(KINDS)}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"logo {path} cannot be read: {error.strerror or error}; name another with --logo") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"logo {path} has {len(content):,} bytes; wanted {MOST_BYTES:,} at most")
    return content, kind


__all__ = ["read_logo"]

"""The owner's own picture in the bar."""

from __future__ import annotations

from pathlib import Path

from edge.errors import ConfigError

STARTS = {b"\x89PNG\r\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
MOST_BYTES = 500_000


def read_logo(path: Path) -> tuple[bytes, str]:
    """Content and media type of a logo.

    Raises:
        ConfigError: It cannot be read, is too large, or is no picture that browsers show.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"logo {path} cannot be read: {error.strerror or error}; name another with --logo") from error
    if len(content) > MOST_BYTES:
        raise ConfigError(f"logo {path} has {len(content):,} bytes; wanted {MOST_BYTES:,} at most")
    kind = _kind(content)
    if kind is None:
        raise ConfigError(f"logo {path} is no picture that browsers show; wanted SVG, PNG, JPEG or WebP")
    return content, kind


def _kind(content: bytes) -> str | None:
    """The media type by what a file holds: names are often wrong."""
    for start, kind in STARTS.items():
        if content.startswith(start):
            return kind
    if content[:4] + content[8:12] == b"RIFFWEBP":
        return "image/webp"
    return "image/svg+xml" if b"<svg" in content else None


__all__ = ["read_logo"]

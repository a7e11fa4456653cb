"""The pages: files of this package, read once, with nothing filled in."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from starlette.responses import Response

STATIC = Path(__file__).parent / "static"


@lru_cache
def _read(name: str) -> bytes:
    return (STATIC / name).read_bytes()


def page(name: str, status: int = 200) -> Response:
    """One of the package's own pages."""
    return Response(_read(name), status, media_type="text/html")


__all__ = ["STATIC", "page"]

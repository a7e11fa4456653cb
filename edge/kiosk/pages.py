"""The pages: files of this package, read once. ``<!-- head -->`` and ``<!-- bar -->`` stand for what they share."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
HTML = Path(__file__).parent / "html"


@lru_cache
def _read(name: str) -> str:
    text = (HTML / name).read_text("utf-8")
    for shared in ("head", "bar"):
        text = text.replace(f"    <!-- {shared} -->\n", (HTML / f"{shared}.html").read_text("utf-8"))
    return text


def page(name: str, status: int = 200) -> Response:
    """One of the package's own pages."""
    return Response(_read(name), status, media_type="text/html")


__all__ = ["STATIC", "page"]

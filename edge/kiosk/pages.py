"""The pages: files of this package, read once. ``<!-- head -->`` and ``<!-- bar -->`` stand for what they share.

The device's own screen (``?screen=1``) has the same pages, with nothing that leads away from them.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from starlette.responses import Response

STATIC = Path(__file__).parent / "static"
HTML = Path(__file__).parent / "html"


SCREEN = "./?screen=1"
_CHARSET = '<meta charset="utf-8" />\n'
_PHONE_HEAD = '    <script type="module" src="static/phone.js"></script>\n'
_SCREEN_HEAD = '    <script src="static/screen.js"></script>\n    <link rel="stylesheet" href="static/screen.css" />\n'


@lru_cache
def _read(name: str, screen: bool, phones: bool) -> str:
    text = (HTML / name).read_text("utf-8")
    for shared in ("head", "bar"):
        text = text.replace(f"    <!-- {shared} -->\n", (HTML / f"{shared}.html").read_text("utf-8"))
    if screen:
        text = text.replace('"./"', f'"{SCREEN}"').replace('url=./"', f'url={SCREEN}"')
        text = text.replace(_CHARSET, _CHARSET + _SCREEN_HEAD + (_PHONE_HEAD if phones else ""), 1)
    return text


def login_page(*, wrong: bool = False) -> Response:
    """The page that asks for the token, after a wrong one also saying so."""
    text = _read("login.html", False, False)
    return Response(text.replace('role="alert" hidden', 'role="alert"') if wrong else text, 401, media_type="text/html")


def page(name: str, status: int = 200, *, screen: bool = False, phones: bool = False) -> Response:
    """One of the package's own pages; ``screen`` makes it the device's own, ``phones`` adds a QR code to that."""
    return Response(_read(name, screen, phones), status, media_type="text/html")


__all__ = ["STATIC", "login_page", "page"]

"""Who may ask, and under which headers replies leave: one ASGI middleware around the whole application."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.kiosk.pages import login_page, page
from edge.kiosk.passes import PATHS, TURN_S, VISITS_TURNS
from edge.kiosk.replies import failure
from edge.kiosk.tokens import Gate

log = logging.getLogger(__name__)

COOKIE = "emotion_edge"
VISIT = "emotion_edge_visit"
# Reached without a token: the page that asks for it, what that page is made of, and a health check that says no more
# than yes or no.
OPEN_PATHS = ("/login", "/healthz", "/static/")

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def own_names() -> set[str]:
    """The names by which this device is called on its network."""
    name = socket.gethostname().lower()
    return {"localhost", name, f"{name.partition('.')[0]}.local"}


class Security:
    """Checks the Host and Origin headers and the token, and sets the headers of every reply.

    A page of another site that has its own name resolve to this device (DNS rebinding) still sends its own name as
    Host: only names of this device, those that were allowed, and plain addresses pass.

    Args:
        app: The application.
        gate: Checks the token; None lets everyone in.
        hosts: Further host names; ``*`` for any.
    """

    def __init__(self, app: ASGIApp, *, gate: Gate | None = None, hosts: Iterable[str] = ()) -> None:
        self._app, self._gate = app, gate
        self._hosts = own_names() | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-cache" if scope["path"].startswith("/static/") else "no-store")
            await send(message)

        bearer = _bearer(Headers(scope=scope))
        if self._gate is not None and bearer and not self._gate.opens_with(bearer):
            self._gate.failed.note(scope)  # also where all are let in: /healthz tells who has the token more
        refused = self._refuse(scope)
        scope.setdefault("state", {})["trusted"] = refused is None and self._trusted(scope)
        try:
            await (refused or self._app)(scope, receive, send_with_headers)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if not started:
                await failure(500, "internal", "Something went wrong here.")(scope, receive, send_with_headers)

    def _refuse(self, scope: Scope) -> Response | None:
        """The reply to a request that may not go on, or None."""
        headers = Headers(scope=scope)
        host = _host_name(headers.get("host", ""))
        if host is None or not self._known(host):
            return failure(421, "wrong_host", "This device is not known by that name; see allow_host.")
        origin = headers.get("origin")
        if origin and scope["method"] not in ("GET", "HEAD") and not _same_place(origin, headers.get("host", "")):
            return failure(403, "wrong_origin", "Another site may not send this.")
        if self._gate is None or _is_open(scope["path"]) or self._trusted(scope):
            return None
        if scope["path"] in PATHS and self._gate.passes.opens_with_cookie(_cookie(headers.get("cookie", ""), VISIT)):
            return None
        return self._let_in(scope, headers, self._gate)

    def _let_in(self, scope: Scope, headers: Headers, gate: Gate) -> Response:
        """A first visit with the token in the address gets the cookie; all else has to log in."""
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        shown = query.get("token", "")
        # A page, not /api/...: addresses in pages are relative, and the cookie is for what lies beside the page.
        a_page = scope["method"] == "GET" and scope["path"].count("/") == 1
        if a_page and gate.opens_with(shown):
            # A page that moves on, not a redirect: after a link on another site, a redirect would not bring the cookie.
            reply = page("welcome.html", screen="screen" in query)
            set_cookie(reply, gate, scope["scheme"])
            return reply
        visit = query.get("pass", "")
        if scope["path"] == "/upload" and gate.passes.opens_with(visit):
            reply = page("upload.html")
            _set_visit(reply, gate, scope["scheme"])
            return reply
        if shown or visit:
            gate.failed.note(scope)
        if a_page and visit:
            return page("ended.html", status=401)
        if a_page and "text/html" in headers.get("accept", ""):
            return login_page(wrong=bool(shown))
        return failure(401, "token", "The token is missing or wrong.", {"www-authenticate": "Bearer"})

    def _trusted(self, scope: Scope) -> bool:
        if self._gate is None:
            return True
        headers = Headers(scope=scope)
        if self._gate.opens_with(_bearer(headers)):
            return True
        return self._gate.opens_with_cookie(_cookie(headers.get("cookie", ""), COOKIE))

    def _known(self, host: str) -> bool:
        if "*" in self._hosts or host in self._hosts:
            return True
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return False
        return True


def set_cookie(reply: Response, gate: Gate, scheme: str) -> None:
    """Let this browser in from now on, below the path that it asked at: a proxy may have others beside it."""
    secure = scheme == "https"
    reply.set_cookie(COOKIE, gate.cookie, 180 * 86400, path=None, httponly=True, samesite="strict", secure=secure)


def _set_visit(reply: Response, gate: Gate, scheme: str) -> None:
    """Let a visitor's phone use the upload page for a while."""
    secure, most_s = scheme == "https", TURN_S * VISITS_TURNS
    reply.set_cookie(VISIT, gate.passes.cookie(), most_s, path=None, httponly=True, samesite="strict", secure=secure)


def _is_open(path: str) -> bool:
    return any(path == known or (known.endswith("/") and path.startswith(known)) for known in OPEN_PATHS)


def _host_name(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None or parts.path or parts.query:
        return None
    return parts.hostname.lower().rstrip(".")


def _same_place(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def _bearer(headers: Headers) -> str:
    kind, _, shown = headers.get("authorization", "").partition(" ")
    return shown.strip() if kind.lower() == "bearer" else ""


def _cookie(header: str, name: str) -> str:
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


__all__ = ["COOKIE", "HEADERS", "OPEN_PATHS", "VISIT", "Security", "own_names", "set_cookie"]

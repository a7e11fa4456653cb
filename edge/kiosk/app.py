"""The application: which address gives what. Everything it shows is made elsewhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from edge.errors import LogError
from edge.kiosk import video
from edge.kiosk.health import Health
from edge.kiosk.live import LiveView
from edge.kiosk.logo import read_logo
from edge.kiosk.metrics import CONTENT_TYPE, Metrics
from edge.kiosk.openapi import DOCUMENT
from edge.kiosk.pages import STATIC, login_page, page
from edge.kiosk.phone import PhoneWay
from edge.kiosk.replies import LiveReply, Seats, failure, json_reply
from edge.kiosk.security import Security, set_cookie
from edge.kiosk.settings import KioskSettings
from edge.kiosk.sources import DEMO
from edge.kiosk.tokens import Gate
from edge.kiosk.uploads import MAX_PIXELS, UploadDesk
from edge.words import LANG, Words, preferred

logger = logging.getLogger(__name__)

MAX_EVENTS, MAX_VIDEO = 100, 32
LOGIN_BYTES = 2048


class Site:
    """The handlers, and what they show.

    Args:
        config: The settings.
        desk: Where uploads go.
        metrics: What ``/metrics`` gives.
        health: How the kiosk is now.
        labels: The emotions, in the model's order.
        threshold: Confidence below which an emotion is shown as not confident.
        live: The live view, or None to serve uploads alone.
        gate: Checks the token; None lets everyone in.
        phones: What the kiosk's screen shows to phones.

    Attributes:
        seats: Of those who watch, by what: ``events`` and ``video``.
    """

    def __init__(
        self,
        config: KioskSettings,
        *,
        desk: UploadDesk,
        metrics: Metrics,
        health: Callable[[], Health],
        labels: tuple[str, ...],
        threshold: float,
        live: LiveView | None,
        gate: Gate | None,
        phones: PhoneWay,
    ) -> None:
        self.config, self.desk, self.metrics, self.health = config, desk, metrics, health
        self.labels, self.threshold, self.live, self.gate = labels, threshold, live, gate
        self.phones = phones
        self.seats = {"events": Seats(MAX_EVENTS), "video": Seats(MAX_VIDEO)}
        self._drawn = read_logo(config.logo) if config.logo else None
        self._reporting = asyncio.Lock()

    def app(self) -> ASGIApp:
        """The ASGI application."""
        routes: list[Route | Mount] = [
            Route("/", self._home),
            Route("/upload", self._upload),
            Route("/privacy", self._privacy),
            Route("/today", self._today),
            Route("/login", self._login, methods=["GET", "POST"]),
            Route("/api/about", self._about),
            Route("/api/latest", self._latest),
            Route("/api/predict", self.desk.handle, methods=["POST"]),
            Route("/api/openapi.json", self._openapi),
            Route("/logo", self._logo),
            Route("/phone.svg", self._phone),
            Route("/events", self._events),
            Route("/stream.mjpg", self._stream),
            Route("/healthz", self._healthz),
            Route("/metrics", self._metrics),
            Mount("/static/lang", StaticFiles(directory=LANG)),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        inner = Starlette(routes=routes, exception_handlers={HTTPException: _http_failure, Exception: _http_failure})
        inner.router.redirect_slashes = False
        hosts = [self.config.host, *self.config.allow_host]
        if self.config.public_url:
            hosts.append(urlsplit(self.config.public_url).hostname or "")
        guarded = Security(inner, gate=self.gate, hosts=hosts)
        if not self.config.trusted_proxy:
            return guarded
        return cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", guarded), list(self.config.trusted_proxy)))

    async def _home(self, request: Request) -> Response:
        if self.live is None:
            return page("upload.html")
        return page("live.html", screen="screen" in request.query_params, phones=self.phones.open)

    async def _upload(self, _: Request) -> Response:
        return page("upload.html")

    async def _privacy(self, _: Request) -> Response:
        return page("privacy.html")

    async def _today(self, request: Request) -> Response:
        """The report on the event log, of this day alone."""
        log, today = self.config.event_log, date.today()
        if log is None:
            return failure(404, "no_event_log", "This kiosk keeps no event log; see event_log.")
        from edge.report import read_report
        from edge.report.page import STYLE_HASH, to_html

        async with self._reporting:
            try:
                report = await asyncio.to_thread(
                    read_report, log, "hour", min_visits=self.config.min_visits, day=today, title=f"{today:%Y-%m-%d}"
                )
            except LogError as error:
                logger.warning("no report for /today: %s", error)
                return failure(503, "no_report", "The event log cannot be read now.")
        style = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
        own, wanted = self.config.language, request.headers.get("accept-language", "")
        words = Words(preferred(wanted) if own == "auto" else own)
        headers = {"content-security-policy": style, "vary": "accept-language"}
        return Response(to_html(report, words), media_type="text/html", headers=headers)

    async def _openapi(self, _: Request) -> Response:
        return json_reply(DOCUMENT)

    async def _login(self, request: Request) -> Response:
        if request.method != "POST":
            return page("login.html")
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LOGIN_BYTES:
                return failure(413, "too_large", "The form is too large.")
        token = parse_qs(body.decode("latin-1")).get("token", [""])[0].strip()
        if self.gate is None or not self.gate.opens_with(token):
            if self.gate is not None and token:
                self.gate.failed.note(request.scope)
            return login_page(wrong=bool(token))
        reply = RedirectResponse("./", status_code=303)
        set_cookie(reply, self.gate, request.url.scheme)
        return reply

    async def _about(self, request: Request) -> Response:
        config, visitor = self.config, not request.state.trusted
        about: dict[str, Any] = {
            "live": self.live is not None,
            "visitor": visitor,
            "source": "" if visitor else self.health().facts.source,
            "state": self.health().state,
            "demo": self.health().facts.source == DEMO.partition(":")[0],
            "video": config.video,
            "labels": list(self.labels),
            "threshold": self.threshold,
            "event_log": bool(config.event_log) and self.live is not None,
            "published": bool(config.mqtt) and self.live is not None,
            "language": config.language,
            "theme": config.theme,
            "title": config.title,
            "intro": config.intro,
            "logo": config.logo is not None,
            "accent": config.accent,
            "upload": {"max_bytes": self.desk.max_bytes, "max_pixels": MAX_PIXELS},
        }
        return json_reply(about)

    async def _logo(self, _: Request) -> Response:
        if self._drawn is None:
            return failure(404, "not_found", "This kiosk has no logo of its own.")
        content, kind = self._drawn
        # A drawing may hold a script; opened by itself it gets none to run.
        return Response(content, media_type=kind, headers={"content-security-policy": "default-src 'none'; sandbox"})

    async def _phone(self, _: Request) -> Response:
        if not self.phones.open:
            return failure(404, "not_found", "Phones cannot reach this kiosk.")
        return Response(self.phones.svg(), media_type="image/svg+xml")

    async def _latest(self, _: Request) -> Response:
        stream = self.health().stream
        if stream is None:
            return failure(404, "no_camera", "This kiosk serves uploads alone.")
        if stream.result is None:
            return failure(503, "starting", "There is no result yet.", {"retry-after": "1"})
        return json_reply(stream.result.to_dict())

    async def _events(self, _: Request) -> Response | LiveReply:
        if self.live is None:
            return failure(404, "no_camera", "This kiosk serves uploads alone.")
        return _open(self.live.watch, self.seats["events"], "text/event-stream")

    async def _stream(self, _: Request) -> Response | LiveReply:
        if self.live is None:
            return failure(404, "no_camera", "This kiosk serves uploads alone.")
        if self.live.video.mode == "off":
            return failure(403, "video_off", "No picture leaves this device: its video is off.")
        return _open(self.live.video.watch, self.seats["video"], video.CONTENT_TYPE)

    async def _healthz(self, request: Request) -> Response:
        health = self.health()
        status = 200 if health.healthy else 503
        facts = health.to_dict()
        # Who has not shown the token learns whether it works, and no more.
        return json_reply(facts if request.state.trusted else {"status": facts["status"]}, status)

    async def _metrics(self, _: Request) -> Response:
        viewers = {kind: seats.taken for kind, seats in self.seats.items()}
        return Response(self.metrics.render(self.health(), viewers), media_type=CONTENT_TYPE)


def _open(parts: Callable[[], AsyncIterator[bytes]], seats: Seats, media_type: str) -> Response | LiveReply:
    if not seats.take():
        return failure(503, "busy", "Too many viewers at a time.", {"retry-after": "5"})
    return LiveReply(parts, media_type, seats)


async def _http_failure(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    known = {
        404: ("not_found", "There is nothing here."),
        405: ("wrong_method", "This address does not do that."),
        500: ("internal", "Something went wrong here."),
    }
    code, message = known.get(status, ("refused", "The request was refused."))
    headers = getattr(error, "headers", None)
    return failure(status, code, message, headers)


__all__ = ["Site"]

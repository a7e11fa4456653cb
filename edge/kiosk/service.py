"""The kiosk as a whole: the loop in its thread, the server in its event loop, and a look at both every second."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from edge.classifier import Classifier
from edge.errors import ConfigError, EdgeError
from edge.kiosk.app import Site
from edge.kiosk.config import KioskConfig
from edge.kiosk.health import Health
from edge.kiosk.live import LiveView, Tap
from edge.kiosk.metrics import Metrics
from edge.kiosk.protocol import LimitedProtocol, Limits
from edge.kiosk.systemd import Notifier
from edge.kiosk.thermal import Thermal, ThermalWatch
from edge.kiosk.tokens import Gate
from edge.kiosk.uploads import UploadDesk
from edge.kiosk.video import Video
from edge.pipeline import Pipeline
from edge.sinks.base import Sink
from edge.sinks.events import EventSink
from edge.sources.base import FrameSource
from edge.stream import Stream

log = logging.getLogger(__name__)

RESTART_S = 2.0
TICK_S = 1.0


class Kiosk:
    """One kiosk, ready to run.

    Args:
        config: The settings.
        source: Where frames come from; None serves the upload page alone.
        gate: Checks the token; None lets everyone in.
        notifier: systemd's watchdog and status.
        thermal: Reads temperature and throttling.
        limits: Time-outs and numbers of connections.
        timeout_s: A camera without a frame for so long is lost.

    Raises:
        EdgeError: The model, the event log or the address cannot be used.
    """

    def __init__(
        self,
        config: KioskConfig,
        source: FrameSource | None,
        *,
        gate: Gate | None = None,
        notifier: Notifier | None = None,
        thermal: ThermalWatch | None = None,
        limits: Limits | None = None,
        timeout_s: float = 3.0,
    ) -> None:
        self.config = config
        self.listener = _listen(config.host, config.port)
        self._source, self._timeout_s = source, timeout_s
        self._notifier = notifier or Notifier()
        self._thermal = thermal or ThermalWatch()
        self._limits = limits or Limits()
        self._stop = threading.Event()
        self._classifier = _classifier(config)
        self._stream: Stream | None = None
        self.metrics = Metrics()
        self.live = LiveView(Video(config.video, config.video_fps), self.metrics, self._notifier) if source else None
        self.desk = UploadDesk(
            self._upload_pipeline,
            max_bytes=int(config.max_upload_mb * 1e6),
            slots=config.max_uploads,
            counted=self.metrics.upload,
        )
        self.health = _health(self._classifier, self.live, source)
        if self.live is not None:
            self.live.describe = self.health.brief
        if config.event_log and source:
            EventSink(Path(config.event_log)).close()  # what is wrong with it is said at the start
        self.site = Site(
            config,
            desk=self.desk,
            metrics=self.metrics,
            health=self.health,
            labels=self._classifier.labels,
            live=self.live,
            gate=gate,
        )
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.listener.getsockname()[1])

    def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGTERM, SIGINT or `stop`; calls ``started`` when the first request can be answered."""
        asyncio.run(self.serve(started))

    def stop(self) -> None:
        """Let `run` end; from any thread."""
        if self._server is not None:
            self._server.should_exit = True

    async def serve(self, started: Callable[[], None] = lambda: None) -> None:
        """`run`, inside an event loop."""
        config = uvicorn.Config(
            self.site.app(),
            http=partial(LimitedProtocol, limits=self._limits),  # type: ignore[arg-type]
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=16_384,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=3,
        )
        self._server = _Server(config, partial(self._started, started), self._stopping)
        self._thermal.start()
        worker = None
        if self.live is not None:
            loop = asyncio.get_running_loop()
            self.live.updates.bind(loop)
            self.live.video.bind(loop)
            self.live.tell()
            worker = threading.Thread(target=self._work, name="loop", daemon=True)
            worker.start()
        ticker = asyncio.create_task(self._tick())
        try:
            await self._server.serve(sockets=[self.listener])
        finally:
            self._stopping()
            ticker.cancel()
            with suppress(asyncio.CancelledError):
                await ticker
            if self.live is not None:
                await self.live.video.close()
            self.desk.close()
            if worker is not None:
                await asyncio.to_thread(worker.join, 8.0)

    def _started(self, then: Callable[[], None]) -> None:
        self._notifier.ready(f"listening on port {self.port}")
        self._notifier.feed()
        then()

    def _stopping(self) -> None:
        if not self._stop.is_set():
            self._stop.set()
            self._notifier.stopping()
            self._thermal.stop()
            if self.live is not None:
                self.live.stop()

    def _work(self) -> None:
        """Run the stream, again when a recording ends or a source fails for good: a kiosk never gives up."""
        if self._source is None or self.live is None:
            return
        source = Tap(self._source, self.live.video)
        while not self._stop.is_set():
            try:
                self._stream = Stream(
                    source,
                    None,
                    self._classifier,
                    sinks=self._sinks(),
                    timeout_s=self._timeout_s,
                    retries=None,
                    threshold=self.config.threshold,
                )
                self._stream.run(self._stop)
            except EdgeError as error:
                log.error("%s; trying again in %.0f s", error, RESTART_S)
                self.live.state = "lost"
                self._stop.wait(RESTART_S)
            except Exception:
                log.exception("the loop failed; starting it again in %.0f s", RESTART_S)
                self._stop.wait(RESTART_S)

    def _sinks(self) -> list[Sink]:
        """The live view comes last: it may let the loop wait."""
        log_sinks: list[Sink] = [EventSink(Path(self.config.event_log))] if self.config.event_log else []
        return log_sinks + ([self.live] if self.live else [])

    async def _tick(self) -> None:
        """Every second: rates, temperature, status line, and news for the pages."""
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(TICK_S)
            now = loop.time()
            try:
                self._look(now - before)
            except Exception:
                log.exception("the look at the parts failed")
            before = now

    def _look(self, seconds: float) -> None:
        health, reading = self.health, self._thermal.reading
        health.thermal = reading
        self.metrics.thermal(reading.temperature_c, reading.throttled)
        if self.live is None:
            # There is no camera whose frames could feed the watchdog: a running event loop is what counts here.
            self._notifier.feed()
            return
        if self._stream is not None:
            figures = self._stream.stats.snapshot()
            health.rates = self.metrics.frames(figures, seconds)
            health.latency_ms = figures["timing_ms"].get("age")
        self.live.pace = reading.pace
        self.live.video.fps_limit = reading.pace.picture_fps
        self.live.tell()
        self._notifier.status(f"{health.state}, {health.rates.get('processed', 0.0):.1f} frames a second")

    def _upload_pipeline(self) -> Pipeline:
        # An interpreter belongs to one thread: uploads have one of their own.
        return Pipeline(_classifier(self.config), threshold=self.config.threshold)


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it has started and before it ends."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started, self._on_stopping = started, stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stopping()
        await super().shutdown(sockets)


def _classifier(config: KioskConfig) -> Classifier:
    return Classifier(Path(config.model) if config.model else None, threads=config.threads or None)


def _health(classifier: Classifier, live: LiveView | None, source: FrameSource | None) -> Health:
    runtime = classifier.runtime
    model: dict[str, Any] = {"name": classifier.path.name, "version": classifier.metadata.settings.get("model_version")}
    engine = {
        "name": runtime.name,
        "version": runtime.version,
        "delegate": runtime.delegate,
        "threads": runtime.threads,
    }
    return Health(live, source.name if source else "none", model, engine, Thermal())


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, number)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another with --host or --port"
        ) from error
    return listener


__all__ = ["Kiosk"]

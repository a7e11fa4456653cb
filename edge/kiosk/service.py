"""The kiosk as a whole: the loop in its thread, the server in its event loop, and a check of both every second."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from edge.classifier import Classifier
from edge.detectors import make_detector
from edge.errors import ConfigError, EdgeError
from edge.kiosk.app import Site
from edge.kiosk.health import Facts, Health, rates
from edge.kiosk.live import LiveView, Tap
from edge.kiosk.metrics import Metrics
from edge.kiosk.phone import PhoneWay
from edge.kiosk.protocol import LimitedProtocol, Limits
from edge.kiosk.settings import KioskSettings
from edge.kiosk.systemd import Notifier
from edge.kiosk.thermal import ThermalWatch
from edge.kiosk.tokens import Gate
from edge.kiosk.uploads import UploadDesk
from edge.kiosk.video import Video
from edge.sources.base import FrameSource
from edge.stream import Stream
from edge.stream.stats import Snapshot

if TYPE_CHECKING:
    from edge.pipeline import Pipeline
    from edge.sinks.base import Sink

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
        config: KioskSettings,
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
        self._notifier = notifier or Notifier()
        self._thermal = thermal or ThermalWatch()
        self._limits = limits or Limits()
        self._stop = threading.Event()
        self._fps: dict[str, float] = {}
        self.metrics = Metrics(camera=source is not None)
        self.live: LiveView | None = None
        self.stream: Stream | None = None
        classifier = _classifier(config)
        if source is not None:
            video = Video(config.video, config.video_fps)
            self.live = LiveView(video, self.metrics, self._notifier, self.health)
            self.stream = Stream(
                Tap(source, video),
                make_detector(config.detector, config.detector_model) if config.detector_model else config.detector,
                classifier,
                sinks=[self.live],
                timeout_s=timeout_s,
                retries=None,
                faces=config.faces,
                threshold=config.threshold,
                min_face=config.min_face,
            )
            # What is wrong with them is said at the start.
            if config.event_log:
                from edge.sinks.events import EventSink

                EventSink(config.event_log).close()
            if config.mqtt:
                from edge.sinks.mqtt import problems

                for problem in problems(config):
                    raise ConfigError(problem)
        self.facts = _facts(classifier, config, source)
        self.desk = UploadDesk(
            self._upload_pipeline,
            max_bytes=int(config.max_upload_mb * 1e6),
            slots=config.max_uploads,
            counted=self.metrics.upload,
        )
        self.site = Site(
            config,
            desk=self.desk,
            metrics=self.metrics,
            health=self.health,
            labels=classifier.labels,
            threshold=classifier.threshold if config.threshold is None else config.threshold,
            live=self.live,
            gate=gate,
            phones=PhoneWay(config, self.port, gate.passes if gate else None),
        )
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.listener.getsockname()[1])

    def health(self) -> Health:
        """How the kiosk is now; from any thread."""
        stream = self.stream.snapshot() if self.stream else None
        return Health(self.facts, stream, self._thermal.reading, self._fps)

    def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGTERM, SIGINT or `stop`; calls ``started`` when the first request can be answered."""
        asyncio.run(self.serve(started))
        if self._server is not None:
            for number in self._server.ended_by:
                signal.raise_signal(number)

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
        if self.live is not None and self.stream is not None:
            loop = asyncio.get_running_loop()
            self.live.updates.bind(loop)
            self.live.video.bind(loop)
            self.live.tell()
            worker = threading.Thread(target=self._work, args=(self.stream,), name="loop", daemon=True)
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

    def _work(self, stream: Stream) -> None:
        """Run the stream, again when a recording ends or a source fails for good: a kiosk never gives up."""
        said = ""
        while not self._stop.is_set():
            try:
                with self._kept(stream):
                    stream.run(self._stop)
                said = ""
            except EdgeError as error:
                if str(error) != said:  # once, not thirty times a minute
                    said = str(error)
                    log.error("%s; trying again every %.0f s", error, RESTART_S)
                self._stop.wait(RESTART_S)
            except Exception:
                log.exception("the loop failed; starting it again in %.0f s", RESTART_S)
                self._stop.wait(RESTART_S)

    @contextmanager
    def _kept(self, stream: Stream) -> Iterator[None]:
        """Log and publish the stream's results, where asked for; the stream closes its sinks at the end of each run."""
        sinks = list(self._sinks())
        for sink in sinks:
            stream.add_sink(sink)
        try:
            yield
        finally:
            for sink in sinks:
                stream.remove_sink(sink)

    def _sinks(self) -> Iterator[Sink]:
        if self.config.event_log:
            from edge.sinks.background import BackgroundSink
            from edge.sinks.events import EventSink

            # A thread of its own: a slow card, or a report that is being read, must not hold up the loop.
            yield BackgroundSink(EventSink(self.config.event_log), wait=False, room=1024)
        if self.config.mqtt:
            from edge.sinks.mqtt import mqtt_sink

            yield mqtt_sink(self.config, page=self.config.address(self.port) if self.config.reachable else None)

    async def _tick(self) -> None:
        """Every second: rates, heat, status line, and news for the pages."""
        loop = asyncio.get_running_loop()
        before, before_s = self._counts(), loop.time()
        while True:
            await asyncio.sleep(TICK_S)
            try:
                now, now_s = self._counts(), loop.time()
                self._fps = rates(before, now, now_s - before_s)
                before, before_s = now, now_s
                self._tell()
            except Exception:
                log.exception("the status could not be updated")

    def _counts(self) -> Mapping[str, int]:
        return (self.stream.snapshot() if self.stream else Snapshot()).counts

    def _tell(self) -> None:
        if self.live is None or self.stream is None:
            # There is no camera whose frames could feed the watchdog: a running event loop is what counts here.
            self._notifier.feed()
            return
        pace = self._thermal.reading.pace
        self.stream.fps_limit, self.live.video.fps_limit = pace.inference_fps, pace.picture_fps
        self.live.tell()
        self._notifier.status(f"{self.health().state}, {self._fps.get('processed', 0.0):.1f} frames a second")

    def _upload_pipeline(self) -> Pipeline:
        from edge.pipeline import Pipeline

        # An interpreter belongs to one thread: uploads have one of their own.
        config = self.config
        return Pipeline(
            _classifier(config),
            config.detector,
            detector_model=config.detector_model,
            min_face=config.min_face,
            faces=config.faces,
            threshold=config.threshold,
        )


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it has started and before it ends.

    Attributes:
        ended_by: Signals that ended it. uvicorn raises them anew as soon as its connections are closed, and the process
            would be gone before the last results are written.
    """

    def __init__(self, config: uvicorn.Config, started: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started, self._on_stopping = started, stopping
        self.ended_by: list[int] = []
        self._ignores_interrupt = signal.getsignal(signal.SIGINT) is signal.SIG_IGN

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals while serving."""
        with super().capture_signals():
            yield
            self.ended_by, self._captured_signals = self._captured_signals, []

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End, except by a Ctrl-C that a parent ignores, as a shell does for what it starts in the background."""
        if sig != signal.SIGINT or not self._ignores_interrupt:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stopping()
        await super().shutdown(sockets)


def _classifier(config: KioskSettings) -> Classifier:
    return Classifier(config.model, threads=config.threads)


def _facts(classifier: Classifier, config: KioskSettings, source: FrameSource | None) -> Facts:
    runtime = classifier.runtime
    return Facts(
        source=source.name if source else "none",
        model={"name": classifier.path.name, "version": classifier.metadata.settings.get("model_version")},
        runtime={
            "name": runtime.name,
            "version": runtime.version,
            "delegate": runtime.delegate,
            "threads": runtime.threads,
        },
        video=config.video if source else None,
    )


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

"""The loop that a device runs all day: newest frame -> faces -> emotions -> sinks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.engine import Engine
from edge.sinks.base import Sink
from edge.sources.base import Frame, FrameSource
from edge.sources.capture import DEFAULT_RETRIES, Capture
from edge.stats import StreamStats
from edge.types import FrameResult

if TYPE_CHECKING:
    from edge.classifier import Classifier
    from edge.detector import Detector

log = logging.getLogger(__name__)


class Stream:
    """Follows the faces of a source and hands every frame's result to the sinks.

    Args:
        source: Where frames come from; not opened yet.
        detector: Finds faces; None for the Haar cascade as tuned for streams.
        classifier: Reads emotions.
        sinks: Where results go; more can be added and removed while it runs.
        timeout_s: A live source without a frame for so long is lost and opened anew.
        retries: Tries in a row to get a lost source back; None for ever, 0 to fail at once.
        **settings: Passed on to ``Engine``: detect_every, detect_width, threshold, faces, smooth_s...

    Attributes:
        stats: What the stream measures about itself (``StreamStats``).
        latest: The newest picture and its result, or None before the first.
    """

    def __init__(
        self,
        source: FrameSource,
        detector: Detector | None,
        classifier: Classifier,
        *,
        sinks: Iterable[Sink] = (),
        timeout_s: float = 5.0,
        retries: int | None = DEFAULT_RETRIES,
        **settings: object,
    ) -> None:
        self.stats = StreamStats()
        self.engine = Engine(detector, classifier, live=source.live, **settings)  # type: ignore[arg-type]
        self.latest: tuple[Frame, FrameResult] | None = None
        self._source = source
        self._sinks = list(sinks)
        self._sinks_lock = threading.Lock()
        self._timeout_s = timeout_s
        self._retries = retries
        self._began_s = 0.0

    def add_sink(self, sink: Sink) -> None:
        """Hand results to one more sink, from the next frame on."""
        with self._sinks_lock:
            self._sinks.append(sink)

    def remove_sink(self, sink: Sink) -> None:
        """Stop handing results to a sink; it is not closed."""
        with self._sinks_lock:
            self._sinks.remove(sink)

    def reopen(self) -> None:
        """Let the sinks open their files anew."""
        for sink in self._each_sink():
            sink.reopen()

    def run(self, stop: threading.Event | None = None) -> None:
        """Work until the source ends, ``stop`` is set or nobody reads the results any more; then close the sinks.

        Raises:
            SourceError: The source cannot be opened, or was lost and did not come back.
        """
        stop = stop or threading.Event()
        capture = Capture(self._source, self.stats, timeout_s=self._timeout_s, retries=self._retries)
        self._began_s = time.monotonic()
        capture.start()
        try:
            while not stop.is_set():
                frame = capture.next()
                if capture.take_loss():
                    self._report_state("reconnecting")
                if frame is not None:
                    self._process(frame)
                elif capture.ended:
                    break
                elif capture.state != "ok":
                    self._report_state(capture.state)
            if capture.error is not None:
                self._report_state("lost")
                raise capture.error
        except BrokenPipeError:
            log.info("nobody reads the results any more")
        finally:
            capture.stop()
            self._finish()

    def _process(self, frame: Frame) -> None:
        time_s = frame.captured_s - self._began_s if self._source.live else frame.time_s
        result = self.engine.process(replace(frame, time_s=time_s), self._source.name)
        age_ms = (time.monotonic() - frame.captured_s) * 1000
        result = replace(result, timing_ms={**result.timing_ms, "age": age_ms})
        self.stats.state = result.state
        self.stats.measure(**result.timing_ms)
        self.stats.processed(len(result.faces))
        self.latest = (frame, result)
        for sink in self._each_sink():
            sink.write(frame.rgb, result)

    def _report_state(self, state: str) -> None:
        """Tell the sinks, once, that no frames come; faces that were followed have ended."""
        if self.stats.state == state or (state == "starting" and self.latest is None):
            return
        self.stats.state, self.stats.faces = state, 0
        self._write_without_picture(state)

    def _finish(self) -> None:
        try:
            self._write_without_picture("ended", only_with_events=True)
        except BrokenPipeError:
            log.debug("nobody reads the last results")
        self.stats.state, self.stats.faces = "ended", 0
        for sink in self._each_sink():
            try:
                sink.close()
            except BrokenPipeError:
                log.debug("nobody reads the last results")

    def _write_without_picture(self, state: str, only_with_events: bool = False) -> None:
        events = self.engine.reset()
        if only_with_events and not events:
            return
        width, height, index, time_s = 0, 0, 0, 0.0
        if self.latest is not None:
            last = self.latest[1]
            width, height, index, time_s = last.width, last.height, last.frame or 0, last.time_s or 0.0
        if self._source.live:
            time_s = time.monotonic() - self._began_s
        result = FrameResult(
            self._source.name, width, height, frame=index, time_s=time_s, state=state, events=tuple(events)
        )
        for sink in self._each_sink():
            sink.write(None, result)

    def _each_sink(self) -> list[Sink]:
        with self._sinks_lock:
            return list(self._sinks)


__all__ = ["Stream"]

"""The loop that a device runs all day: newest frame -> faces -> emotions -> sinks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.sinks.base import Sink
from edge.sources.base import Frame, FrameSource
from edge.stream.capture import DEFAULT_RETRIES, Capture
from edge.stream.engine import Engine
from edge.stream.slot import Notice
from edge.stream.stats import Snapshot, StreamStats
from edge.types import FrameResult, TrackEvent

if TYPE_CHECKING:
    from edge.classifier import Classifier
    from edge.detectors import Detector, DetectorName

log = logging.getLogger(__name__)


class Stream:
    """Follows the faces of a source and hands every frame's result to the sinks.

    Args:
        source: Where frames come from; not opened yet.
        detector: Finds faces, or its name; see ``edge.detectors.make_detector``.
        classifier: Reads emotions.
        sinks: Where results go; more can be added and removed while it runs.
        timeout_s: A live source without a frame for so long is lost and opened anew.
        retries: Tries in a row to get a lost source back; None for ever, 0 to fail at once.
        fps_limit: Frames read a second, at most; None for no limit.
        **settings: Passed on to ``Engine``: detect_every, detect_width, threshold, faces, smooth_s...

    Attributes:
        fps_limit: As above; may be changed while the stream runs.
    """

    def __init__(
        self,
        source: FrameSource,
        detector: Detector | DetectorName,
        classifier: Classifier,
        *,
        sinks: Iterable[Sink] = (),
        timeout_s: float = 5.0,
        retries: int | None = DEFAULT_RETRIES,
        fps_limit: float | None = None,
        **settings: object,
    ) -> None:
        self.fps_limit = fps_limit
        self._stats = StreamStats()
        self._engine = Engine(detector, classifier, live=source.live, **settings)  # type: ignore[arg-type]
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

    @property
    def failed(self) -> bool:
        """Whether a sink could not keep what it was given; it has said why."""
        return any(getattr(sink, "failed", False) for sink in self._each_sink())

    def reopen(self) -> None:
        """Let the sinks open their files anew."""
        for sink in self._each_sink():
            sink.reopen()

    def run(self, stop: threading.Event | None = None) -> None:
        """Hand every result to the sinks, and close them at the end.

        It ends with the source, when ``stop`` is set, or when nobody reads the results any more.

        Raises:
            SourceError: The source cannot be opened, or was lost and did not come back.
        """
        try:
            with closing(self.results(stop)) as results:
                for result in results:
                    self._write(result)
                    del result  # its picture, while the next one is worked on
        except BrokenPipeError:
            log.info("nobody reads the results any more")
        finally:
            self._finish()

    def results(self, stop: threading.Event | None = None) -> Generator[FrameResult]:
        """Every result in turn; the source is closed when the generator is.

        Args:
            stop: Ends it when set.

        Yields:
            A result a frame, with its picture in ``image``; and one without when the state changes.

        Raises:
            SourceError: The source cannot be opened, or was lost and did not come back.
        """
        stop = stop or threading.Event()
        capture = Capture(self._source, self._stats, timeout_s=self._timeout_s, retries=self._retries)
        self._began_s = time.monotonic()
        capture.start()
        try:
            while not stop.is_set():
                began_s = time.monotonic()
                item = capture.next()
                if item is Notice.ENDED:
                    break
                if item is Notice.LOST:
                    yield from self._change_state("reconnecting")
                elif isinstance(item, Frame):
                    yield self._process(item)
                    del item  # or its picture would live on until the next one
                    if self.fps_limit:
                        stop.wait(max(began_s + 1 / self.fps_limit - time.monotonic(), 0))
            if capture.error is not None:
                yield from self._change_state("lost")
                raise capture.error
            if (last := self._without_picture("ended", self._engine.reset())).events:
                yield last
        finally:
            capture.stop()
            self._stats.take(self._without_picture("lost" if capture.error else "ended"))

    def snapshot(self) -> Snapshot:
        """The stream at this moment: its newest result, its state, and what it measures of itself."""
        return self._stats.snapshot()

    def _process(self, frame: Frame) -> FrameResult:
        time_s = frame.captured_s - self._began_s if self._source.live else frame.time_s
        result = self._engine.process(replace(frame, time_s=time_s), self._source.name)
        age_ms = (time.monotonic() - frame.captured_s) * 1000
        result = replace(
            result, timing_ms={**result.timing_ms, "age": age_ms}, image=frame.rgb, captured_s=frame.captured_s
        )
        self._stats.take(result)
        return result

    def _change_state(self, state: str) -> Iterator[FrameResult]:
        """Says, once, that no frames come; faces that were followed have ended."""
        if self.snapshot().state != state:
            result = self._without_picture(state, self._engine.reset())
            self._stats.take(result)
            yield result

    def _without_picture(self, state: str, events: Sequence[TrackEvent] = ()) -> FrameResult:
        last = self.snapshot().result
        time_s = time.monotonic() - self._began_s if self._source.live else (last.time_s or 0.0) if last else 0.0
        return FrameResult(
            self._source.name,
            last.width if last else 0,
            last.height if last else 0,
            frame=last.frame if last else 0,
            time_s=time_s,
            state=state,
            events=tuple(events),
        )

    def _write(self, result: FrameResult) -> None:
        bare = replace(result, image=None)  # a sink that keeps results for later shall not keep pictures with them
        for sink in self._each_sink():
            sink.write(result.image, bare)

    def _finish(self) -> None:
        last = self._without_picture(
            "ended",
            self._engine.reset(),
            # With the ends of faces that were followed until something failed.
        )
        try:
            if last.events:
                self._write(last)
        except BrokenPipeError:
            log.debug("nobody reads the last results")
        for sink in self._each_sink():
            try:
                sink.close()
            except BrokenPipeError:
                log.debug("nobody reads the last results")

    def _each_sink(self) -> list[Sink]:
        with self._sinks_lock:
            return list(self._sinks)


__all__ = ["Stream"]

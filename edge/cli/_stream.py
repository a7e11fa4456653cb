"""Puts a stream together from command-line options and runs it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from edge.classifier import Classifier
from edge.cli._progress import counted
from edge.cli._quick import keep_tidy
from edge.cli.outputs import PICTURES
from edge.detectors import make_detector
from edge.errors import SourceError
from edge.naming import one_line, unicode_name
from edge.sinks.background import BackgroundSink
from edge.sinks.base import Sink
from edge.sinks.lines import LineSink
from edge.sources import SourceOptions, open_source
from edge.sources.base import FrameSource, frame_rate
from edge.stream import Stream

if TYPE_CHECKING:
    from edge.cli.stream import StreamSettings

MAY_MOVE = {".gif", ".avif"}


def run(settings: StreamSettings, form: str) -> None:
    """Run until the source ends or a signal comes; lines or pictures go out in ``form``."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    _refuse_picture(settings.source)
    source = open_source(
        settings.source,
        SourceOptions(
            size=settings.size,
            fps=settings.fps,
            rotate=settings.rotate,
            flip=settings.flip,
            exposure_us=settings.exposure,
            realtime=settings.realtime,
            pipe_format=settings.stdin_format,
            timeout_s=settings.timeout,
        ),
    )
    classifier = Classifier(settings.model, threads=settings.threads)
    retries = 0 if settings.fail_fast else None if settings.retries < 0 else settings.retries
    stream = Stream(
        source,
        make_detector(settings.detector, settings.detector_model) if settings.detector_model else settings.detector,
        classifier,
        sinks=_sinks(settings, form, source),
        timeout_s=settings.timeout,
        retries=retries,
        detect_every=settings.detect_every,
        detect_width=settings.detect_width,
        min_face=settings.min_face,
        threshold=settings.threshold,
        faces=settings.faces,
        smooth_s=settings.smooth,
        hold_s=settings.hold,
    )
    with _signals(stream) as (stop, interrupted):
        if settings.duration:
            timer = threading.Timer(settings.duration, stop.set)
            timer.daemon = True
            timer.start()
        keep_tidy()
        stream.run(stop)
    _summary(stream)
    if settings.output is None:
        _leave_stdout_quietly()
    if stream.failed:
        raise click.exceptions.Exit(1)
    if interrupted.is_set():
        raise click.exceptions.Exit(130)


def _refuse_picture(source: str) -> None:
    """A single picture would be a video of one frame, and a face counts from its third."""
    if Path(source).suffix.lower() in PICTURES - MAY_MOVE and Path(source).is_file():
        name = one_line(unicode_name(source))
        raise SourceError(f"{name} is a picture, not a video; read its faces with: emotion-edge predict FILE")


def _sinks(settings: StreamSettings, form: str, source: FrameSource) -> list[Sink]:
    """The sinks asked for; those that may be slow get threads of their own."""
    live = source.live
    sinks: list[Sink] = []
    if form in ("jsonl", "csv"):
        lines = LineSink(settings.output, "csv" if form == "csv" else "jsonl")
        sinks.append(BackgroundSink(lines, wait=False, room=256) if live else lines)
    elif form == "mjpeg":
        from edge.sinks.video import MjpegSink

        sinks.append(BackgroundSink(MjpegSink(), wait=not live, room=4, pictures=True))
    if settings.video:
        from edge.sinks.video import VideoSink

        video = VideoSink(settings.video, fps=frame_rate(source) or settings.fps or 25.0)
        sinks.append(BackgroundSink(video, wait=not live, room=8, pictures=True))
    if settings.events:
        from edge.sinks.events import EventSink

        events = EventSink(settings.events, live=live, keep_days=settings.events_days, keep_mb=settings.events_mb)
        sinks.append(BackgroundSink(events, wait=not live, room=1024))
    if settings.mqtt:
        from edge.sinks.mqtt import mqtt_sink

        sinks.append(mqtt_sink(settings))
    return sinks


@contextlib.contextmanager
def _signals(stream: Stream) -> Iterator[tuple[threading.Event, threading.Event]]:
    """SIGTERM and SIGINT end the stream in order, SIGHUP opens its files anew; gives both ends as events.

    Where a parent ignores SIGINT, as a shell does for what it starts in the background, it stays ignored.
    """
    stop, interrupted = threading.Event(), threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            interrupted.set()
        stop.set()

    def reopen(number: int, frame: FrameType | None) -> None:
        stream.reopen()

    handlers = {signal.SIGTERM: end, signal.SIGHUP: reopen}
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        handlers[signal.SIGINT] = end
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop, interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _summary(stream: Stream) -> None:
    now = stream.snapshot()
    counts = [counted(now.counts["processed"], "frame"), f"{now.counts['skipped']} skipped"]
    counts.append(counted(now.counts["reconnects"], "reconnect"))
    times = [f"{name} {value:g} ms" for name, value in now.timing_ms.items()]
    click.echo(", ".join(counts + times), err=True)


def _leave_stdout_quietly() -> None:
    """When the reader is gone, keep Python's last flush of standard output from complaining."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


__all__ = ["run"]

"""Puts a stream together from command-line options and runs it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import click

from edge.classifier import Classifier
from edge.cli._quick import keep_tidy
from edge.detectors import make_detector
from edge.sinks.background import BackgroundSink
from edge.sinks.base import Sink
from edge.sinks.lines import LineSink
from edge.sources import SourceOptions, open_source
from edge.sources.base import FrameSource, frame_rate
from edge.stream import Stream


def run(**options: Any) -> None:
    """Run until the source ends or a signal comes; arguments are those of ``emotion-edge stream``."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    source = open_source(
        options["source"],
        SourceOptions(
            size=options["size"],
            fps=options["fps"],
            rotate=int(options["rotate"]),
            flip=options["flip"],
            exposure_us=options["exposure"],
            realtime=options["realtime"],
            pipe_format=options["stdin_format"],
            timeout_s=options["timeout"],
        ),
    )
    classifier = Classifier(options["model"], threads=options["threads"])
    retries = 0 if options["fail_fast"] else None if options["retries"] < 0 else options["retries"]
    stream = Stream(
        source,
        make_detector(options["detector"], options["detector_model"])
        if options["detector_model"]
        else options["detector"],
        classifier,
        sinks=_sinks(options, classifier, source),
        timeout_s=options["timeout"],
        retries=retries,
        detect_every=options["detect_every"],
        detect_width=options["detect_width"],
        min_face=options["min_face"],
        threshold=options["threshold"],
        faces=options["faces"],
        smooth_s=options["smooth"],
        hold_s=options["hold"],
    )
    with _signals(stream) as (stop, interrupted):
        if options["duration"]:
            timer = threading.Timer(options["duration"], stop.set)
            timer.daemon = True
            timer.start()
        keep_tidy()
        stream.run(stop)
    _summary(stream)
    if options["output"] is None:
        _leave_stdout_quietly()
    if stream.failed:
        raise click.exceptions.Exit(1)
    if interrupted.is_set():
        raise click.exceptions.Exit(130)


def _sinks(options: dict[str, Any], classifier: Classifier, source: FrameSource) -> list[Sink]:
    """The sinks asked for; those that may be slow get threads of their own."""
    live = source.live
    sinks: list[Sink] = []
    if options["form"] in ("jsonl", "csv"):
        lines = LineSink(options["output"], options["form"], labels=classifier.labels)
        sinks.append(BackgroundSink(lines, wait=False, room=256) if live else lines)
    elif options["form"] == "mjpeg":
        from edge.sinks.video import MjpegSink

        sinks.append(BackgroundSink(MjpegSink(), wait=not live, room=4, pictures=True))
    if options["video"]:
        from edge.sinks.video import VideoSink

        video = VideoSink(options["video"], fps=frame_rate(source) or options["fps"] or 25.0)
        sinks.append(BackgroundSink(video, wait=not live, room=8, pictures=True))
    if options["events"]:
        from edge.sinks.events import EventSink

        events = EventSink(options["events"], live=live, keep_days=options["events_days"], keep_mb=options["events_mb"])
        sinks.append(BackgroundSink(events, wait=not live, room=1024))
    if options["mqtt"]:
        from edge.sinks.mqtt import MqttSink

        mqtt = MqttSink(
            options["mqtt"],
            name=options["mqtt_name"],
            discovery=options["mqtt_discovery"],
            ca=options["mqtt_ca"],
            certificate=options["mqtt_cert"],
            key=options["mqtt_key"],
        )
        sinks.append(mqtt)
    return sinks


@contextlib.contextmanager
def _signals(stream: Stream) -> Iterator[tuple[threading.Event, threading.Event]]:
    """SIGTERM and SIGINT end the stream in order, SIGHUP opens its files anew; gives both ends as events."""
    stop, interrupted = threading.Event(), threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            interrupted.set()
        stop.set()

    def reopen(number: int, frame: FrameType | None) -> None:
        stream.reopen()

    handlers = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: reopen}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield stop, interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _summary(stream: Stream) -> None:
    now = stream.snapshot()
    counts = [f"{now.counts['processed']} frames", f"{now.counts['skipped']} skipped"]
    counts.append(f"{now.counts['reconnects']} reconnects")
    times = [f"{name} {value:g} ms" for name, value in now.timing_ms.items()]
    click.echo(", ".join(counts + times), err=True)


def _leave_stdout_quietly() -> None:
    """When the reader is gone, keep Python's last flush of standard output from complaining."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


__all__ = ["run"]

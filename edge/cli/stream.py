"""``emotion-edge stream``: follow faces in a camera, video or network stream."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from edge.cli.options import detector_options, model_options


def read_size(words: str) -> tuple[int, int]:
    """Width and height in pixels from ``640x480``."""
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", words)
    if not found:
        raise click.BadParameter(f"{words!r} is not a size such as 640x480")
    return int(found[1]), int(found[2])


def read_every(words: str) -> int | str:
    """``auto``, or a number of frames from 1."""
    if words == "auto":
        return "auto"
    if not words.isdecimal() or int(words) < 1:
        raise click.BadParameter(f"{words!r} is neither auto nor a number of frames from 1")
    return int(words)


PATH = click.Path(path_type=Path, dir_okay=False)


@click.command("stream")
@click.option(
    "--source",
    default="picamera",
    show_default=True,
    help="picamera[:N], a camera number or /dev/videoN, a video file, a folder of pictures, an rtsp:// or http:// "
    'address, "-" for standard input, or synthetic[:N] for N drawn faces.',
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "mjpeg", "none"]),
    default="jsonl",
    show_default="as --output is named, else jsonl",
    help="What goes to standard output: a line a frame, a line a face, annotated pictures, or nothing.",
)
@click.option("--output", type=PATH, help='Append the lines to this file instead; "-" is standard output.')
@click.option("--video", type=PATH, help="Write an annotated video (.mp4, .avi, .mkv) here.")
@click.option("--events", type=PATH, help="Keep a log of who showed what for how long in this SQLite file.")
@click.option(
    "--events-days", type=click.FloatRange(0, min_open=True), default=30.0, show_default=True, help="Forget older ones."
)
@click.option(
    "--events-mb",
    type=click.FloatRange(0.1),
    default=64.0,
    show_default=True,
    help="Forget the oldest ones above this size.",
)
@click.option("--mqtt", help="Publish to this broker: mqtt[s]://[user:password@]host[:port].")
@click.option("--mqtt-name", help="Topic prefix and device name.  [default: emotion-edge-HOST]")
@click.option("--mqtt-ca", type=PATH, help="Certificates (PEM) of the authorities to trust with mqtts://.")
@click.option("--mqtt-cert", type=PATH, help="Our own certificate (PEM) for brokers that want one.")
@click.option("--mqtt-key", type=PATH, help="Its key (PEM), where it is in a file of its own.")
@click.option(
    "--mqtt-discovery/--no-mqtt-discovery",
    default=True,
    show_default=True,
    help="Announce to Home Assistant, or take that back.",
)
@click.option(
    "--detect-every",
    type=read_every,
    metavar="auto|N",
    default="auto",
    show_default=True,
    help="Frames between full searches.",
)
@click.option(
    "--detect-width",
    type=click.IntRange(80, 4096),
    help="Pixels across that are searched; more for far faces.  [default: 480, with the cascade 320]",
)
@click.option(
    "--faces", type=click.Choice(["all", "largest"]), default="all", show_default=True, help="Which faces to read."
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="Confidence below which an answer is a guess.  [default: the model's]",
)
@click.option(
    "--smooth", type=click.FloatRange(0, 60), default=0.8, show_default=True, help="Seconds to smooth over; 0 for none."
)
@click.option(
    "--hold", type=click.FloatRange(0, 60), default=0.5, show_default=True, help="Seconds another emotion must lead."
)
@click.option("--size", type=read_size, metavar="WxH", help="Picture to ask of the camera, such as 640x480.")
@click.option("--fps", type=click.FloatRange(0, 1000, min_open=True), help="Frames a second to ask for.")
@click.option(
    "--rotate", type=click.Choice(["0", "90", "180", "270"]), default="0", show_default=True, help="Turn clockwise."
)
@click.option(
    "--flip",
    type=click.Choice(["none", "horizontal", "vertical", "both"]),
    default="none",
    show_default=True,
    help="Mirror.",
)
@click.option("--exposure", type=click.IntRange(1), help="Exposure in microseconds (picamera).  [default: automatic]")
@click.option(
    "--stdin-format",
    type=click.Choice(["mjpeg", "rgb24", "bgr24", "gray8"]),
    default="mjpeg",
    show_default=True,
    help='What "-" reads.',
)
@click.option("--realtime", is_flag=True, help="Play a recording in real time, skipping frames when too slow.")
@click.option("--duration", type=click.FloatRange(0, min_open=True), help="Stop after so many seconds.")
@click.option("--fail-fast", is_flag=True, help="Give up at once when the camera is absent or lost.")
@click.option(
    "--retries",
    type=click.IntRange(-1),
    default=6,
    show_default=True,
    help="Tries to get it back, 1 to 20 s apart; -1 for ever.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1),
    default=5.0,
    show_default=True,
    help="Seconds without a frame that mean it is lost.",
)
@detector_options
@model_options
def command(**options: Any) -> None:
    """Follow faces in a camera, video or network stream.

    Each frame gives one line; faces keep their number while they are followed, and their emotion is smoothed over time.
    A file is read frame by frame, none skipped, unless --realtime is given; of a live source the newest frame counts.
    Stop it with Ctrl-C or SIGTERM; SIGHUP opens the output files anew.
    """
    from edge.cli.outputs import STDOUT, check_outputs, choose_form, refuse_media

    if str(options["output"]) == STDOUT:
        options["output"] = None
    source, output, video, events = (options[name] for name in ("source", "output", "video", "events"))
    refuse_media("--output", output)
    refuse_media("--events", events)
    files = (options[name] for name in ("model", "detector_model", "mqtt_ca", "mqtt_cert", "mqtt_key"))
    check_outputs({"--output": output, "--video": video, "--events": events}, [source, *files])
    options["form"] = choose_form(output, options["form"], ("jsonl", "csv"))
    from edge.cli._stream import run

    run(**options)


__all__ = ["command"]

"""``emotion-edge stream``: follow faces in a camera, video or network stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import click

from edge.cli.options import takes
from edge.heap import stay_small
from edge.settings import Loaded, Verb, setting
from edge.settings.reading import FaceSettings
from edge.settings.shared import CameraSettings, MqttSettings
from edge.sources.address import without_password


def read_every(text: str) -> int | Literal["auto"]:
    """``auto``, or a number of frames from 1."""
    if text == "auto":
        return "auto"
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 1_000_000:
        raise ValueError(f"must be auto or a number of frames from 1, got {text[:80]!r}")
    return int(text)


@dataclass(frozen=True)
class StreamSettings(FaceSettings, CameraSettings, MqttSettings):
    """Everything that can be set about a stream; each field says what it means."""

    source: str = setting(
        "picamera",
        "picamera[:N], a camera number or /dev/videoN, a video file, a folder of pictures, an rtsp:// or http:// "
        'address, "-" for standard input, or synthetic[:N] for N drawn faces.',
        show=without_password,
    )
    format: Literal["jsonl", "csv", "mjpeg", "none"] | None = setting(
        None,
        "What goes to standard output: a line a frame, a line a face, annotated pictures, or nothing.",
        otherwise="as --output is named, else jsonl",
    )
    output: Path | None = setting(None, 'Append the lines to this file instead; "-" is standard output.')
    video: Path | None = setting(None, "Write an annotated video (.mp4, .avi, .mkv) here.")
    events: Path | None = setting(None, "Keep a log of who showed what for how long in this SQLite file.")
    events_days: float = setting(30.0, "Forget older events; in days.", above=0)
    events_mb: float = setting(64.0, "Forget the oldest events above this size of the file, in megabytes.", low=0.1)
    detect_every: int | Literal["auto"] = setting(
        "auto", "Frames between full searches.", parse=read_every, form="auto|N"
    )
    detect_width: int | None = setting(
        None,
        "Pixels across that are searched; more for far faces.",
        low=80,
        high=4096,
        otherwise="480, with the cascade 320",
    )
    smooth: float = setting(0.8, "Seconds to smooth over; 0 for none.", low=0, high=60)
    hold: float = setting(0.5, "Seconds another emotion must lead while it is close to the shown one.", low=0, high=60)
    fps: float | None = setting(
        None, "Frames a second to ask of the camera.", above=0, high=1000, otherwise="the camera's own"
    )
    exposure: int | None = setting(None, "Exposure in microseconds (picamera).", low=1, otherwise="automatic")
    stdin_format: Literal["mjpeg", "rgb24", "bgr24", "gray8"] = setting("mjpeg", 'What "-" reads.')
    realtime: bool = setting(False, "Play a recording in real time, skipping frames when too slow.")
    duration: float | None = setting(None, "Stop after so many seconds.", above=0, otherwise="never")
    fail_fast: bool = setting(False, "Give up at once when the camera is absent or lost.")
    retries: int = setting(6, "Tries to get it back, 1 to 20 s apart; -1 for ever.", low=-1)
    timeout: float = setting(5.0, "Seconds without a frame that mean it is lost.", low=0.1)


STREAM = Verb("stream", StreamSettings, takes_file=True)


@click.command("stream")
@takes(STREAM)
def command(loaded: Loaded[StreamSettings]) -> None:
    """Follow faces in a camera, video or network stream.

    Each frame gives one line; faces keep their number while they are followed, and their emotion is smoothed over time.
    A file is read frame by frame, none skipped, unless --realtime is given; of a live source the newest frame counts.
    Stop it with Ctrl-C or SIGTERM; SIGHUP opens the output files anew.

    Each option can also be set in the file of --config, or as EMOTION_EDGE_STREAM_NAME in the environment.
    """
    from edge.cli.outputs import check_outputs, choose_form, file_of, refuse_media

    stay_small()
    settings = loaded.settings
    output = file_of(settings.output)
    refuse_media("--output", output)
    refuse_media("--events", settings.events)
    read = (settings.model, settings.detector_model, settings.mqtt_ca, settings.mqtt_cert, settings.mqtt_key)
    check_outputs(
        {"--output": output, "--video": settings.video, "--events": settings.events},
        [settings.source, *read, loaded.path],
    )
    form = choose_form(loaded, output, "jsonl", ("jsonl", "csv"))
    from edge.cli._stream import run

    run(replace(settings, output=output), form)


__all__ = ["STREAM", "StreamSettings", "command"]

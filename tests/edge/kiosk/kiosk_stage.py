"""A real kiosk on a free port, before a camera that the test directs."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import cv2
import numpy as np

from edge.errors import CameraLostError, SourceError
from edge.images import load_image
from edge.kiosk.service import Kiosk
from edge.kiosk.settings import KioskSettings
from edge.kiosk.thermal import ThermalWatch
from edge.sources.base import Frame

ROOT = Path(__file__).parents[3]
PHOTO = ROOT / "examples" / "astronaut.jpg"
SIZE = 640, 480


def room(*faces, size=SIZE, light=1.0):
    """A plain wall with the bundled photo hung on it once for each of ``faces`` (a height in pixels each).

    With more than one, only head and shoulders of it.
    """
    width, height = size
    wall = np.add.outer(np.linspace(70, 105, height), np.linspace(0, 30, width)).astype(np.uint8)
    picture = np.repeat(wall[:, :, None], 3, axis=2)
    photo = load_image(str(PHOTO))
    if len(faces) > 1:
        photo = photo[:280, 90:370]
    for index, side in enumerate(faces):
        copy = photo if index % 2 == 0 else photo[:, ::-1]
        small = cv2.resize(copy, (side, side), interpolation=cv2.INTER_AREA)
        x = int((index + 0.5) * width / len(faces) - side / 2)
        y = (height - side) // 2
        left, right = max(0, x), min(width, x + side)
        picture[y : y + side, left:right] = small[:, left - x : right - x]
    return (picture * light).astype(np.uint8)


class Stage:
    """A camera: `show` sets its picture, `lose` unplugs it, `freeze` lets a read hang until it is let go."""

    name, live = "stage", True

    def __init__(self, picture=None, fps=25.0):
        self._picture = room() if picture is None else picture
        self._fps = fps
        self._lost = threading.Event()
        self._moving = threading.Event()
        self._moving.set()

    def __copy__(self):
        return self

    def show(self, picture):
        self._picture = picture

    def lose(self):
        self._lost.set()

    def find(self):
        self._lost.clear()

    def freeze(self):
        self._moving.clear()

    def thaw(self):
        self._moving.set()

    def open(self):
        if self._lost.is_set():
            raise SourceError("no camera; plug it in")

    def read(self, timeout_s):
        self._moving.wait()
        if self._lost.wait(1 / self._fps):
            raise CameraLostError("the camera is gone")
        return Frame(self._picture, time.monotonic())

    def close(self):
        pass


class Running:
    """What a test knows of a kiosk that runs."""

    def __init__(self, kiosk, stage):
        self.kiosk, self.stage = kiosk, stage
        self.port = kiosk.port
        self.url = f"http://127.0.0.1:{kiosk.port}"

    @property
    def latest(self):
        """The stream's newest result."""
        return self.kiosk.stream.snapshot().result


@contextlib.contextmanager
def running(stage=None, *, gate=None, notifier=None, thermal=None, limits=None, timeout_s=3.0, **settings):
    """A kiosk in a thread of its own, stopped at the end."""
    settings.setdefault("port", 0)
    watch = thermal or ThermalWatch(temperature=lambda: None, throttled=lambda: None)
    kiosk = Kiosk(
        KioskSettings(**settings),
        stage,
        gate=gate,
        notifier=notifier,
        thermal=watch,
        limits=limits,
        timeout_s=timeout_s,
    )
    started = threading.Event()
    failures = []

    def work():
        try:
            kiosk.run(started.set)
        except BaseException as error:
            failures.append(error)
            started.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert started.wait(30), "the kiosk did not start"
        if failures:
            raise failures[0]
        yield Running(kiosk, stage)
    finally:
        if isinstance(stage, Stage):
            stage.thaw()
        kiosk.stop()
        thread.join(30)
        assert not thread.is_alive(), "the kiosk did not stop"
        if failures:
            raise failures[0]


def until(check, seconds=30.0):
    """The first true value of ``check``; fails when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < end, f"not within {seconds} s"
        threading.Event().wait(0.02)

"""The loops that the stream benchmark compares, each run in a process of its own: prints one line of JSON.

python benchmarks/_stream_paths.py ours|described|fer VIDEO FRAMES
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Seconds on the clock, and of processor time.
Moment = tuple[float, float]


def now() -> Moment:
    """This moment."""
    return time.perf_counter(), time.process_time()


def ours(video: str, limit: int) -> list[Moment]:
    """`emotion-edge stream` as it is: every frame detected, followed, read, smoothed and written as JSON lines."""
    import threading

    sys.path.insert(0, str(ROOT))
    from edge.classifier import Classifier
    from edge.opencv import cv2
    from edge.sinks.lines import LineSink
    from edge.sources import open_source
    from edge.stream import Stream

    cv2.setNumThreads(1)
    stop, times = threading.Event(), []

    class Count:
        def write(self, rgb: object, result: object) -> None:
            times.append(now())
            if len(times) >= limit:
                stop.set()

        def reopen(self) -> None:
            pass

        def close(self) -> None:
            pass

    sinks = [LineSink(Path(os.devnull)), Count()]
    Stream(open_source(video), "auto", Classifier(threads=1), sinks=sinks).run(stop)  # type: ignore[list-item]
    return times


def described(video: str, limit: int) -> list[Moment]:
    """The described path: Haar (1.1, 5, 60) on every full frame, TensorFlow's `predict` of the 128x128 network."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    sys.path.insert(0, str(ROOT))
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import cv2
    import numpy as np

    from train.networks import reference

    cv2.setNumThreads(1)
    model = reference()
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")

    def read(bgr: np.ndarray) -> None:
        gray = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
        faces = cascade.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5, minSize=(60, 60))
        for x, y, w, h in faces:
            crop = cv2.resize(cv2.cvtColor(bgr[y : y + h, x : x + w], cv2.COLOR_BGR2RGB), (128, 128))
            model.predict(crop[None].astype(np.float32) / 255, verbose=0)

    return each_frame(video, limit, read)


def fer(video: str, limit: int) -> list[Moment]:
    """PyPI's `fer` with its own settings (Haar)."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    import cv2
    from fer.fer import FER

    cv2.setNumThreads(1)
    reader = FER(mtcnn=False)
    return each_frame(video, limit, reader.detect_emotions)


def each_frame(video: str, limit: int, read: Callable[[object], object]) -> list[Moment]:
    """When the frames of a video were done."""
    import cv2

    capture, times = cv2.VideoCapture(video), []
    while len(times) < limit:
        good, bgr = capture.read()
        if not good:
            break
        read(bgr)
        times.append(now())
    return times


if __name__ == "__main__":
    path, video, frames = sys.argv[1:]
    done = {"ours": ours, "described": described, "fer": fer}[path](video, int(frames))
    # The first frames hold graph building and cold caches.
    warm = done[5:]
    steps, seconds, cpu_seconds = len(warm) - 1, warm[-1][0] - warm[0][0], warm[-1][1] - warm[0][1]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {"fps": steps / seconds, "cpu_ms_a_frame": cpu_seconds / steps * 1e3, "peak_rss_mb": peak_mb}
    print(json.dumps({"frames": len(done), **figures}))

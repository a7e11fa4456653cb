"""What our Python costs around the interpreter and the cascade: prints one line of JSON.

python -P benchmarks/_overhead.py PICTURE ROUNDS

Each of our calls and the bare call it wraps run in turns in one process on one thread; compared is processor time.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np

from edge import Classifier, HaarDetector, Pipeline, load_image
from edge.detectors.haar import cascade_path
from edge.preprocess import to_gray


def compare(bare: Callable[[], object], full: Callable[[], object], rounds: int, repeats: int) -> dict[str, float]:
    """Milliseconds of both, and by how many percent the median of the second is above that of the first."""
    times: dict[str, list[float]] = {"bare": [], "full": []}
    ways = [("bare", bare), ("full", full)]
    for number in range(rounds + 1):
        for name, work in ways if number % 2 else ways[::-1]:
            began = time.process_time()
            for _ in range(repeats):
                work()
            if number:  # the first round warms up
                times[name].append((time.process_time() - began) / repeats * 1e3)
    extra = [full / bare * 100 - 100 for bare, full in zip(times["bare"], times["full"], strict=True)]
    low, _, high = statistics.quantiles(extra, n=4)
    return {
        "bare_ms": round(statistics.median(times["bare"]), 4),
        "ours_ms": round(statistics.median(times["full"]), 4),
        "overhead_percent": round(statistics.median(extra), 2),
        "quartiles_percent": [round(low, 2), round(high, 2)],
    }


def main(picture: str, rounds: int) -> None:
    """Measure the three and print them."""
    cv2.setNumThreads(1)
    rgb = load_image(picture)
    gray = to_gray(rgb)
    classifier, detector = Classifier(threads=1), HaarDetector()
    pipeline = Pipeline(classifier, detector, faces="largest")
    cascade = cv2.CascadeClassifier(str(cascade_path()))
    bare = Classifier(threads=1).runtime.interpreter
    source, sink = bare.get_input_details()[0]["index"], bare.get_output_details()[0]["index"]
    pixels = classifier.input_spec.prepare(rgb, detector.detect(gray)[0].box)

    def detect() -> object:
        return cascade.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5, minSize=(60, 60))

    def invoke() -> object:
        bare.set_tensor(source, pixels[np.newaxis])
        bare.invoke()
        return bare.get_tensor(sink)

    def both() -> None:
        detect()
        invoke()

    print(
        json.dumps(
            {
                "runtime": classifier.runtime.name,
                "delegate": classifier.runtime.delegate,
                "cascade": compare(detect, lambda: detector.detect(gray), rounds, 1),
                "interpreter": compare(invoke, lambda: classifier.predict([pixels]), rounds, 20),
                "whole picture": compare(both, lambda: pipeline.analyze(rgb), rounds, 1),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

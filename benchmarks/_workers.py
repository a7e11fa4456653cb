"""The ways that are compared, each in a process and an environment of its own.

    python -P benchmarks/_workers.py WAY MODEL once PICTURE      # start, read one picture, end
    python -P benchmarks/_workers.py WAY MODEL loop PICTURE...   # read them all for each line on standard input

A loop answers each line with one line of JSON: seconds, cpu_seconds, peak_rss_mb and, for each picture, what was found.
Everything uses one thread.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
LABELS = ("Angry", "Happy", "Neutral", "Sad", "Surprise")
FER_LABELS = ("angry", "happy", "neutral", "sad", "surprise")
# A picture's path to its largest face's box, or None, and the emotion read there or else in the whole picture.
Read = Callable[[str], tuple[list[int] | None, str]]


def ours(model: str, detector: str = "auto", faces: str = "all") -> Read:
    """The installed package as it comes: its own detector, every face; the largest one's emotion."""
    import cv2

    from edge import Classifier, Pipeline, load_image
    from edge.heap import keep_freed_memory

    keep_freed_memory()  # as `predict` does
    cv2.setNumThreads(1)
    pipeline = Pipeline(Classifier(model or None, threads=1), detector, faces=faces)

    def read(path: str) -> tuple[list[int] | None, str]:
        result = pipeline.analyze(load_image(path))
        return None if result.fallback else result.faces[0].box.to_list(), result.faces[0].emotion

    return read


def haar(model: str) -> Read:
    """The installed package with the described settings: the cascade, and the largest face."""
    return ours(model, "haar", "largest")


def described(model: str) -> Read:
    """What the project's description says, on a workstation: Haar, and TensorFlow's `predict` of a Keras model."""
    import cv2
    import numpy as np
    import tensorflow as tf
    from PIL import Image

    one_thread(cv2, tf)
    network = tf.keras.models.load_model(model, compile=False)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")

    def read(path: str) -> tuple[list[int] | None, str]:
        rgb = np.array(Image.open(path).convert("RGB"))
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        faces = cascade.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5, minSize=(60, 60))
        box = max(faces, key=lambda face: face[2] * face[3], default=None)
        crop = rgb
        if box is not None:
            x, y, w, h = box
            crop = rgb[y : y + h, x : x + w]
        pixels = cv2.resize(crop, (128, 128)).astype(np.float32) / 255
        answer = network.predict(pixels[None], verbose=0)[0]
        return None if box is None else [int(number) for number in box], LABELS[int(answer.argmax())]

    return read


def fer(_model: str) -> Read:
    """PyPI's `fer` with its own settings and weights; its answer among the five emotions."""
    import cv2
    import tensorflow as tf
    from fer.fer import FER

    one_thread(cv2, tf)
    reader = FER(mtcnn=False)

    def read(path: str) -> tuple[list[int] | None, str]:
        bgr = cv2.imread(path)
        found = reader.detect_emotions(bgr)
        largest = max(found, key=lambda face: face["box"][2] * face["box"][3], default=None)
        if largest is None:
            whole = reader.detect_emotions(bgr, face_rectangles=[(0, 0, bgr.shape[1], bgr.shape[0])])
            emotions = whole[0]["emotions"]
        else:
            emotions = largest["emotions"]
        best = max(FER_LABELS, key=lambda name: emotions[name])
        return None if largest is None else [int(number) for number in largest["box"]], best.capitalize()

    return read


def mediapipe(model: str) -> Read:
    """MediaPipe's face detector for faces within two metres, and our model, as one would write it by hand."""
    import cv2
    import mediapipe as mp
    import numpy as np
    from PIL import Image

    cv2.setNumThreads(1)
    emotion = interpret(model)
    detector = mp.solutions.face_detection.FaceDetection(model_selection=0)

    def read(path: str) -> tuple[list[int] | None, str]:
        rgb = np.array(Image.open(path).convert("RGB"))
        height, width = rgb.shape[:2]
        boxes = []
        for face in detector.process(rgb).detections or ():
            box = face.location_data.relative_bounding_box
            left, right = sorted(np.clip([box.xmin, box.xmin + box.width], 0, 1) * width)
            top, bottom = sorted(np.clip([box.ymin, box.ymin + box.height], 0, 1) * height)
            if right - left >= 1 and bottom - top >= 1:
                boxes.append([int(left), int(top), int(right - left), int(bottom - top)])
        box = max(boxes, key=lambda box: box[2] * box[3], default=None)
        if box is None:
            return None, emotion(rgb)
        x, y, w, h = box
        return box, emotion(rgb[y : y + h, x : x + w])

    return read


def interpret(model: str) -> Callable[[Any], str]:
    """The shortest program around our model: from an RGB crop to its emotion."""
    import cv2

    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tflite_runtime.interpreter import Interpreter

    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def emotion(crop: Any) -> str:
        interpreter.set_tensor(source, cv2.resize(crop, (48, 48), interpolation=cv2.INTER_AREA)[None])
        interpreter.invoke()
        return LABELS[int(interpreter.get_tensor(sink)[0].argmax())]

    return emotion


def plain(model: str) -> Read:
    """The cascade and our model, as one would write it by hand."""
    import cv2
    import numpy as np
    from PIL import Image

    cv2.setNumThreads(1)
    emotion = interpret(model)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")

    def read(path: str) -> tuple[list[int] | None, str]:
        rgb = np.array(Image.open(path).convert("RGB"))
        gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        faces = cascade.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5, minSize=(60, 60))
        box = max(faces, key=lambda face: face[2] * face[3], default=None)
        crop = rgb
        if box is not None:
            x, y, w, h = box
            crop = rgb[y : y + h, x : x + w]
        return None if box is None else [int(number) for number in box], emotion(crop)

    return read


def one_thread(cv2: Any, tf: Any) -> None:
    """Hold OpenCV and TensorFlow to one thread."""
    cv2.setNumThreads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def peak_mb() -> float:
    """This process's peak memory, without what its parent held when it started it."""
    with open("/proc/self/status") as status:  # noqa: PTH123
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def loop(read: Read, pictures: list[str]) -> None:
    """Read all pictures for each line on standard input, and answer it."""
    read(pictures[0])
    print("ready", flush=True)
    for _ in sys.stdin:
        began, cpu_began = time.perf_counter(), time.process_time()
        found = [read(path) for path in pictures]
        answer = {
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - cpu_began,
            "peak_rss_mb": peak_mb(),
            "found": found,
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    way, model_path, mode, *paths = sys.argv[1:]
    ways = {"ours": ours, "haar": haar, "described": described, "fer": fer, "mediapipe": mediapipe, "plain": plain}
    reader = ways[way](model_path)
    if mode == "once":
        print(*reader(paths[0]))
    else:
        loop(reader, paths)

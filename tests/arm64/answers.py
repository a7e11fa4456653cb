"""What this machine answers, as JSON: ``python answers.py LIST [--faces-only]``; runs on both machines.

LIST is a JSON file with ``faces``, pictures that are one face each, and ``photos``, which are searched for faces.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL

from edge import Classifier, Pipeline, load_image


def digest(array: Any) -> str:
    """A short name for an array's shape and values."""
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()[:16]


def main() -> None:
    """Read every picture and print what came out of each step."""
    wanted = json.loads(Path(sys.argv[1]).read_text())
    classifier = Classifier(threads=1)
    interpreter = classifier.runtime.interpreter
    output = interpreter.get_output_details()[0]["index"]
    faces = []
    for path in wanted["faces"]:
        rgb = load_image(path)
        given = classifier.input_spec.prepare(rgb)
        classifier.predict([given])
        raw = interpreter.get_tensor(output)[0].tolist()
        faces.append({"decoded": digest(rgb), "input": digest(given), "output": raw})
    pipeline = Pipeline(classifier)
    photos = []
    for path in [] if "--faces-only" in sys.argv else wanted["photos"]:
        rgb = load_image(path)
        result = pipeline.analyze(rgb).to_dict()
        result.pop("timing_ms")
        boxes = [] if result["fallback"] else [face["box"] for face in result["faces"]]
        photos.append({"decoded": digest(rgb), "boxes": boxes, "answers": result})
    versions = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "glibc": platform.libc_ver()[1],
        classifier.runtime.name: classifier.runtime.version,
        "delegate": classifier.runtime.delegate,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "pillow": PIL.__version__,
        "model": hashlib.sha256(classifier.path.read_bytes()).hexdigest(),
    }
    sys.stdout.write(json.dumps({"versions": versions, "faces": faces, "photos": photos}))


if __name__ == "__main__":
    main()

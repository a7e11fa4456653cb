"""What the memory of a first result is made of: prints one line of JSON.

python -P benchmarks/_memory.py PICTURE

Resident memory after each part has been loaded or used in turn, in MB; what is read from files counts, shared or not.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path


def resident_mb() -> float:
    """What the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def main(path: str) -> None:
    """Load and use one part after the other, and print what each added."""
    held: dict[str, float] = {"Python": resident_mb()}

    def note(part: str) -> None:
        held[part] = resident_mb() - sum(held.values())

    for name, module in (("NumPy", "numpy"), ("Pillow", "PIL.Image"), ("OpenCV", "cv2")):
        importlib.import_module(module)
        note(name)
    from edge import Classifier, Pipeline, load_image

    classifier = Classifier(threads=1)
    note("interpreter, model and our code")
    pipeline = Pipeline(classifier)
    note("YuNet")
    picture = load_image(path)
    note("the picture")
    pipeline.analyze(picture)
    note("searching and reading it")
    sys.stdout.write(json.dumps({part: round(mb, 1) for part, mb in held.items()}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

"""Runs our Picamera2 source, and the whole stream, on libcamera's virtual camera; writes record.json beside it."""

from __future__ import annotations

import json
import platform
import subprocess
import threading
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import virtual_camera

from common.records import STREAM, measured

HERE = Path(__file__).parent


def write_frames(folder: Path) -> np.ndarray:
    """Pictures that the camera shows: the bundled photo, moving a little; returns the first, RGB."""
    photo = cv2.resize(cv2.imread(str(HERE / "astronaut.jpg")), (640, 640))[20:500]
    for index in range(20):
        cv2.imwrite(str(folder / f"{index}.jpg"), np.roll(photo, index - 10, axis=1), [cv2.IMWRITE_JPEG_QUALITY, 95])
    return cv2.cvtColor(np.roll(photo, -10, axis=1), cv2.COLOR_BGR2RGB)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """How much the colours of two pictures differ, coarsely, in the worst channel: 0 to 255."""
    small, reference = (cv2.resize(rgb, (8, 6), interpolation=cv2.INTER_AREA).astype(int) for rgb in (one, other))
    return float(np.abs(small - reference).mean(axis=(0, 1)).max())


def check_source(shown: np.ndarray) -> dict[str, Any]:
    """Frames have the right form and colours; opening again works."""
    from edge.sources import open_source

    source = open_source("picamera")
    shapes, differences = set(), []
    for _ in range(3):
        with source:
            for _ in range(10):
                frame = source.read(5.0)
                gray = frame.gray if frame.gray is not None else np.zeros((0, 0), np.uint8)
                shapes.add((frame.rgb.shape, gray.shape))
                differences.append(difference(frame.rgb, shown))
            streams = {name: str(one["format"]) for name, one in source._streams.items()}
    swapped = difference(np.ascontiguousarray(shown[:, :, ::-1]), shown)
    # The virtual camera gives both streams its one size; a real one gives the small stream the size asked for.
    (color, luma), *others = shapes
    assert color == (480, 640, 3), color
    assert luma in ((240, 320), (480, 640)), luma
    assert not others, shapes
    assert 3 * max(differences) < swapped, (max(differences), swapped)
    return {
        "delivered_formats": streams,
        "grey_size": luma,
        "colour_difference": round(max(differences), 2),
        "if_swapped": round(swapped, 2),
    }


def check_stream() -> dict[str, Any]:
    """The whole stream finds and follows the one face."""
    from edge.classifier import Classifier
    from edge.sources import open_source
    from edge.stream import Stream

    stop, results = threading.Event(), []

    class Keep:
        def write(self, rgb: object, result: Any) -> None:
            results.append(result)
            if len(results) == 60:
                stop.set()

        def reopen(self) -> None:
            pass

        def close(self) -> None:
            pass

    classifier = Classifier(threads=1)
    stream = Stream(open_source("picamera"), "yunet", classifier, sinks=[Keep()], retries=0)
    stream.run(stop)
    frames = [one for one in results if one.state == "ok"]
    tracks = {face.track for one in frames for face in one.faces}
    with_face = sum(len(one.faces) == 1 for one in frames)
    assert tracks == {1}, tracks
    assert with_face > 50, with_face
    return {
        "frames": len(frames),
        "with_one_face": with_face,
        "tracks": sorted(tracks),
        "detector": "yunet",
        "emotion": frames[-1].faces[0].emotion,
        "runtime": f"{classifier.runtime.name} {classifier.runtime.version}",
    }


def main() -> None:
    """Check and record."""
    begun = measured(*STREAM)
    frames = HERE / "frames"
    frames.mkdir(exist_ok=True)
    shown = write_frames(frames)
    virtual_camera.configure(frames)
    virtual_camera.install()
    libcamera = subprocess.run(
        ["dpkg-query", "-W", "-f=${Version}", "python3-libcamera"], capture_output=True, text=True, check=True
    ).stdout
    record = {
        "measured": begun,
        "debian": Path("/etc/debian_version").read_text().strip(),
        "python": platform.python_version(),
        "libcamera": libcamera,
        "picamera2": metadata.version("picamera2"),
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "source": check_source(shown),
        "stream": check_stream(),
    }
    (HERE / "record.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()

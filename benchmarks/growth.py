"""How time and memory grow: with faces, frame size, pictures, viewers and hours.

python -m benchmarks.growth                     # all parts; writes benchmarks/results/growth.json and plots
python -m benchmarks.growth pictures --most 1000
python -m benchmarks.growth --plot              # the plots in docs/images anew, from the record

Times are processor time on one thread, which a busy machine changes little; peak memory is that of the command itself.
Hours are those of the soak records.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from common.records import COMMAND, KIOSK, STREAM, measured

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
FACES = (0, 1, 2, 3, 5, 8, 12, 16, 20)
SIZES = ((640, 480), (1280, 720), (1920, 1080), (2560, 1440), (3840, 2160))
COUNTS = (1, 10, 100, 1000, 10_000, 100_000)
VIEWERS = ((0, 0), (1, 1), (5, 5), (10, 10), (20, 20), (32, 32), (32, 100), (100, 100))  # of the picture, of the events
COLUMNS, ROWS = 5, 4  # of the crowd
Point = dict[str, Any]


def crowd(faces: int) -> NDArray[np.uint8]:
    """A frame of 1280x720 with up to 20 drawn heads of equal size: uint8 (720, 1280, 3) RGB."""
    import cv2

    from edge.benchmark.frames import make_frame
    from edge.sources.drawn import POSES, draw_face

    frame, head = make_frame((1280, 720), 0), draw_face(POSES["Happy"])
    across, down = 1280 // COLUMNS, 720 // ROWS
    small = cv2.resize(head, (down, down), interpolation=cv2.INTER_AREA).astype(np.float32)
    for number in range(faces):
        row, column = divmod(number, COLUMNS)
        x, y = column * across + (across - down) // 2, row * down
        part = frame[y : y + down, x : x + down]
        part[:] = part + small[:, :, 3:] / 255 * (small[:, :, :3] - part)
    return frame


# --- one point ------------------------------------------------------------------------------------------------------


def cost_ms(work: Callable[[], object], rounds: int = 9) -> float:
    """Processor time of something in milliseconds: the median of some rounds after a first one."""
    times = []
    work()
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append((time.process_time() - began) * 1e3)
    return float(np.median(times))


def read_once(rgb: NDArray[np.uint8]) -> Point:
    """A picture from JPEG to result, and the first and the last of its stages."""
    from edge.classifier import Classifier
    from edge.images import as_image
    from edge.opencv import cv2
    from edge.pipeline import Pipeline
    from edge.types import Detection

    pipeline = Pipeline(Classifier(threads=1), fallback=False)
    data = cv2.imencode(".jpg", rgb[:, :, ::-1])[1].tobytes()
    faces = [Detection(face.box, face.roll_deg) for face in pipeline.analyze(data).faces]
    return {
        "found": len(faces),
        "picture_ms": cost_ms(lambda: pipeline.analyze(data)),
        "decode_ms": cost_ms(lambda: as_image(data)),
        "classify_ms": cost_ms(lambda: pipeline.reader.probabilities(rgb, faces)) if faces else 0.0,
    }


def follow_frames(rgb: NDArray[np.uint8]) -> Point:
    """Frames of a recording at 25 a second in which all sways by some pixels: the mean of a second."""
    from edge.classifier import Classifier
    from edge.sources.base import Frame
    from edge.stream.engine import Engine

    engine = Engine("auto", Classifier(threads=1), live=False)
    times = []
    for index in range(50):
        frame = np.ascontiguousarray(np.roll(rgb, round(4 * np.sin(index / 4)), axis=1))
        began = time.process_time()
        result = engine.process(Frame(frame, index / 25))
        times.append((time.process_time() - began) * 1e3)
    return {"followed": len(result.faces), "frame_ms": float(np.mean(times[25:]))}


def measure(rgb: NDArray[np.uint8]) -> Point:
    """Times of a picture and of a stream's frame, and the peak memory of the commands that read them, in MB."""
    from benchmarks.many import links
    from edge.benchmark.measure import launch
    from edge.opencv import cv2

    found = read_once(rgb) | follow_frames(rgb)
    with tempfile.TemporaryDirectory() as place:
        picture = Path(place) / "frame.jpg"
        cv2.imwrite(str(picture), rgb[:, :, ::-1])
        frames = links(Path(place) / "frames", picture, 25)
        words = {"predict": [str(picture)], "stream": ["--source", str(frames), "--format", "none"]}
        for verb, more in words.items():
            run = launch([sys.executable, "-m", "edge", verb, *more, "--threads", "1"])
            found[f"{verb}_peak_mb"] = run["peak_rss_mb"]
    return found


# --- the parts ------------------------------------------------------------------------------------------------------


def measure_faces(most: int) -> Iterator[Point]:
    """0 to 20 faces in a frame of 1280x720."""
    for faces in FACES:
        if faces <= most:
            yield {"faces": faces, **measure(crowd(faces))}


def measure_sizes(most: int) -> Iterator[Point]:
    """One face in frames from VGA to 4K."""
    from edge.benchmark.frames import make_frame

    for width, height in SIZES:
        if width <= most:
            yield {"width": width, "height": height, **measure(make_frame((width, height), 1))}


def measure_pictures(most: int) -> Iterator[Point]:
    """`predict --no-detect` on so many links to one picture of 64x64 pixels, start included."""
    from PIL import Image

    from benchmarks.many import links
    from edge.benchmark.measure import launch

    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.png"
        Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(small)
        for count in COUNTS:
            if count <= most:
                place = links(Path(folder) / str(count), small, count)
                command = [sys.executable, "-m", "edge", "predict", str(place), "--no-detect", "--threads", "1"]
                yield {"pictures": count, **launch([*command, "--format", "jsonl"])}


def measure_viewers(most: int) -> Iterator[Point]:
    """The kiosk's frames a second, processor share and memory while so many watch."""
    from benchmarks.kiosk_load import clients, kiosk, rate, result_of

    seconds = 6
    for video, events in VIEWERS:
        if video + events > most:
            continue
        with kiosk() as (process, port, _):
            crowd_of = clients("crowd", port, seconds + 4, video, events)
            time.sleep(2)
            process.cpu_percent()
            fps = rate(port, seconds)
            cpu, rss = process.cpu_percent(), process.memory_info().rss / 2**20
            seen = result_of(crowd_of)
        yield {"viewers": video + events, "video": video, "events": events, "frames_per_second": fps} | {
            "processor_percent": cpu,
            "rss_mb": rss,
            **seen,
        }


# What is measured, the most of it, and the code that it depends on.
PARTS: dict[str, tuple[Callable[[int], Iterator[Point]], int, tuple[str, ...]]] = {
    "faces": (measure_faces, FACES[-1], STREAM),
    "sizes": (measure_sizes, SIZES[-1][0], STREAM),
    "pictures": (measure_pictures, COUNTS[-1], COMMAND),
    "viewers": (measure_viewers, sum(VIEWERS[-1]), KIOSK),
}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--most", type=int, help="Leave out points with more of what grows (for sizes: pixels of width).")
@click.option("--plot", is_flag=True, help="Only draw the record.")
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS / "growth.json", help="The record.")
def main(parts: tuple[str, ...], most: int | None, plot: bool, output: Path) -> None:
    """Measure, keep the record and draw it."""
    import cv2

    from benchmarks.run import rounded

    cv2.setNumThreads(1)
    record = json.loads(output.read_text()) if output.is_file() else {}
    for part in () if plot else parts or PARTS:
        work, all_of_it, depends = PARTS[part]
        about, points = measured(*depends, "benchmarks/growth.py"), []
        for found in work(all_of_it if most is None else most):
            points.append(rounded(found))
            click.echo(f"{part}: {json.dumps(points[-1])}")
        record[part] = {"measured": about, "points": points}
        output.write_text(json.dumps(record, indent=1) + "\n")
    from benchmarks.growth_plots import draw

    draw(record, RESULTS, ROOT / "docs" / "images" if output.parent == RESULTS else output.parent)


if __name__ == "__main__":
    main()

"""Which faces are found, and kept, under what conditions; false faces; and what the search costs. Also for the cascade.

    python -m benchmarks.detection                 # faces found, false faces, identities
    python -m benchmarks.detection --speed         # times, which want a quiet machine
    python -m benchmarks.detection --choose        # other heads, other scenes, no record: what constants are chosen by
    python -m benchmarks.detection --print         # the last record, and what it misses

Writes results/detection.json. The constants of the search were chosen on the heads of the first half of the photos'
persons and on the pictures without a person upside down; the other half of the persons is measured.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import cv2
import numpy as np

from benchmarks.detection_speed import measure_speed
from benchmarks.face_scenes import CHOOSING, CONDITIONS, MEASURED, Picture, faceless, heads, scenes
from benchmarks.scenes import FPS, Actor, line, play, two_people
from benchmarks.stream import rounded, run_stream
from common.photos import photo_list
from common.records import PICTURES, STREAM, measured
from edge.detectors import make_detector
from edge.detectors.pictures import find_faces
from edge.images import load_image
from edge.types import Box, Detection

RESULT = Path(__file__).parent / "results" / "detection.json"
NAMES = ("yunet", "haar")
GOALS = {"0 degrees": 1.0, "15 degrees": 0.99, "30 degrees": 0.97, "45 degrees": 0.95, "24 px": 0.8}
FOUND_GOAL = 0.95
SAME_FACE = 0.3  # overlap of a face and where it is
OWN = ("benchmarks/detection.py", "benchmarks/detection_speed.py", "benchmarks/face_scenes.py")
SETTLED_S = 1.0  # of a video, until its faces are followed


def search(name: str, pictures: Iterable[Picture]) -> list[list[Detection]]:
    """The faces of each picture."""
    detector = make_detector(name)  # type: ignore[arg-type]
    return [find_faces(detector, picture) for picture in pictures]


def measure_found(condition: str, data: Path, count: int, split: str = MEASURED) -> dict[str, Any]:
    """Share of scenes whose face is found, and faces found elsewhere in them."""
    made = list(scenes(condition, data, split, count))
    found: dict[str, Any] = {"scenes": len(made)}
    for name in NAMES:
        answers = search(name, [picture for picture, _ in made])
        overlaps = [[face.box.iou(box) for face in faces] for faces, (_, box) in zip(answers, made, strict=True)]
        found[name] = sum(max(own, default=0) > SAME_FACE for own in overlaps) / len(made)
        found[f"{name}_elsewhere"] = sum(overlap <= SAME_FACE for own in overlaps for overlap in own)
    return found


def measure_faceless(count: int, split: str = MEASURED) -> dict[str, Any]:
    """False faces in pictures without one."""
    pictures = list(faceless(split, count))
    megapixels = sum(picture.shape[0] * picture.shape[1] for picture in pictures) / 1e6
    faces = {name: sum(map(len, search(name, pictures))) for name in NAMES}
    return {"pictures": len(pictures), "megapixels": megapixels, **faces}


def measure_photos(data: Path, step: int) -> dict[str, Any]:
    """In how many percent of the photos, both halves, no face is found."""
    paths = [path for path, _ in photo_list(data / "photos", "all")][::step]
    none = {name: sum(not faces for faces in search(name, map(load_image, paths))) for name in NAMES}
    return {"photos": len(paths), **{name: 100 * missed / len(paths) for name, missed in none.items()}}


def measure_identity(what: str, data: Path, seconds: float) -> dict[str, Any]:
    """Changes of number, and the longest loss of a face that can be seen, in a video."""
    actors, persons = cast(what, data, seconds)
    result: dict[str, Any] = {"seconds": seconds}
    with TemporaryDirectory() as folder:
        video = play(Path(folder) / "video.mp4", actors, seconds)
        for name in NAMES:
            runs = [followed(run_stream(video, "--detector", name), actors[:persons], own) for own in range(persons)]
            result[name] = {
                "switches": sum(switches for switches, _ in runs),
                "longest_loss_s": max(lost_s for _, lost_s in runs),
            }
    return result


def cast(what: str, data: Path, seconds: float) -> tuple[list[Actor], int]:
    """Who is in a video, and how many of them, from the first on, are persons."""
    first, second = heads(data, MEASURED)[1:3]
    standing = line((300, 240), (340, 240), (0, seconds), 110)
    if what == "tilt":
        return [Actor(*first, standing, lambda time_s: 45 * math.sin(2 * math.pi * time_s / 8))], 1
    if what == "crossing":
        return two_people([first, second], seconds), 2
    hand = np.zeros((100, 140, 4), np.uint8)
    cv2.ellipse(hand, (70, 50), (66, 46), 0, 0, 360, (190, 150, 125, 255), -1)

    def before_the_mouth(time_s: float) -> tuple[float, float, float] | None:
        x, y, width = standing(time_s) or (0, 0, 0)
        return (x, y + 0.35 * width, 0.75 * width) if time_s % 5 > 4 else None

    return [Actor(*first, standing), Actor(hand, Box(0, 0, 140, 140), before_the_mouth)], 1


def followed(lines: Sequence[dict[str, Any]], persons: Sequence[Actor], own: int) -> tuple[int, float]:
    """How often one person's number changes, and for how many seconds on end a face that can be seen is lost."""
    numbers: list[int] = []
    lost = longest = 0
    for one in lines:
        time_s = one["time_s"]
        truth, *others = [persons[own].box(time_s), *(who.box(time_s) for who in persons if who is not persons[own])]
        if truth is None or time_s < SETTLED_S:
            continue
        hidden = any(other is not None and other.iou(truth) > 0.1 for other in others)
        overlap, number = max(((truth.iou(Box(*face["box"])), face["track"]) for face in one["faces"]), default=(0, 0))
        seen = overlap > SAME_FACE
        if seen and not hidden and numbers[-1:] != [number]:
            numbers.append(number)
        lost = 0 if seen or hidden else lost + 1
        longest = max(longest, lost)
    return max(len(numbers) - 1, 0), longest / FPS


def goals(record: dict[str, Any]) -> Iterable[tuple[str, float, float, str, float]]:
    """What is promised: name, ours, the cascade's figure (NaN where it has none), "at least" or "at most", and goal."""
    for condition, shares in record.get("found", {}).get("found", {}).items():
        yield f"found, {condition}", shares["yunet"], shares["haar"], "at least", GOALS.get(condition, FOUND_GOAL)
    for part, what, limit in (("faceless", "false faces", 1), ("photos", "photos without a face, %", 0.2)):
        if found := record.get(part, {}).get("found"):
            yield what, found["yunet"], found["haar"], "at most", limit
    for what, found in record.get("identity", {}).get("found", {}).items():
        for key, limit in (("switches", 0), ("longest_loss_s", 0.5)):
            yield f"{what}, {key}", found["yunet"][key], found["haar"][key], "at most", limit
    if speed := record.get("speed", {}).get("found"):
        yield "single picture, processor time of described over ours", speed["predict"], math.nan, "at least", 5
        yield "stream, processor time of described over ours", speed["stream_described"], math.nan, "at least", 25
        yield "stream, processor time of fer over ours", speed["stream_fer"], math.nan, "at least", 10
        yield "stream, five faces, time a face over that of one", speed["five_faces"], math.nan, "at most", 1
        yield "start to first result over that with the cascade", speed["start"], math.nan, "at most", 1.1


@click.command(help=__doc__)
@click.option("--data", type=click.Path(path_type=Path, exists=True), envvar="EMOTION_DATA")
@click.option("--faces", default=150, show_default=True, help="Scenes a condition.")
@click.option("--faceless", "empty", default=120, show_default=True, help="Pictures without a face.")
@click.option("--photos-step", "step", default=1, show_default=True, help="Read every so many photos.")
@click.option("--seconds", default=60.0, show_default=True, help="Length of the videos.")
@click.option("--jobs", default=2, show_default=True)
@click.option("--speed", is_flag=True, help="Measure times instead; the rest keeps its record.")
@click.option("--only", default="found,faceless,photos,identity", show_default=True, help="Parts; the rest is kept.")
@click.option("--choose", is_flag=True, help="Other heads and scenes, found and false faces only; writes no record.")
@click.option("--print", "only_print", is_flag=True, help="Print the record instead of making one.")
def main(data: Path | None, *, only: str, speed: bool, choose: bool, only_print: bool, jobs: int, **sizes: Any) -> None:
    """Measure, write the record and print what is promised."""
    if not data and not only_print:
        raise click.UsageError("the faces come from the development data; give its folder with --data")
    record: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.is_file() and not choose else {}
    split = CHOOSING if choose else MEASURED
    if choose:
        only = ",".join(part for part in only.split(",") if part in ("found", "faceless"))
    if not only_print:
        cv2.setNumThreads(1)  # a process that forks must have no threads of OpenCV, or its children wait for ever
        heads(data, split)  # made once for all processes
        with ProcessPoolExecutor(jobs, get_context("fork")) as pool:
            work: dict[str, Callable[[], Any]] = {
                "speed": lambda: measure_speed(heads(data, MEASURED)),
                "faceless": lambda: pool.submit(measure_faceless, sizes["empty"], split).result(),
                "photos": lambda: pool.submit(measure_photos, data, sizes["step"]).result(),
                "found": lambda: _each(pool, measure_found, CONDITIONS, data, sizes["faces"], split),
                "identity": lambda: _each(
                    pool, measure_identity, ("tilt", "crossing", "covered mouth"), data, sizes["seconds"]
                ),
            }
            for part in ("speed",) if speed else only.split(","):
                click.echo(f"measuring {part}", err=True)
                about = measured(*(STREAM if part in ("identity", "speed") else PICTURES), *OWN)
                record[part] = {"measured": about, "found": rounded(work[part]())}
                if not choose:
                    RESULT.write_text(json.dumps(record, indent=2) + "\n")
    for what, ours, haar, side, goal in goals(record):
        word = "met" if (ours >= goal if side == "at least" else ours <= goal) else "MISSED"
        cascade = "" if math.isnan(haar) else f"; cascade {haar:g}"
        click.echo(f"{word}: {what}: {ours:g}, wanted {side} {goal:g}{cascade}")


def _each(pool: ProcessPoolExecutor, measure: Callable[..., Any], names: Sequence[str], *words: Any) -> dict[str, Any]:
    work = {name: pool.submit(measure, name, *words) for name in names}
    return {name: one.result() for name, one in work.items()}


if __name__ == "__main__":
    main()

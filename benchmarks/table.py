"""The table of docs/benchmarks.md and the list of targets, made from the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.peers import BY_NAME, PEERS


def lines(record: dict[str, Any]) -> Iterator[str]:
    """The table as Markdown."""
    parts = [found(record, part) for part in ("size", "start", "pictures", "accuracy")]
    head = (
        "first result",
        "ratio",
        "one picture",
        "ratio",
        "processor time",
        "ratio",
        "peak memory",
        "installed",
        "accuracy",
    )
    yield f"| | {' | '.join(head)} |"
    yield "| --- " * (len(head) + 1) + "|"
    for peer in PEERS:
        disk, first, each, right = (part.get(peer.name, {}) for part in parts)
        cells = [
            peer.title,
            seconds(first.get("seconds")),
            times(first.get("times_ours")),
            milliseconds(each.get("ms_a_picture")),
            times(each.get("times_ours")),
            milliseconds(each.get("cpu_ms_a_picture")),
            times(each.get("times_ours_cpu")),
            megabytes(first.get("peak_rss_mb")),
            f"{disk['installed_mb']} MB, {disk['packages']} packages" if disk else "",
            accuracy(right),
        ]
        yield f"| {' | '.join(cells)} |"
    if race := found(record, "stream"):
        yield ""
        head = "stream, 640x480, one face", "frames a second", "ours", "processor time a frame", "ours", "peak memory"
        yield f"| {' | '.join(head)} |"
        yield "| --- " * len(head) + "|"
        for name in ("ours", "described", "fer"):
            title = "emotion-edge, LiteRT" if name == "ours" else BY_NAME[name].title
            run = race[name]
            faster = "" if name == "ours" else f"{race[f'times_{name}_by_the_clock']:.1f} times"
            lighter = "" if name == "ours" else f"1/{race[f'times_{name}']:.1f}"
            cells = [title, f"{run['fps']:.1f}", faster, f"{run['cpu_ms_a_frame']:.1f} ms", lighter]
            yield f"| {' | '.join(cells)} | {megabytes(run['peak_rss_mb'])} |"
    if held := found(record, "memory"):
        yield ""
        parts_held = ", ".join(f"{part} {mb:.0f}" for part, mb in held.items())
        yield f"What the memory of the first result is made of, in MB: {parts_held}."
    yield ""
    yield from notes(record)


def notes(record: dict[str, Any]) -> Iterator[str]:
    """How it was measured."""
    yield (
        "Ratios are to the first line, turn by turn: median (lowest to highest). Everything runs on one thread "
        "and, but for the first result, on one core. A picture is a JPEG of 640x480 with one face; the first result is "
        "a whole process on the bundled photo. Accuracy is on photos of people that our training has not seen; the "
        "described network was trained on FER+ as `train/recipes/reference.toml` says. `fer` and face-api.js (its "
        "TinyFaceDetector) answer among the five emotions, and all read the whole picture where they find no face. "
        "MediaPipe's detector is the one of version 0.10.21 for faces within two metres. "
        "PyPI's `deepface` is left out: it downloads its weights."
    )
    yield ""
    yield "What is promised:"
    yield ""
    for line in targets(record):
        yield f"- {line}"


def targets(record: dict[str, Any]) -> Iterator[str]:
    """What is wanted, and what was reached."""
    for what, value, word, wanted in goals(record):
        kept = value >= wanted if word == "at least" else value <= wanted
        yield f"{'met' if kept else 'MISSED'}: {what}: {value:.2f}, wanted {word} {wanted:g}"


def goals(record: dict[str, Any]) -> Iterator[tuple[str, float, str, float]]:
    """What is measured, its value, "at least" or "at most", and the limit."""
    if start := found(record, "start"):
        other = start["described"]
        yield "start to first result, times as fast as described", other["times_ours"]["median"], "at least", 14
        yield "the same in processor time", other["times_ours_cpu"]["median"], "at least", 14
        yield "memory of described over ours", other["peak_rss_mb"] / start["ours"]["peak_rss_mb"], "at least", 8
    if pictures := found(record, "pictures"):
        haar = pictures["ours-haar"]
        share = haar["same_box_as_described"] / haar["pictures"]
        yield "share of pictures with the described box, `--detector haar`", share, "at least", 1
        for name, least in (("described", 5), ("fer", 3)):
            yield (
                f"single pictures, time of {name} over ours",
                pictures[name]["times_ours"]["median"],
                "at least",
                least,
            )
            value = pictures[name]["times_ours_cpu"]["median"]
            yield f"single pictures, processor time of {name} over ours", value, "at least", least
            value /= pictures["ours-litert"]["times_ours_cpu"]["median"]
            yield f"single pictures, processor time of {name} over ours with LiteRT", value, "at least", least
    for name, one in found(record, "overhead").items():
        for part in ("cascade", "interpreter", "whole picture"):
            yield f"overhead in percent, {name}, {part}", one[part]["overhead_percent"], "at most", 10
    if race := found(record, "stream"):
        for name, least in (("described", 25), ("fer", 10)):
            yield f"stream, frames a second over {name}", race[f"times_{name}_by_the_clock"], "at least", least
            yield f"stream, processor time of {name} over ours", race[f"times_{name}"], "at least", least
    if jobs := found(record, "jobs"):
        cores = [jobs[f"cores_used_{count}"]["median"] for count in (1, 2)]
        given = f"while the machine gave one {cores[0]:.2f} cores and two {cores[1]:.2f}"
        yield f"{jobs['pictures']} pictures, two jobs over one, {given}", jobs["gain"]["median"], "at least", 1.8
    if grown := found(record, "many"):
        counts = sorted(grown, key=int)
        first, last = grown[counts[0]], grown[counts[-1]]
        what = f"of {counts[-1]} pictures over that of {counts[0]}"
        yield f"processor time a picture {what}", last["cpu_ms_a_picture"] / first["cpu_ms_a_picture"], "at most", 1.1
        yield f"peak memory {what}", last["peak_rss_mb"] / first["peak_rss_mb"], "at most", 1.1


def found(record: dict[str, Any], part: str) -> dict[str, Any]:
    """A part of the record, empty where it was not measured."""
    return (record.get(part) or {}).get("found") or {}


def times(value: dict[str, float] | None) -> str:
    """A ratio with its spread."""
    return f"{value['median']:.1f} ({value['low']:.1f} to {value['high']:.1f})" if value else ""


def seconds(value: dict[str, float] | None) -> str:
    """A median in seconds."""
    return f"{value['median']:.2f} s" if value else ""


def milliseconds(value: dict[str, float] | None) -> str:
    """A median in milliseconds."""
    return f"{value['median']:.0f} ms" if value else ""


def megabytes(value: float | None) -> str:
    """Megabytes."""
    return f"{value:.0f} MB" if value else ""


def accuracy(value: dict[str, float]) -> str:
    """Accuracy, and the mean over the classes."""
    return f"{value['accuracy']:.1%} (macro {value['macro_recall']:.1%})" if value else ""


__all__ = ["goals", "lines", "targets"]

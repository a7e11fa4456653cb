"""``emotion-edge benchmark``: speed and memory on this device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from edge.cli.options import model_option


@click.command("benchmark")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    envvar="EMOTION_EDGE_BENCHMARK_FORMAT",
    show_default=True,
    help="Form of the results.",
)
@model_option
@click.option(
    "--threads",
    "most_threads",
    type=click.IntRange(1, 64),
    envvar="EMOTION_EDGE_THREADS",
    help="Measure with 1 to so many threads.  [default: the cores]",
)
@click.option(
    "--photo", type=click.Path(path_type=Path, readable=False), help="Use the face of this picture, not a drawn one."
)
@click.option("--rounds", type=click.IntRange(1), default=30, show_default=True, help="Times at most for each figure.")
@click.option(
    "--seconds",
    type=click.FloatRange(0),
    default=0.25,
    show_default=True,
    help="Start no further round of a figure after so long.",
)
def command(form: str, most_threads: int | None, **options: Any) -> None:
    """Measure speed and memory on this device.

    Times the classifier alone and the whole pipeline on made-up pictures of three sizes with 0, 1, 2 and 5 faces, and
    `predict` from the start of its process to its first result.
    """
    from edge.benchmark.device import cores

    threads = range(1, (most_threads or cores()) + 1)
    record = measure(threads, **options)
    if form == "json":
        click.echo(json.dumps(record, ensure_ascii=False))
    else:
        for line in report(record):
            click.echo(line)


def measure(
    threads: range,
    *,
    model: Path | None = None,
    photo: Path | None = None,
    rounds: int = 30,
    seconds: float = 0.25,
) -> dict[str, Any]:
    """Everything that ``benchmark`` tells, as plain JSON values.

    Raises:
        EdgeError: The model, the runtime or the photo cannot be used.
    """
    from edge.benchmark import device
    from edge.benchmark import measure as run
    from edge.benchmark.frames import make_head
    from edge.classifier import Classifier
    from edge.cli.info import describe
    from edge.errors import ImageError
    from edge.images import load_image
    from edge.naming import one_line, unicode_name

    facts = describe(model, 1)
    facts["model"] = {key: facts["model"].get(key) for key in ("path", "size_bytes", "sha256", "model_version")}
    facts["runtime"] = {key: facts["runtime"][key] for key in ("name", "version", "delegate")}
    before = device.read_state()
    try:
        head = make_head(None if photo is None else load_image(photo))
    except ImageError as error:
        raise ImageError(f"{one_line(unicode_name(photo or ''))} {error}") from error
    start = run.measure_start(model, head, rounds=min(rounds, 5))
    classifier = list(run.measure_classifier(model, head, threads, rounds=rounds, seconds=seconds))
    macs = run.count_macs(Classifier(model, threads=1))
    peak = device.find_peak()
    for row in classifier:
        row["macs_per_s"] = None if macs is None else round(macs / row["median_ms"] * 1e3)
        row["share_of_peak"] = (
            None if macs is None or peak is None else round(row["macs_per_s"] / (peak.macs_per_s * row["threads"]), 4)
        )
    pipeline = list(run.measure_pipeline(model, head, threads, rounds=rounds, seconds=seconds))
    return {
        "schema": 1,
        **facts,
        "device": device.describe_device(),
        "face": "drawn" if photo is None else unicode_name(photo),
        "before": before,
        "after": device.read_state(),
        "first_result": start,
        "peak_rss_mb": run.own_peak_mb(),
        "macs": macs,
        "peak": None
        if peak is None
        else {
            "macs_per_cycle": peak.macs_per_cycle,
            "macs_per_s_and_core": round(peak.macs_per_s),
            "basis": peak.basis,
        },
        "classifier": classifier,
        "pipeline": pipeline,
    }


def report(record: dict[str, Any]) -> Iterator[str]:
    """The record as lines for people."""
    device, runtime, start = record["device"], record["runtime"], record["first_result"]
    model = record["model"]
    name = f"{device['model']}, " if device["model"] else ""
    clock = f" at {device['clock_mhz']} MHz" if device["clock_mhz"] else ""
    yield f"device        {name}{device['cpu']}{clock}, {device['cores']} cores, {device['memory_mb']} MB"
    yield f"governor      {device['governor'] or 'unknown'}"
    yield f"model         {model['model_version'] or 'unknown version'}, sha256 {model['sha256'][:12]}"
    yield f"runtime       {runtime['name']} {runtime['version']}, delegate {runtime['delegate']}"
    for when in ("before", "after"):
        yield f"{when:<13} {_state(record[when])}"
    yield (
        f"first result  {start['seconds']:.2f} s after the start of the process, "
        f"{start['cpu_seconds']:.2f} s of processor time, {start['peak_rss_mb']:.0f} MB at most"
    )
    yield f"memory        {record['peak_rss_mb']:.0f} MB at most in this benchmark"
    yield ""
    yield f"one face ({_macs(record['macs'])}; limit {_peak(record['peak'])})"
    yield "threads   median      p95    worst   GMAC/s  of the limit"
    for row in record["classifier"]:
        reached = "unknown" if row["macs_per_s"] is None else f"{row['macs_per_s'] / 1e9:7.2f}"
        share = "unknown" if row["share_of_peak"] is None else f"{row['share_of_peak']:.1%}"
        yield f"{row['threads']:>7} {_times(row)}  {reached}  {share:>12}"
    yield ""
    yield "whole pipeline, from a decoded picture"
    yield "    size  faces  found  threads   median      p95    worst  pictures/s"
    for row in record["pipeline"]:
        size = f"{row['width']}x{row['height']}"
        yield (
            f"{size:>8}  {row['faces']:>5}  {row['found']:>5}  {row['threads']:>7} {_times(row)}  "
            f"{1e3 / row['median_ms']:>10.1f}"
        )
    yield ""
    yield "times in milliseconds"


def _times(row: dict[str, Any]) -> str:
    return f"{row['median_ms']:8.2f} {row['p95_ms']:8.2f} {row['worst_ms']:8.2f}"


def _macs(macs: int | None) -> str:
    return "MAC unknown" if macs is None else f"{macs / 1e6:.1f} million MAC"


def _peak(peak: dict[str, Any] | None) -> str:
    return "unknown" if peak is None else f"{peak['macs_per_s_and_core'] / 1e9:.0f} GMAC/s a core, {peak['basis']}"


def _state(state: dict[str, Any]) -> str:
    heat = "temperature unknown" if state["temperature_c"] is None else f"{state['temperature_c']:.1f} °C"
    held = state["throttled"]
    bits = "throttling unknown" if held is None else ", ".join(held) if held else "not throttled"
    return f"{heat}, {bits}, load {state['load']}"


__all__ = ["command", "measure", "report"]

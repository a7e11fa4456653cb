"""``emotion-edge benchmark``: speed and memory on this device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from edge.cli._quick import interruptible
from edge.cli.options import takes
from edge.settings import Loaded, Verb, setting
from edge.settings.reading import ModelSettings

PLACES = {"here": "here", "pi4": "Pi 4", "pi5": "Pi 5"}


@dataclass(frozen=True)
class BenchmarkSettings(ModelSettings):
    """Everything that can be set about ``benchmark``."""

    format: Literal["text", "json"] = setting("text", "Form of the results.")
    rounds: int = setting(30, "Times at most for each figure.", low=1)
    seconds: float = setting(0.25, "Start no further round of a figure after so long.", low=0)


@click.command("benchmark")
@takes(Verb("benchmark", BenchmarkSettings))
def command(loaded: Loaded[BenchmarkSettings]) -> None:
    """Measure speed and memory on this device.

    Times one face, whole pictures of three sizes with 0, 1 and 5 drawn faces, `predict` from its start to its first
    result, and the stages of a frame beside the least that their arithmetic takes, here and on a Pi 4 and 5.
    """
    settings = loaded.settings
    record = measure(model=settings.model, threads=settings.threads, rounds=settings.rounds, seconds=settings.seconds)
    click.echo(json.dumps(record, ensure_ascii=False) if settings.format == "json" else "\n".join(report(record)))


def measure(
    *,
    model: Path | None = None,
    threads: int | None = None,
    rounds: int = 30,
    seconds: float = 0.25,
) -> dict[str, Any]:
    """Everything that ``benchmark`` tells, as plain JSON values.

    Raises:
        EdgeError: The model or the runtime cannot be used.
    """
    from edge import device
    from edge.benchmark import measure as run
    from edge.benchmark.limits import measure_limits
    from edge.classifier import Classifier
    from edge.cli.info import describe

    interruptible()
    facts = describe(model, threads)
    facts["model"] = {key: facts["model"].get(key) for key in ("path", "size_bytes", "sha256", "model_version")}
    before = device.read_state()
    return {
        "schema": 1,
        **facts,
        "device": device.describe_device(),
        "first_result": run.measure_start(model, rounds=min(rounds, 5)),
        "face": run.measure_face(model, threads, rounds=rounds, seconds=seconds),
        "pictures": list(run.measure_pictures(model, threads, rounds=rounds, seconds=seconds)),
        "limits": measure_limits(Classifier(model, threads=1), rounds=rounds, seconds=seconds),
        "peak_rss_mb": run.own_peak_mb(),
        "before": before,
        "after": device.read_state(),
    }


def report(record: dict[str, Any]) -> Iterator[str]:
    """The record as lines for people."""
    device, model, runtime, start = (record[key] for key in ("device", "model", "runtime", "first_result"))
    name = f"{device['model']}, " if device["model"] else ""
    clock = f" at {device['clock_mhz']} MHz" if device["clock_mhz"] else ""
    yield f"device        {name}{device['cpu']}{clock}, {device['cores']} cores, {device['memory_mb']} MB"
    yield f"governor      {device['governor'] or 'unknown'}"
    yield f"model         {model['model_version'] or 'unknown version'}, sha256 {model['sha256'][:12]}"
    yield (
        f"runtime       {runtime['name']} {runtime['version']}, delegate {runtime['delegate']}, "
        f"{runtime['threads']} threads"
    )
    yield from (f"{when:<13} {_state(record[when])}" for when in ("before", "after"))
    yield (
        f"first result  {start['seconds']:.2f} s after the start of the process, "
        f"{start['cpu_seconds']:.2f} s of processor time, {start['peak_rss_mb']:.0f} MB at most"
    )
    yield f"memory        {record['peak_rss_mb']:.0f} MB at most in this benchmark"
    yield ""
    yield "picture   faces  found  median ms   95th %    worst   a second"
    yield f"one face      -      -  {_times(record['face'])}"
    for row in record["pictures"]:
        size = f"{row['width']}x{row['height']}"
        yield f"{size:<8}  {row['faces']:>5}  {row['found']:>5}  {_times(row)}"
    yield ""
    yield from limits_table(record["limits"])


def limits_table(limits: dict[str, Any]) -> Iterator[str]:
    """The stages of a frame beside the least that they take, as lines for people."""
    yield "640x480, one core     MMAC      MB        ms   least ms   times   Pi 4 least ms   Pi 5 least ms"
    for row in limits["stages"]:
        least = row["limit_here_ms"]
        times = f"{row['ms'] / least:8.1f}" if least else "        "
        yield (
            f"{row['stage']:<18} {row['macs'] / 1e6:7.1f} {row['bytes'] / 1e6:7.2f} {row['ms']:9.2f} {least:10.2f}"
            f"{times} {row['limit_pi4_ms']:15.2f} {row['limit_pi5_ms']:15.2f}"
        )
    rates = limits["rates"]
    said = (f"{name} {rates[key]['gmac_s']:g} and {rates[key]['gb_s']:g}" for key, name in PLACES.items())
    yield f"10^9 multiply-adds (float32) and bytes a second of one core: {', '.join(said)}"


def _times(row: dict[str, Any]) -> str:
    return f"{row['median_ms']:9.2f} {row['p95_ms']:8.2f} {row['worst_ms']:8.2f} {1e3 / row['median_ms']:10.1f}"


def _state(state: dict[str, Any]) -> str:
    heat = "temperature unknown" if state["temperature_c"] is None else f"{state['temperature_c']:.1f} °C"
    held = state["throttled"]
    bits = "throttling unknown" if held is None else ", ".join(held) if held else "not throttled"
    return f"{heat}, {bits}, load {state['load']}"


__all__ = ["command", "measure", "report"]

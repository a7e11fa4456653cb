"""A converted file in the oldest and the newest runtime: does it load, does it predict alike, how fast is it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.measure import Score, objection, only_class, score
from convert.runtimes import Job, Probe, Runtime, probe

THREADS = (1, 2)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the outputs of two runs on the same pictures differ.

    Attributes:
        pair: What was compared with what.
        pictures: How many pictures.
        identical: Every output is equal bit by bit.
        largest_step: Largest difference of one output, in steps of 1/256 (0 to 255).
        same_answer: Share of pictures with the same most probable class.
    """

    pair: str
    pictures: int
    identical: bool
    largest_step: int
    same_answer: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """One format, measured.

    Attributes:
        form: Its name.
        size: Bytes of the file.
        probes: One for each runtime, in the order given.
        scores: Runtime (package and version) to what was measured there; a runtime that cannot run it is left out.
        refused: Why the file is not fit to be used, or None.
        agreements: Bit-by-bit comparisons, for int8.
    """

    form: str
    size: int
    probes: tuple[Probe, ...]
    scores: dict[str, Score]
    refused: str | None = None
    agreements: tuple[Agreement, ...] = ()


def verify(
    form: str,
    file: Path,
    pictures: Path,
    *,
    trained: NDArray[np.float32],
    labels: NDArray[np.int64],
    runtimes: Sequence[Runtime],
) -> Verdict:
    """Run a converted file in every runtime and compare its outputs with the trained model.

    Args:
        form: Format of the file.
        file: The `.tflite` file, in a scratch folder: outputs are written next to it.
        pictures: A .npy file, uint8 (N, height, width, 3) RGB, the pictures that ``labels`` and ``trained`` are about.
        trained: Probabilities (N, 5) by the Keras model.
        labels: True classes (N,).
        runtimes: Where to run it, oldest first.

    Returns:
        What was found; ``refused`` if int8 fails in one runtime, another format in all, or predictions differ too much.
    """
    plain = form == "int8"  # int8 is compared bit by bit too, where no delegate has its own arithmetic
    probes = probe(*(Job(runtime, file, pictures) for runtime in runtimes))
    plain_probes = probe(*(Job(runtime, file, pictures, delegates=False) for runtime in runtimes if plain))
    scores = {ran.runtime: score(ran.probabilities, trained, labels) for ran in probes if ran.error is None}
    refused = _unusable(form, probes + plain_probes) or _one_class(probes, labels) or objection(scores.items())
    if refused:
        return Verdict(form, file.stat().st_size, tuple(probes), scores, refused)
    # Times are taken one after the other, when nothing else of ours runs.
    timed = [
        ran if ran.error else probe(Job(runtime, file, pictures, outputs=False, threads=THREADS))[0]
        for runtime, ran in zip(runtimes, probes, strict=True)
    ]
    agreements = tuple(_agreements(probes, plain_probes)) if plain else ()
    return Verdict(form, file.stat().st_size, tuple(timed), scores, agreements=agreements)


def _unusable(form: str, probes: Sequence[Probe]) -> str | None:
    failed = [f"{ran.runtime} {ran.error}" for ran in probes if ran.error is not None]
    if failed and (form == "int8" or len(failed) == len(probes)):
        return f"does not run: {'; '.join(failed)}"
    return None


def _one_class(probes: Sequence[Probe], labels: NDArray[np.int64]) -> str | None:
    for ran in probes:
        if ran.error is None and (emotion := only_class(ran.probabilities, labels)):
            return f"predicts {emotion} for all {len(labels)} pictures in {ran.runtime}"
    return None


def _agreements(default: Sequence[Probe], plain: Sequence[Probe]) -> list[Agreement]:
    """Every other way to run the file against the oldest runtime without delegates."""
    base = plain[0]
    ways = [("without delegates", ran) for ran in plain[1:]] + [("as it comes", ran) for ran in default]
    return [_compare(f"{ran.runtime} {way} / {base.runtime} without delegates", ran, base) for way, ran in ways]


def _compare(pair: str, one: Probe, other: Probe) -> Agreement:
    if one.outputs is None or other.outputs is None:
        raise ConversionError(f"{pair}: cannot be compared, {one.error or other.error}")
    apart = np.abs(one.outputs.astype(int) - other.outputs.astype(int))
    return Agreement(
        pair=pair,
        pictures=len(apart),
        identical=bool((apart == 0).all()),
        largest_step=int(apart.max()),
        same_answer=float((one.outputs.argmax(axis=1) == other.outputs.argmax(axis=1)).mean()),
    )


__all__ = ["THREADS", "Agreement", "Verdict", "verify"]

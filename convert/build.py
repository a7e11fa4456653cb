"""One conversion from end to end: nothing is written to its place before everything has passed."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.model_settings import Settings
from convert import export, metadata
from convert.errors import ConversionError, GateError
from convert.measure import only_class, score
from convert.pictures import Pictures, read
from convert.runtimes import RUNTIMES, Job, probe
from convert.table import About, Table
from convert.verify import Verdict, verify
from edge import __version__
from edge.atomic import atomic_write
from edge.errors import ModelError, OutputError
from edge.labels import EMOTIONS
from edge.preprocess import InputSpec

SHIPPED = "int8"


@dataclass(frozen=True, slots=True)
class Order:
    """What to make.

    Attributes:
        model: The trained `.keras` file.
        data: Folder of the data set.
        forms: Formats to make, of :data:`convert.export.FORMATS`.
        output: Where the file goes; of several formats the int8 one, the others next to it under ``formats/``.
        settings: What the file says of the model.
        samples: Calibration pictures.
        limit: Measure on at most this many pictures; all if None.
    """

    model: Path
    data: Path
    forms: tuple[str, ...]
    output: Path
    settings: Settings
    samples: int = 4000
    limit: int | None = None

    def place(self, form: str) -> Path:
        """Where the file of one format goes."""
        if len(self.forms) == 1 or form == SHIPPED:
            return self.output
        return self.output.parent / "formats" / f"{self.output.stem}-{form}.tflite"


@dataclass(frozen=True, slots=True)
class _Subject:
    """The trained model and what it says itself."""

    model: Any
    pictures: Pictures
    probabilities: NDArray[np.float32]
    about: About


def build(order: Order, say: Callable[[str], None] = lambda _: None) -> Table:
    """Convert, verify, measure, and only then put the files in their place.

    Args:
        order: What to make.
        say: Called with one line of progress at a time.

    Returns:
        What was measured; of several formats also written next to the output, as ``formats.json`` and ``.md``.

    Raises:
        EdgeError: Anything that keeps the file from being made; what was there before is then untouched.
    """
    export.check_file(order.model)
    _check_place(order.output)
    for runtime in RUNTIMES:
        if not runtime.ready:
            say(f"making the environment {runtime.name} ({', '.join(runtime.requirements)})")
            runtime.make()
    subject = _prepare(order, say)
    try:
        made, verdicts = _make(order, subject, say)
    except OSError as error:
        raise OutputError(f"scratch files in {tempfile.gettempdir()} cannot be written: {error.strerror}") from error
    hashes = {form: hashlib.sha256(content).hexdigest() for form, content in made.items()}
    result = Table(subject.about, tuple(verdicts), hashes)
    _put(order, made, result, say)
    return result


def _prepare(order: Order, say: Callable[[str], None]) -> _Subject:
    say(f"loading {order.model}")
    model = export.load(order.model)
    height, width = model.input_shape[1:3]
    spec = InputSpec(height, width, margin=order.settings.crop_margin, brighten=order.settings.brighten)
    pictures = read(order.data, spec, order.samples, order.limit)
    say(f"calibrating on {len(pictures.calibration)} pictures, measuring on {len(pictures.measured)}")
    probabilities = export.predict(model, pictures.measured)
    if np.abs(probabilities.sum(axis=1) - 1).max() > 0.01 or probabilities.min() < 0:
        raise ModelError(f"model {order.model} gives values that are not probabilities; wanted a softmax at its end")
    if emotion := only_class(probabilities, pictures.labels):
        raise GateError(
            f"model {order.model} predicts {emotion} for all {len(probabilities)} pictures: it has learned nothing."
            " Train it longer or with a lower learning rate, and see its curves.png"
        )
    version = order.settings.version or f"{__version__}+{weights_hash(model)[:8]}"
    about = About(version, pictures.measured_on, score(probabilities, probabilities, pictures.labels))
    return _Subject(model, pictures, probabilities, about)


def weights_hash(model: Any) -> str:
    """SHA-256 of a Keras model's weights; its file has another each time that it is saved, since it holds the date."""
    found = hashlib.sha256()
    for weight in model.get_weights():
        found.update(weight.tobytes())
    return found.hexdigest()


def _make(order: Order, subject: _Subject, say: Callable[[str], None]) -> tuple[dict[str, bytes], list[Verdict]]:
    """All files, in a scratch folder, and what was found about each; a refused one has no content."""
    pictures = subject.pictures
    made: dict[str, bytes] = {}
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="convert-") as scratch:
        stored = Path(scratch) / "pictures.npy"
        np.save(stored, pictures.measured)
        for form in order.forms:
            say(f"{form}: converting")
            file = Path(scratch) / f"{form}.tflite"
            file.write_bytes(export.export(subject.model, form, pictures.calibration))
            say(f"{form}: running in {' and '.join(runtime.name for runtime in RUNTIMES)}")
            found = verify(form, file, stored, trained=subject.probabilities, labels=pictures.labels, runtimes=RUNTIMES)
            if found.refused:
                verdicts.append(found)
                _stop_if_wanted(order, found)
                say(f"{form}: refused, {found.refused}")
                continue
            made[form] = metadata.embed(file.read_bytes(), EMOTIONS, _details(order, subject, found))
            _check_unchanged(form, file, made[form], stored)
            verdicts.append(replace(found, size=len(made[form])))
    return made, verdicts


def _stop_if_wanted(order: Order, found: Verdict) -> None:
    """Refuse all if it is the file that a device will run; of several formats the others may go on without one."""
    if len(order.forms) > 1 and found.form != SHIPPED:
        return
    raise GateError(
        f"{found.form} {found.refused}. Nothing was replaced. Try more calibration pictures (--samples"
        f" {order.samples * 4}) or a finer format (--format int16x8)"
    )


def _details(order: Order, subject: _Subject, found: Verdict) -> dict[str, Any]:
    """What ``emotion-edge.json`` says."""
    return {
        "model_version": subject.about.version,
        "format": found.form,
        "crop_margin": order.settings.crop_margin,
        "threshold": order.settings.threshold,
        "brighten": order.settings.brighten,
        "licence": order.settings.licence,
        "training_data": order.settings.training_data or subject.pictures.source,
        "metrics": {
            "measured_on": subject.about.data,
            "trained": subject.about.trained.rounded(),
            **{runtime: measured.rounded() for runtime, measured in found.scores.items()},
        },
        "versions": {"emotion-edge": __version__, "numpy": np.__version__, **export.versions()},
    }


def _check_unchanged(form: str, before: Path, content: bytes, pictures: Path) -> None:
    """The file with metadata predicts as the file that was measured: it is what will be shipped."""
    after = before.with_name(f"{form}-final.tflite")
    after.write_bytes(content)
    few = pictures.with_name("few.npy")
    np.save(few, np.load(pictures, mmap_mode="r")[:16])
    for runtime in RUNTIMES:
        one, other = probe(Job(runtime, before, few), Job(runtime, after, few))
        if one.error is None and (other.outputs is None or not np.array_equal(one.outputs, other.outputs)):
            raise ConversionError(
                f"{form} changed when metadata was added ({other.error or 'other outputs'}); report this"
            )


def _check_place(output: Path) -> None:
    """Refuse a place that cannot be written before minutes of work, not after them."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"folder {output.parent} cannot be made: {error.strerror}; name another --output") from error
    if output.is_dir() or not os.access(output.parent, os.W_OK):
        raise OutputError(f"{output} cannot be written; wanted a file in a folder that you may write to")


def _put(order: Order, made: Mapping[str, bytes], result: Table, say: Callable[[str], None]) -> None:
    for form, content in made.items():
        place = order.place(form)
        _write(place, content)
        say(f"{form}: wrote {place} ({len(content) / 1000:.0f} kB)")
    if len(order.forms) > 1:
        _write(order.output.with_name("formats.json"), result.to_json().encode())
        _write(order.output.with_name("formats.md"), result.to_markdown().encode())


def _write(place: Path, content: bytes) -> None:
    _check_place(place)
    with atomic_write(place) as file:
        file.write(content)


__all__ = ["SHIPPED", "Order", "build"]

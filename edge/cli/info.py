"""``emotion-edge info``: the model, the runtime and the versions in use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click

from edge.cli.options import takes
from edge.settings import Loaded, Verb, setting
from edge.settings.reading import ModelSettings


@dataclass(frozen=True)
class InfoSettings(ModelSettings):
    """Everything that can be set about ``info``."""

    format: Literal["text", "json"] = setting("text", "Form of the description.")


@click.command("info")
@click.argument("file", type=click.Path(path_type=Path, readable=False), required=False)
@takes(Verb("info", InfoSettings))
def command(file: Path | None, loaded: Loaded[InfoSettings]) -> None:
    """Describe the model FILE, or else the one in use, the runtime and the versions."""
    settings = loaded.settings
    facts = describe(file or settings.model, settings.threads)
    if settings.format == "json":
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for group, values in facts.items():
        click.echo(f"{group}:")
        for name, value in values.items():
            if not isinstance(value, dict):
                click.echo(f"  {name:<14} {_plain(value)}")
                continue
            click.echo(f"  {name}")
            for part, one in value.items():
                click.echo(f"    {part}: {_plain(one)}")


def describe(model: Path | None = None, threads: int | None = None) -> dict[str, dict[str, Any]]:
    """What ``info`` tells: a group each for model, runtime and versions, as plain JSON values.

    Raises:
        EdgeError: The model or the runtime cannot be used.
    """
    from hashlib import sha256

    from edge.classifier import Classifier
    from edge.detectors import detector_name, make_detector
    from edge.detectors.haar import cascade_path
    from edge.detectors.yunet import YuNetDetector
    from edge.naming import unicode_name

    classifier = Classifier(model, threads=threads)
    content = classifier.path.read_bytes()
    source = classifier.runtime.interpreter.get_input_details()[0]
    sink = classifier.runtime.interpreter.get_output_details()[0]
    about = {
        "path": unicode_name(classifier.path),
        "size_bytes": len(content),
        "sha256": sha256(content).hexdigest(),
        "labels": list(classifier.labels),
        "input": _tensor(source),
        "output": _tensor(sink),
        "crop_margin": classifier.input_spec.margin,
        "brighten": classifier.input_spec.brighten,
        "threshold": classifier.threshold,
    }
    extra = {name: value for name, value in classifier.metadata.settings.items() if name not in about}
    runtime = classifier.runtime
    detector = make_detector()
    return {
        "model": about | extra,
        "detector": {
            "name": detector_name(detector),
            "path": unicode_name(detector.path if isinstance(detector, YuNetDetector) else cascade_path()),
        },
        "runtime": {
            "name": runtime.name,
            "version": runtime.version,
            "delegate": runtime.delegate,
            "threads": runtime.threads,
        },
        "versions": _versions(),
    }


def _tensor(details: dict[str, Any]) -> str:
    shape = "x".join(str(size) for size in details["shape"])
    scale, zero_point = details["quantization"]
    text = f"{details['dtype'].__name__} {shape}"
    return f"{text}, scale {scale:.7g}, zero point {zero_point}" if scale else text


def _versions() -> dict[str, str]:
    import platform

    import numpy as np
    import PIL

    from edge import __version__
    from edge.opencv import cv2

    return {
        "emotion-edge": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "pillow": PIL.__version__,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    return str(value)


__all__ = ["command", "describe"]

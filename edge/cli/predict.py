"""``emotion-edge predict``: which emotion each face in pictures shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import click

from edge.cli.options import takes
from edge.settings import Loaded, Verb, setting
from edge.settings.reading import ReadingSettings


@dataclass(frozen=True, eq=False, repr=False)
class PredictSettings(ReadingSettings):
    """Everything that can be set about ``predict``."""

    format: Literal["text", "json", "jsonl", "csv"] | None = setting(
        None, "Form of the results.", otherwise="as --output is named, else text"
    )
    output: Path | None = setting(
        None, 'Write results here; "-" is standard output, .json, .jsonl and .csv name the form.'
    )
    annotate: Path | None = setting(None, "Write pictures with the faces marked into this folder.")
    jobs: int = setting(1, "Pictures read at a time; results keep their order.", low=1, high=64)
    resume: bool = setting(False, "Go on with the --output (jsonl, csv) of a run that was interrupted.")


PREDICT = Verb("predict", PredictSettings)


@click.command("predict")
@click.argument("paths", nargs=-1, required=True, type=click.Path(readable=False), metavar="PATH...")
@takes(PREDICT)
def command(paths: tuple[str, ...], loaded: Loaded[PredictSettings]) -> None:
    """Say which emotion each face in pictures shows.

    PATH is a file, a folder that is searched recursively, or "-" for a picture on standard input.

    A picture that cannot be read is reported, the others are still done, and the exit code is 1 at the end.
    """
    from edge.cli._annotated import refuse_inputs
    from edge.cli._resume import check_resume
    from edge.cli.outputs import check_outputs, choose_form, file_of, refuse_media

    settings = loaded.settings
    output = file_of(settings.output)
    refuse_media("--output", output)
    check_outputs({"--output": output}, [*paths, settings.model, settings.detector_model])
    form = choose_form(loaded, output, "text", ("text", "json", "jsonl", "csv"))
    check_resume(output, form, settings.resume)
    if settings.annotate:
        refuse_inputs(settings.annotate, paths)
    from edge.cli._batch import run

    if run(paths, replace(settings, output=output), form):
        raise click.exceptions.Exit(1)


__all__ = ["PREDICT", "PredictSettings", "command"]

"""``emotion-edge predict``: which emotion each face in pictures shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edge.cli.options import reading_options

FORMS = ("text", "json", "jsonl", "csv")


@click.command("predict")
@click.argument("paths", nargs=-1, required=True, type=click.Path(readable=False), metavar="PATH...")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default="text",
    envvar="EMOTION_EDGE_PREDICT_FORMAT",
    show_default="as --output is named, else text",
    help="Form of the results.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, readable=False),
    help='Write results here; "-" is standard output, .json, .jsonl and .csv name the form.',
)
@click.option(
    "--annotate", type=click.Path(path_type=Path, readable=False), help="Write pictures with the faces marked here."
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Pictures read at a time.")
@click.option("--resume", is_flag=True, help="Go on with the --output (jsonl, csv) of a run that was interrupted.")
@reading_options
def command(**options: Any) -> None:
    """Say which emotion each face in pictures shows.

    PATH is a file, a folder that is searched recursively, or "-" for a picture on standard input.

    A picture that cannot be read is reported, the others are still done, and the exit code is 1 at the end.
    """
    from edge.cli._annotated import refuse_inputs
    from edge.cli._resume import check_resume
    from edge.cli.outputs import STDOUT, check_outputs, choose_form, refuse_media

    if str(options["output"]) == STDOUT:
        options["output"] = None
    output, annotate, paths = options["output"], options["annotate"], options["paths"]
    refuse_media("--output", output)
    check_outputs({"--output": output}, [*paths, options["model"], options["detector_model"]])
    options["form"] = choose_form(output, options["form"], FORMS)
    check_resume(output, options["form"], options["resume"])
    if annotate:
        refuse_inputs(annotate, paths)
    from edge.cli._batch import run

    if run(**options):
        raise click.exceptions.Exit(1)

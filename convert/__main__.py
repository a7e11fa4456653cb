"""``python -m convert``: from a trained Keras model to the file that devices run."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path

import click

from convert.export import FORMATS
from edge import __version__
from edge.cli.numbers import only_numbers
from edge.cli.outputs import check_outputs
from edge.errors import EdgeError


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True})
@click.argument("model", type=click.Path(path_type=Path), default=Path("models/emotion.keras"))
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Data set, of any layout that training reads."
)
@click.option("--format", "form", type=click.Choice([*FORMATS, "all"]), default="int8", help="Format of the file.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("models/emotion.tflite"),
    help="File to write; with all, the int8 one, the others go under formats/ next to it.",
)
@click.option(
    "--samples", type=click.IntRange(1), default=4000, help="Calibration pictures, balanced over the classes."
)
@click.option("--limit", type=click.IntRange(1), help="Measure on at most this many pictures.  [default: all]")
@click.option("--crop-margin", type=click.FloatRange(-0.3, 1), help="Share of the face box added on each side.")
@click.option("--threshold", type=click.FloatRange(0, 1), help="Confidence that counts as sure.")
@click.option("--model-version", help="Version of the model.")
@click.option("--licence", help="Licence of the weights.")
@click.option("--training-data", help="What it was trained on.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, "--version", prog_name="convert")
def command(
    *,
    model: Path,
    data: Path,
    form: str,
    output: Path,
    samples: int,
    limit: int | None,
    crop_margin: float | None,
    threshold: float | None,
    model_version: str | None,
    licence: str | None,
    training_data: str | None,
    debug: bool,
) -> None:
    """Convert MODEL (.keras) to a .tflite file that runs in the oldest and the newest runtime.

    The file replaces an older one only after it has run in both, lost at most 1 point and kept 97 % of the trained
    model's predictions. The table of what was measured goes to standard output.

    What the file says of itself (the options from --crop-margin to --training-data) may stand next to MODEL, in a file
    of its name that ends in .toml.
    """
    check_outputs({"--output": output}, [model, data])
    from common.model_settings import settings_of
    from convert.build import Order, build

    try:
        settings = settings_of(
            model,
            crop_margin=crop_margin,
            threshold=threshold,
            version=model_version,
            licence=licence,
            training_data=training_data,
        )
        forms = FORMATS if form == "all" else (form,)
        order = Order(model, data, forms, output, settings, samples=samples, limit=limit)
        result = build(order, lambda line: click.echo(line, err=True))
    except EdgeError as error:
        if debug:
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("interrupted; nothing was replaced", err=True)
        sys.exit(130)
    click.echo(result.to_markdown(), nl=False)
    sys.exit(1 if any(row.refused for row in result.rows) else 0)


def main() -> None:
    """Run the command; a stop signal ends it as Ctrl-C does, so that scratch files go too."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    only_numbers(command)(prog_name="python -m convert")


if __name__ == "__main__":
    main()

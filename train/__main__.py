"""``python -m train``: fit and evaluate networks on a workstation, and write the model card."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from edge.cli.numbers import only_numbers
from edge.cli.outputs import check_outputs
from edge.errors import EdgeError

PARTS = ("measure", "choose", "all")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Train the emotion classifier from scratch."""


@cli.command()
@click.option(
    "--data", type=click.Path(path_type=Path), required=True, help="Data set: FER+, fer2013.csv, or a folder per class."
)
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Photos to find faces in and mix in, half of the first folder's people; repeatable.",
)
@click.option(
    "--recipe", help="Name in train/recipes, or a TOML file.  [default: own for a folder per class, else plain]"
)
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one value of the recipe; repeatable."
)
@click.option("--run", type=click.Path(path_type=Path), help="Folder of the run.  [default: runs/RECIPE]")
def fit(data: Path, photos: tuple[Path, ...], recipe: str | None, overrides: tuple[str, ...], run: Path | None) -> None:
    """Train a network; an interrupted run of the same folder continues where it stopped."""
    from common.datasets import has_class_folders
    from train.recipe import load_recipe

    recipe = recipe or ("own" if has_class_folders(data) else "plain")
    resolved, run = load_recipe(recipe, overrides), run or Path("runs") / Path(recipe).stem
    from train.session import train_run

    train_run(resolved, data, photos, run)
    click.echo(f"{run / 'model.keras'} is ready; convert it with:", err=True)
    click.echo(f"python -m convert {run / 'model.keras'} --data {data} --output {run / 'model.tflite'}")


@cli.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Data set of any layout that fit reads.")
@click.option("--photos", type=click.Path(path_type=Path), help="Photos to measure end to end.")
@click.option(
    "--part",
    type=click.Choice(PARTS),
    default="measure",
    help="Half of the validation pictures, and people of the photos: those to choose on, or those to measure on.",
)
@click.option(
    "--model", type=click.Path(path_type=Path), default=Path("models/emotion.tflite"), help="A .tflite or .keras file."
)
@click.option(
    "--float",
    "trained",
    type=click.Path(path_type=Path),
    help="The .keras file that MODEL was made from.  [default: of the same name, if there]",
)
@click.option(
    "--compare", multiple=True, metavar="NAME=FILE", help="Another .tflite or .keras file to measure; repeatable."
)
@click.option("--robustness", is_flag=True, help="Also measure what framing, roll, blur, light and covers change.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where the figures go.  [default: metrics.json next to MODEL]"
)
@click.option("--pictures", type=click.Path(path_type=Path), help="Folder for plots and a sheet of the worst mistakes.")
def evaluate(
    *,
    data: Path,
    photos: Path | None,
    part: str,
    model: Path,
    trained: Path | None,
    compare: tuple[str, ...],
    robustness: bool,
    output: Path | None,
    pictures: Path | None,
) -> None:
    """Measure a model, and others with it, on a data set and on photos; print one table, write metrics.json."""
    from common.datasets import DataError
    from edge.atomic import atomic_write
    from train.evaluate import evaluate as measure
    from train.predictors import open_model
    from train.report import report

    output = output or model.with_name("metrics.json")
    others = dict(_named(text) for text in compare)
    check_outputs({"--output": output}, [data, photos, model, trained, *others.values()])
    if robustness and not photos:
        raise click.UsageError("--robustness changes photos; give them with --photos")
    if not data.is_dir():  # before the seconds that a Keras model takes to load
        raise DataError(f"no folder {data}; give a data set's folder with --data")
    models = {model.name: open_model(model)}
    trained = trained or model.with_suffix(".keras")
    if trained != model and trained.is_file():
        models["float"] = open_model(trained)
        for figure in ("parameters", "macs"):  # one network, in two files
            models[model.name].about[figure] = models["float"].about[figure]
    models |= {name: open_model(path) for name, path in others.items()}
    tree, probabilities, faces = measure(models, data, photos, part=part, robustness=robustness, progress=_progress)
    with atomic_write(output) as file:
        file.write(json.dumps(tree, indent=1).encode() + b"\n")
    if pictures:
        from train.plots import draw_predictions

        draw_predictions(probabilities, faces, pictures)
    click.echo(report(tree), nl=False)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=Path("models"))
def card(folder: Path) -> None:
    """Write MODEL_CARD.md of the model in FOLDER from its metrics.json, formats.json and training.json."""
    from edge.atomic import atomic_write
    from train.card import model_card

    with atomic_write(folder / "MODEL_CARD.md") as file:
        file.write(model_card(folder).encode())
    click.echo(folder / "MODEL_CARD.md", err=True)


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals or name == "float":
        raise click.UsageError(f"--compare takes NAME=FILE, with a name other than float; got {text!r}")
    return name, Path(path)


def _progress(items: Iterable[Any], length: int) -> Iterator[Any]:
    with click.progressbar(items, length=length, label="photos", file=sys.stderr) as bar:
        yield from bar


def main() -> None:
    """Run the command line: exit 0 done, 1 failure, 2 usage."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        only_numbers(cli).main(prog_name="python -m train", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; the same command continues from the last whole epoch", err=True)
        sys.stdout.flush()
        os._exit(130)  # TensorFlow's threads, still at work, can abort the process while Python ends
    except EdgeError as error:
        if "--debug" in sys.argv:
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

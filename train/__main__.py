"""``python -m train``: fit, calibrate and evaluate networks on a workstation."""

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
    "--photos", type=click.Path(path_type=Path), help="Photos to crop faces from and mix in (half of the people)."
)
@click.option("--recipe", default="plain", help="Name in train/recipes, or a TOML file.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one value of the recipe; repeatable."
)
@click.option("--run", type=click.Path(path_type=Path), help="Folder of the run.  [default: runs/RECIPE]")
def fit(data: Path, photos: Path | None, recipe: str, overrides: tuple[str, ...], run: Path | None) -> None:
    """Train a network; an interrupted run of the same folder continues where it stopped."""
    from train.recipe import load_recipe

    resolved = load_recipe(recipe, overrides)
    from train.session import train_run

    train_run(resolved, data, photos, run or Path("runs") / Path(recipe).stem)


def _keras_file(_: click.Context, option: click.Parameter, path: Path) -> Path:
    """Refuse a name that Keras does not write to, before any work."""
    if path.suffix != ".keras":
        raise click.BadParameter(f"Keras writes files that end in .keras; got {path}", param=option)
    return path


@cli.command()
@click.argument("models", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1, required=True)
@click.option(
    "--output", type=click.Path(path_type=Path), required=True, callback=_keras_file, help="The .keras file to write."
)
def average(models: tuple[Path, ...], output: Path) -> None:
    """Take the mean of the weights of MODELS (.keras), rounds of training that went on from each other."""
    check_outputs({"--output": output}, models)
    from train.architectures import save_network
    from train.average import average as mean

    save_network(mean(models), output)


@cli.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Data set; its validation split is used.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("models/emotion.keras"),
    callback=_keras_file,
    help="The .keras file to write.",
)
@click.option("--balance", default=0.0, help="How far rare classes are favoured: exponent of the inverse frequency.")
@click.option(
    "--told",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The int8 file made of MODEL: its confidences are calibrated; convert again afterwards.",
)
def calibrate(model: Path, data: Path, output: Path, balance: float, told: Path | None) -> None:
    """Fold temperature and class offsets into the head of MODEL (.keras)."""
    check_outputs({"--output": output}, [model, told])
    import numpy as np

    from common.datasets import load
    from train import calibrate as calibration
    from train.architectures import load_network, save_network
    from train.judges import ask_beside

    network = load_network(model)
    size = network.input_shape[1]
    frequency = load(data, "train", size=size).targets.mean(axis=0)
    valid = load(data, "valid", size=size)
    answers = ask_beside(told, np.repeat(valid.images, 3, axis=-1)) if told else None
    temperature, offsets = calibration.calibrate(network, valid, frequency, balance, answers)
    save_network(network, output)
    click.echo(f"{output}: temperature {temperature:.2f}, class offsets {offsets}")


@cli.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Data set; its training split is used.")
@click.option("--photos", type=click.Path(path_type=Path), required=True, help="Photos; half of the people are used.")
@click.option(
    "--output", type=click.Path(path_type=Path), required=True, callback=_keras_file, help="The .keras file to write."
)
@click.option("--balance", default=1.0, help="How far photos' rare emotions are favoured: exponent of their rarity.")
@click.option(
    "--weight", type=click.FloatRange(0, min_open=True), default=0.3, help="What all photos count beside all faces."
)
def refit(*, model: Path, data: Path, photos: Path, output: Path, balance: float, weight: float) -> None:
    """Let the calibrated MODEL (.keras) name rare emotions more readily in photos, and only there."""
    check_outputs({"--output": output}, [model])
    from common.datasets import load
    from common.photos import photo_faces
    from train import refit as refitting
    from train.architectures import load_network, save_network

    network = load_network(model)
    size = network.input_shape[1]
    faces = load(data, "train", size=size)
    before, after = refitting.refit(
        network, faces, photo_faces(photos, "train", size=size, rare=1, balance=balance), weight
    )
    save_network(network, output)
    click.echo(f"{output}: {before:.4f} nats from the wanted answers before, {after:.4f} after")


@cli.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Data set of any layout that fit reads.")
@click.option("--photos", type=click.Path(path_type=Path), help="Photos to measure end to end, in several lights.")
@click.option("--split", default="valid", help="Part of the data: train, valid, test; all of a folder per class.")
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
    "--beside", multiple=True, metavar="NAME=FILE", help="Another .tflite or .keras file to measure; repeatable."
)
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where the figures go.  [default: metrics.json beside MODEL]"
)
@click.option("--pictures", type=click.Path(path_type=Path), help="Folder for plots and a sheet of the worst mistakes.")
def evaluate(
    *,
    data: Path,
    photos: Path | None,
    split: str,
    model: Path,
    trained: Path | None,
    beside: tuple[str, ...],
    output: Path | None,
    pictures: Path | None,
) -> None:
    """Measure a model, and others beside it, on a data set and on photos; print one table, write metrics.json."""
    from edge.atomic import atomic_write
    from train.evaluate import evaluate as measure
    from train.judges import judge
    from train.table import report

    output = output or model.with_name("metrics.json")
    others = dict(_named(text, "--beside") for text in beside)
    check_outputs({"--output": output}, [data, photos, model, trained, *others.values()])
    judges = {model.name: judge(model)}
    trained = trained or model.with_suffix(".keras")
    if trained != model and trained.is_file():
        judges["float"] = judge(trained)
        for figure in ("parameters", "macs"):  # one network, in two files
            judges[model.name].about[figure] = judges["float"].about[figure]
    judges |= {name: judge(path) for name, path in others.items()}
    tree, answers, faces = measure(judges, data, photos, split=split, progress=_progress)
    with atomic_write(output) as file:
        file.write(json.dumps(tree, indent=1).encode() + b"\n")
    if pictures:
        from train.plots import draw_answers

        draw_answers(answers, faces, pictures)
    click.echo(report(tree), nl=False)


@cli.command("model-card")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=Path("models"))
def model_card(folder: Path) -> None:
    """Write MODEL_CARD.md of the model in FOLDER from its metrics.json, formats.json and training/."""
    from edge.atomic import atomic_write
    from train.model_card import model_card as write

    with atomic_write(folder / "MODEL_CARD.md") as file:
        file.write(write(folder).encode())
    click.echo(folder / "MODEL_CARD.md", err=True)


def _named(text: str, option: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals or name == "float":
        raise click.UsageError(f"{option} takes NAME=FILE, with a name other than float; got {text!r}")
    return name, Path(path)


def _progress(items: Iterable[Any], length: int) -> Iterator[Any]:
    with click.progressbar(items, length=length, label="photos", file=sys.stderr) as bar:
        yield from bar


@cli.command()
@click.argument("names", nargs=-1)
@click.option("--data", type=click.Path(path_type=Path), help="FER+; without it the record is printed as it is.")
@click.option("--photos", type=click.Path(path_type=Path), help="The photos.")
@click.option("--seed", "seeds", type=int, multiple=True, default=(0, 1, 2), help="A run each; repeatable.")
@click.option("--runs", type=click.Path(path_type=Path), default=Path("runs/experiments"), help="Folder for the runs.")
@click.option(
    "--long", "finished", metavar="NAME=FILE", help="Add a run to the long ones: what it is, and its model.keras."
)
def experiments(
    *, names: tuple[str, ...], data: Path | None, photos: Path | None, seeds: tuple[int, ...], runs: Path, finished: str
) -> None:
    """Print what was tried and what it gave; with --data and --photos, run it (or just NAMES) again first."""
    from train.experiments import add_long_run, long_table, run_experiments, table

    if bool(data) != bool(photos) or (finished and not data):
        raise click.UsageError("to run or measure experiments, give both --data and --photos")
    if data and photos and finished:
        what, network = _named(finished, "--long")
        add_long_run(network, what, data, photos)
    elif data and photos:
        run_experiments(names, seeds, data, photos, runs)
    click.echo(f"{table()}\n\n{long_table()}")


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

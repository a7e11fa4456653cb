"""``python -m train``: fit, calibrate and evaluate networks on a workstation."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click

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


def main() -> None:
    """Run the command line: exit 0 done, 1 failure, 2 usage."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        cli.main(prog_name="python -m train", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit("interrupted; the same command continues from the last whole epoch")
    except EdgeError as error:
        if "--debug" in sys.argv:
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

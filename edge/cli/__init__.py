"""The ``emotion-edge`` command: one file a verb, loaded only when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from edge import __version__
from edge.cli._quick import leave_quickly, start_quickly
from edge.errors import EdgeError, SettingsError
from edge.naming import one_line, unicode_name

# Verb -> module under edge.cli that holds a click command named `command`, and its one-line help.
VERBS = {
    "predict": "Say which emotion each face in pictures shows.",
    "stream": "Follow faces in a camera, video or network stream.",
    "bulk": "Read more pictures than one machine can, on Dask.",
    "kiosk": "Serve the live view and the upload page.",
    "report": "Say what an event log comes to, by hour or day.",
    "config": "Show or check the settings of a kiosk or a stream.",
    "benchmark": "Measure speed and memory on this device.",
    "info": "Describe the model, the runtime and the versions in use.",
    "doctor": "Check that everything needed is installed and works.",
}


class _LazyGroup(click.Group):
    """Finds verbs by name, so that ``--help`` imports neither OpenCV nor an interpreter."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = import_module(f"edge.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            close = get_close_matches(args[0], VERBS, 1)
            if not close:
                raise
            ctx.fail(f"{error.message} Did you mean {close[0]!r}?")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
@click.version_option(__version__, "--version", prog_name="emotion-edge")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Facial emotion recognition on small devices: finds faces and says what they show."""


def run() -> None:
    """What the installed command calls: `main`, and a quick end."""
    try:
        main()
    except SystemExit as end:
        leave_quickly(int(end.code or 0))
        raise


def main() -> None:
    """Run the command line: exit 0 done, 1 failure, 2 usage; a traceback only with --debug."""
    start_quickly()
    try:
        status = cli.main(_arguments(), standalone_mode=False)
    except click.exceptions.Exit as stop:
        status = stop.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        status = 130
    except BrokenPipeError:
        # The reader went away (`| head`): nothing is left to say; keep the interpreter's own flush quiet too.
        sys.stdout = None
        status = 1
    except SettingsError as error:
        for problem in error.problems:
            click.echo(f"error: {one_line(problem)}", err=True)
        status = 2
    except EdgeError as error:
        if _debug():
            raise
        click.echo(f"error: {one_line(str(error))}", err=True)
        status = 1
    except Exception as error:
        if _debug():
            raise
        click.echo(f"error: {one_line(_reason(error))}", err=True)
        status = 1
    sys.exit(status or 0)


def _arguments() -> list[str]:
    """The words of the command line without ``--debug``, which may stand behind the verb, too."""
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    return [*(word for word in words[:end] if word != "--debug"), *words[end:]]


def _reason(error: Exception) -> str:
    """What is said of an error that nothing has put into words: one about a file needs no more."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{unicode_name(error.filename)}: {error.strerror}"
    if isinstance(error, PermissionError):
        return str(error)
    return f"{type(error).__name__}: {error} (unexpected; `emotion-edge doctor` may know why, --debug shows where)"


def _debug() -> bool:
    return _arguments() != sys.argv[1:] or bool(os.environ.get("EMOTION_EDGE_DEBUG"))

"""Documents and options agree: what is named exists, and what exists is named."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from edge.cli import VERBS, cli
from edge.cli.stream import STREAM
from edge.kiosk.settings import KIOSK
from edge.settings import settings_of
from edge.settings.reading import ReadingSettings

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
# Options of other programs: curl, venv, rpicam-hello, podman, Dask, Slurm and mosquitto_sub.
OTHERS = {
    *("--arch", "--release", "--platform", "--read-only", "--device", "--group-add", "--name"),
    *("--data-binary", "--system-site-packages", "--list-cameras", "--protocol", "--nworkers", "--nthreads"),
    *("--array", "--cpus-per-task", "--requeue", "--cafile"),
}
VARIABLES = {"EMOTION_EDGE_RUNTIME", "EMOTION_EDGE_DEBUG", "EMOTION_EDGE_COMPLETE"}
# Where the options of a verb may be described, besides its section of command-line.md.
MORE = {"stream": ("stream.md",), "kiosk": ("raspberry-pi.md",), "bulk": ("bulk.md",)}


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for inner, one in command.commands.items():
            yield from commands(one, f"{name} {inner}")
    else:
        yield name, command


def verbs() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {verb: cli.get_command(context, verb) for verb in VERBS}
    return {name: one for verb, command in found.items() for name, one in commands(command, verb)}


def spellings(option: click.Parameter) -> set[str]:
    return {*option.opts, *option.secondary_opts}


def options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option)]


def of_workstation() -> set[str]:
    """All options of training, conversion and the benchmarks, whose programs are no verbs."""
    places = (ROOT / name for name in ("train", "convert", "benchmarks", "tests/fuzz", "tests/arm64", "tests/mutation"))
    return {word for place in places for path in place.glob("*.py") for word in OPTION.findall(path.read_text())}


def test_every_option_in_the_documents_exists() -> None:
    known = {word for command in verbs().values() for one in options(command) for word in spellings(one)}
    known |= of_workstation() | OTHERS | {"--debug", "--help", "--version"}
    for path in DOCUMENTS:
        assert set(OPTION.findall(path.read_text())) <= known, path.name


def test_every_command_in_the_documents_takes_its_options() -> None:
    found = 0
    for path in DOCUMENTS:
        for line in re.findall(r"emotion-edge ([a-z][^\n`|#]*)", path.read_text()):
            name = max((name for name in verbs() if line.startswith(name)), key=len, default=None)
            words = set(OPTION.findall(line))
            if name is None or not words:
                continue
            if name == "config show":  # further ones are those of the verb
                name = "kiosk"
            known = {word for one in options(verbs()[name]) for word in spellings(one)}
            assert words <= known | {"--help"}, f"{path.name}: emotion-edge {line}"
            found += 1
    assert found > 10


@pytest.mark.parametrize("name", sorted(verbs()))
def test_every_option_is_described_with_its_verb(name: str) -> None:
    verb = name.split(maxsplit=1)[0]
    sections = re.split(r"^## ", (ROOT / "docs/command-line.md").read_text(), flags=re.MULTILINE)
    text = "\n".join(section for section in sections if f"`{verb}`" in section or f"emotion-edge {verb}" in section)
    text += "".join((ROOT / "docs" / more).read_text() for more in MORE.get(verb, ()))
    as_predict = {"--" + field.replace("_", "-") for field in settings_of(ReadingSettings)} if verb == "bulk" else set()
    missing = [
        one.opts[0] for one in options(verbs()[name]) if not spellings(one) & {*OPTION.findall(text), *as_predict}
    ]
    assert not missing, f"{name}: {', '.join(missing)}"


@pytest.mark.parametrize("path", sorted((ROOT / "deploy").rglob("*.toml")), ids=lambda path: path.name)
def test_a_settings_file_holds_what_can_be_set(path: Path) -> None:
    suggested = re.sub(r"^# (\w+ = )", r"\1", path.read_text(), flags=re.MULTILINE)
    assert set(tomllib.loads(suggested)) > set(tomllib.loads(path.read_text()))
    verb = {"kiosk.toml": KIOSK, "stream.toml": STREAM}[path.name]
    assert set(tomllib.loads(suggested)) <= set(settings_of(verb.settings))


def test_every_key_and_variable_in_the_documents_exists() -> None:
    keys = {*settings_of(KIOSK.settings), *settings_of(STREAM.settings)}
    for name in ("README.md", "docs/command-line.md", "docs/stream.md", "docs/raspberry-pi.md"):
        named = set(re.findall(r"`([a-z_]+) = [^`]+`", (ROOT / name).read_text()))
        assert named <= keys, name
        assert named or name in ("README.md", "docs/stream.md")
    known = set(VARIABLES)
    for verb, command in verbs().items():
        prefix = f"EMOTION_EDGE_{verb.upper().replace(' ', '_')}_"
        known |= {prefix + str(one.name).upper() for one in options(command)}
    known |= {"EMOTION_EDGE_" + name for name in ("MODEL", "THREADS", "DETECTOR", "DETECTOR_MODEL")}
    for path in DOCUMENTS:
        assert set(re.findall(r"EMOTION_EDGE_[A-Z_]*[A-Z]", path.read_text())) <= known | {"EMOTION_EDGE_KIOSK"}, (
            path.name
        )


@pytest.mark.parametrize("target", ["train", "evaluate", "convert"])
def test_make_says_at_once_that_the_pictures_are_missing(target: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "EMOTION_DATA"}
    done = subprocess.run(
        ["make", "--silent", target], cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: no DATA; say where the pictures are: make {target} DATA=images\n")
    assert done.stdout == ""

"""Settings classes: files, overrides, the environment and the command line, whatever verb or recipe they belong to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from edge.cli.predict import PREDICT
from edge.cli.stream import STREAM
from edge.errors import SettingsError
from edge.settings import Size, load, to_toml


@dataclass(frozen=True)
class Augment:
    flip: bool = True
    zoom: float = 0.15


@dataclass(frozen=True)
class Recipe:
    start: Path | None = None
    epochs: int = 80
    schedule: Literal["cosine", "constant"] = "cosine"
    sample: tuple[int, ...] = ()
    teachers: tuple[str, ...] = ()
    augment: Augment = field(default_factory=Augment)


@pytest.fixture
def recipe(tmp_path: Path) -> Any:
    def write(text: str, *overrides: str) -> Any:
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        return load(Recipe, path=path, overrides=overrides)

    return write


def test_a_recipe_with_a_table_and_overrides(recipe: Any) -> None:
    loaded = recipe(
        'epochs = 3\nteachers = ["a.keras"]\n[augment]\nzoom = 1\n',
        "epochs=5",
        "augment.flip=false",
        "sample=[1, 2]",
        "schedule=constant",
        "start=w.keras",
    )
    wanted = Recipe(Path("w.keras"), 5, "constant", (1, 2), ("a.keras",), Augment(flip=False, zoom=1.0))
    assert loaded.settings == wanted
    assert isinstance(loaded.settings.augment.zoom, float)
    assert loaded.origins["augment.zoom"] == "file"
    assert loaded.origins["augment.flip"] == "command line"
    assert recipe("").settings == Recipe()


def test_everything_that_is_wrong_with_a_recipe_is_listed(recipe: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        recipe(
            'epocs = 3\nschedule = "cosin"\naugment = 1\nsample = ["a"]\n',
            "augment.zom=1",
            "epochs=x",
            "flip",
            "epochs.a=1",
        )
    wanted = (
        "unknown key 'epocs'; did you mean 'epochs'?",
        "must be one of cosine, constant, got 'cosin'",
        "augment (",
        "must be a list of whole numbers, got ['a']",
        "override 'augment.zom=1': unknown key 'augment.zom'; did you mean 'zoom'?",
        "epochs (override 'epochs=x') must be a whole number, got 'x'",
        "'flip' must be key=value",
        "epochs (override 'epochs.a=1') must be a whole number",
    )
    assert len(caught.value.problems) == len(wanted)
    for words, problem in zip(wanted, caught.value.problems, strict=True):
        assert words in problem


def test_a_stream_takes_file_environment_and_command_line(tmp_path: Path) -> None:
    path = tmp_path / "stream.toml"
    path.write_text('source = "0"\nsize = "320x240"\ndetect_every = 5\nrotate = 90\nmqtt = ""\nsmooth = 1\n')
    environ = {
        "EMOTION_EDGE_STREAM_CONFIG": str(path),
        "EMOTION_EDGE_STREAM_SOURCE": "1",
        "EMOTION_EDGE_STREAM_REALTIME": "yes",
        "EMOTION_EDGE_STREAM_HOLD": "",
        "EMOTION_EDGE_THREADS": "3",
        "EMOTION_EDGE_KIOSK_PORT": "of another verb",
    }
    loaded = STREAM.load({"source": "2", "fps": None}, environ=environ)
    settings = loaded.settings
    assert (settings.source, settings.size, settings.detect_every) == ("2", Size(320, 240), 5)
    assert (settings.rotate, settings.mqtt, settings.smooth, settings.realtime) == (90, None, 1.0, True)
    assert (settings.threads, settings.hold) == (3, 0.5)
    assert [loaded.origins[name] for name in ("source", "realtime", "threads", "size", "hold")] == [
        "command line", "environment", "environment", "file", "default",
    ]  # fmt: skip


def test_a_verbs_own_variable_counts_more_than_the_shared_one() -> None:
    for names in (
        ("EMOTION_EDGE_THREADS", "EMOTION_EDGE_PREDICT_THREADS"),
        ("EMOTION_EDGE_PREDICT_THREADS", "EMOTION_EDGE_THREADS"),
    ):
        environ = {name: "2" if "PREDICT" in name else "1" for name in names}
        assert PREDICT.load(environ=environ).settings.threads == 2


def test_what_is_printed_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "stream.toml"
    settings = STREAM.load({"size": Size(64, 48), "detect_every": 3, "source": 'a "b"\\'}, environ={}).settings
    path.write_text("".join(f"{name} = {value}\n" for name, value in to_toml(settings)))
    assert STREAM.load(path=path, environ={}).settings == settings


def test_stream_reads_its_file(cli: Any, tmp_path: Path, photo: Path) -> None:
    path = tmp_path / "stream.toml"
    path.write_text(f'source = "{photo.parent}"\nrotate = 90\nthreshold = 1\n')
    done = cli("stream", "--config", path)
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout.splitlines()[0])
    assert line["source"] == str(photo.parent)
    path.write_text("sorce = 1\nretries = -2\n")
    done = cli("stream", "--config", path, env={"EMOTION_EDGE_STREAM_FPS": "nan"})
    assert done.returncode == 2
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 3
    assert "did you mean 'source'" in lines[0]
    assert "at least -1" in lines[1]
    assert "EMOTION_EDGE_STREAM_FPS must be a finite number" in lines[2]


def test_an_output_would_overwrite_the_file_of_settings(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "stream.toml"
    path.write_text('source = "synthetic"\nduration = 0.1\n')
    done = cli("stream", "--config", path, "--output", path)
    assert done.returncode == 2
    assert "would overwrite" in done.stderr.decode()
    assert path.read_text().startswith("source")


@pytest.mark.parametrize(
    ("file", "environ", "words", "form"),
    [
        ("", {}, [], "jsonl"),
        ('format = "csv"', {}, [], "csv"),
        ('format = "csv"', {}, ["--output", "o.jsonl"], "jsonl"),
        ('format = "csv"\noutput = "o.jsonl"', {}, [], None),
        ('output = "o.csv"', {"EMOTION_EDGE_STREAM_FORMAT": "jsonl"}, [], None),
        ('output = "o.csv"', {}, [], "csv"),
        ('output = "o.csv"', {}, ["--format", "jsonl"], None),
    ],
)
def test_suffix_and_format(
    cli: Any, photo: Path, tmp_path: Path, file: str, environ: dict[str, str], words: list[str], form: str
) -> None:
    (tmp_path / "s.toml").write_text(f'source = "{photo.parent}"\n{file}\n')
    done = cli("stream", "--config", "s.toml", *words, env=environ, cwd=tmp_path)
    if form is None:
        assert done.returncode == 2
        assert "change one of them" in done.stderr.decode()
        return
    assert done.returncode == 0, done.stderr
    written = [path.read_text() for path in tmp_path.glob("o.*")] or [done.stdout.decode()]
    assert written[0].startswith("source,frame" if form == "csv" else "{")

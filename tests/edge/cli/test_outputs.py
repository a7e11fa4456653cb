"""An output is never an input: refused with exit 2 before anything is opened, and the user's file stays as it was."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edge.cli.outputs import check_outputs


@pytest.fixture
def place(tmp_path: Path, photo: Path) -> Path:
    """A folder that commands run in: pictures, a model and links to them."""
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    for name in ("p.jpg", "bare", "photos/a.jpg", "photos/b.jpg", "photos/deep/c.jpg"):
        shutil.copy(photo, tmp_path / name)
    (tmp_path / "linked.csv").symlink_to("photos/deep/c.jpg")
    os.link(tmp_path / "photos" / "a.jpg", tmp_path / "hard.csv")
    (tmp_path / "film").write_bytes(b"RIFF not really a film")
    (tmp_path / "soft.jsonl").symlink_to("film")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("predict p.jpg --output p.jpg", "named like a picture"),
        ("predict p.jpg --output photos/a.jpg photos/b.jpg", "named like a picture"),
        ("predict bare --output bare", "would overwrite what is read from bare"),
        ("predict bare --output ./photos/../bare", "would overwrite"),
        ("predict photos --output linked.csv", "would overwrite what is read from photos"),
        ("predict photos --output hard.csv", "would overwrite what is read from photos"),
        ("predict p.jpg --model bare --output bare", "would overwrite what is read from bare"),
        ("predict p.jpg --annotate .", "--annotate would overwrite the picture p.jpg"),
        ("predict photos --annotate photos", "--annotate would overwrite the picture photos/a.jpg"),
        ("predict bare photos/a.jpg ./p.jpg --annotate photos", "--annotate would overwrite the picture photos/a.jpg"),
        ("stream --source film --output film", "would overwrite what is read from film"),
        ("stream --source film --output soft.jsonl", "would overwrite"),
        ("stream --source film --events ./film", "--events film would overwrite"),
        ("stream --source photos --output hard.csv", "would overwrite what is read from photos"),
        ("stream --source p.jpg --output photos/a.jpg", "named like a picture"),
        ("stream --source synthetic --events log.mp4", "named like a video"),
        ("stream --source synthetic --output x.jsonl --events x.jsonl", "--output and --events both name"),
        ("predict p.jpg --detector-model bare --output bare", "would overwrite what is read from bare"),
        ("stream --source film --detector-model bare --output bare", "would overwrite what is read from bare"),
        (
            "stream --source film --mqtt mqtts://x --mqtt-ca bare --output bare",
            "would overwrite what is read from bare",
        ),
        ("kiosk --source film --event-log film", "--event-log film would overwrite"),
        ("bulk list film film", "LISTING film would overwrite"),
        ("bulk list photos p.jpg", "named like a picture"),
        ("bulk score none.parquet bare", "OUT"),
        ("kiosk --event-log photos/a.jpg", "named like a picture"),
    ],
)
def test_an_output_never_overwrites_an_input(cli: Any, place: Path, words: str, said: str) -> None:
    before = contents(place)
    done = cli(*words.split(), cwd=place)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr.decode().splitlines()[-1]
    assert done.stdout == b""
    assert contents(place) == before


@pytest.mark.parametrize("words", ["predict - --output bare", "stream --source - --output bare"])
def test_an_output_is_not_what_standard_input_comes_from(cli: Any, place: Path, words: str) -> None:
    before = contents(place)
    with (place / "bare").open("rb") as file:
        done = cli(*words.split(), cwd=place, stdin=file)
    assert done.returncode == 2, done.stderr
    assert b"--output bare would overwrite what is read from standard input" in done.stderr
    assert contents(place) == before


@pytest.mark.parametrize("video", ["film.mp4", "sub/../film.mp4", "link.mp4"])
def test_a_video_never_overwrites_its_source(cli: Any, tmp_path: Path, video: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "film.mp4").write_bytes(b"a film")
    (tmp_path / "link.mp4").symlink_to("film.mp4")
    done = cli("stream", "--source", "film.mp4", "--video", video, cwd=tmp_path)
    assert done.returncode == 2
    assert b"would overwrite what is read from film.mp4" in done.stderr
    assert (tmp_path / "film.mp4").read_bytes() == b"a film"


@pytest.mark.parametrize(
    ("words", "form"),
    [
        ("--output new.csv", "csv"),
        ("--output new.JSON", "json"),
        ("--output new.jsonl", "jsonl"),
        ("--output new.ndjson", "jsonl"),
        ("--output new.txt", "text"),
        ("--output new --format csv", "csv"),
        ("--output new.log --format jsonl", "jsonl"),
        ("--output - --format json", "json"),
    ],
)
def test_the_name_of_the_output_chooses_the_form(cli: Any, place: Path, words: str, form: str) -> None:
    done = cli("predict", "p.jpg", *words.split(), cwd=place, env={"EMOTION_EDGE_PREDICT_FORMAT": "text"})
    assert done.returncode == 0, done.stderr
    path = next((path for path in place.iterdir() if path.name.startswith("new")), None)
    text = (path.read_bytes() if path else done.stdout).decode()
    starts = {"csv": "source,face,", "json": '{"schema":1,', "jsonl": '{"schema":1,', "text": "p.jpg:"}
    assert text.replace(" ", "").startswith(starts[form])
    assert not (place / "-").exists()


@pytest.mark.parametrize(
    ("verb", "words", "said"),
    [
        ("predict p.jpg", "--output new.csv --format json", "named like csv, but --format is json"),
        ("predict p.jpg", "--output new.json --format jsonl", "named like json, but --format is jsonl"),
        ("stream --source synthetic", "--output new.csv --format jsonl", "named like csv, but --format is jsonl"),
        ("stream --source synthetic", "--output new.json", "cannot take json; wanted jsonl or csv"),
        ("stream --source synthetic", "--output new --format mjpeg", "cannot take mjpeg; wanted jsonl or csv"),
    ],
)
def test_a_name_that_contradicts_the_form_is_refused(cli: Any, place: Path, verb: str, words: str, said: str) -> None:
    done = cli(*verb.split(), *words.split(), cwd=place)
    assert done.returncode == 2
    assert said in done.stderr.decode().splitlines()[-1]
    assert not list(place.glob("new*"))


def test_the_stream_writes_to_standard_output_too(cli: Any, tmp_path: Path) -> None:
    done = cli("stream", "--source", "synthetic", "--duration", "1", "--output", "-", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[0])["source"].startswith("synthetic")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_input_may_be_replaced(cli: Any, place: Path) -> None:
    (place / "photos" / "old.csv").write_text("old")
    done = cli("predict", "photos", "--output", "photos/old.csv", "--annotate", "photos/marked", cwd=place)
    assert done.returncode == 0, done.stderr
    assert (place / "photos" / "old.csv").read_text().startswith("source,")
    assert cli("predict", "photos/a.jpg", "--annotate", ".", cwd=place).returncode == 0
    assert (place / "a.jpg").is_file()


def test_devices_and_addresses_pass(tmp_path: Path) -> None:
    inputs: Sequence[Any] = ["-", "0", "rtsp://host/x", "", None, "/dev/null", tmp_path]
    check_outputs({"--output": "/dev/null", "--video": None, "--events": tmp_path / "new"}, inputs)
    check_outputs({"--output": "/dev/null", "--events": "/dev/null"}, inputs)


@pytest.mark.parametrize(
    "words",
    [
        "train evaluate --data d --compare other=n.keras --output ./n.keras",
        "train evaluate --data d --model m.keras --output m.keras",
        "convert m.keras --data d --output m.keras",
    ],
)
def test_training_and_conversion_keep_what_they_read(root: Path, tmp_path: Path, words: str, monkeypatch: Any) -> None:
    from click.testing import CliRunner

    from convert.__main__ import command
    from train.__main__ import cli as train

    (tmp_path / "d").mkdir()
    for name in ("m.keras", "n.keras"):
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    tool, *rest = words.split()
    done = CliRunner().invoke(train if tool == "train" else command, rest)
    assert done.exit_code == 2
    assert "would overwrite what is read from" in done.output
    assert [(tmp_path / name).read_text() for name in ("m.keras", "n.keras")] == ["m.keras", "n.keras"]

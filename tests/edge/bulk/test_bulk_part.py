"""`score_part`: one part, the same as `predict` says, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psutil
import pytest
from bulk_rows import predicted, rows_of

from edge.bulk import score_part
from edge.bulk.listing import write_listing
from edge.bulk.rows import encode
from edge.bulk.watched import WatchedReader
from edge.cli.bulk import score
from edge.cli.predict import command as predict
from edge.errors import ConfigError


@pytest.fixture
def listing(album: Path, tmp_path: Path) -> str:
    where = tmp_path / "l.parquet"
    write_listing(str(album), str(where))
    return str(where)


def test_rows_are_those_of_predict(cli: Any, album: Path, listing: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    counts = [score_part(listing, k, str(out), {"part": 3}) for k in (2, 0, 1)]
    assert counts == [
        {"part": 2, "pictures": 1, "unreadable": 1},
        {"part": 0, "pictures": 3, "unreadable": 1},
        {"part": 1, "pictures": 3, "unreadable": 1},
    ]
    rows = rows_of(out)
    assert rows == predicted(cli, album)
    assert len({row["error"] for row in rows}) == 4
    assert [len(row["faces"]) for row in rows] == [1, 1, 0, 1, 0, 1, 0]
    assert {path.name for path in out.iterdir()} == {f"part-{k:08}.parquet" for k in range(3)} | {"run.json"}


def test_options_are_passed_on(cli: Any, album: Path, listing: str, tmp_path: Path) -> None:
    options = {"no_detect": True, "threshold": 0.99, "max_megapixels": 0.2}
    score_part(listing, 0, str(tmp_path / "out"), options)
    rows = rows_of(tmp_path / "out")
    assert rows == predicted(cli, album, "--no-detect", "--threshold", "0.99", "--max-megapixels", "0.2")
    assert any("over the limit" in (row["error"] or "") for row in rows)


def test_bulk_has_every_option_of_predict_that_says_how_to_read() -> None:
    own = {"paths", "format", "output", "annotate", "jobs", "resume"}
    assert {option.name for option in predict.params} - own <= {option.name for option in score.params}


def test_a_part_that_is_there_is_left_alone(listing: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = score_part(listing, 0, str(out), {})
    (part,) = out.glob("part-*")
    before = part.stat()
    assert score_part(listing, 0, str(out), {}) == first
    assert (part.stat().st_ino, part.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    part.unlink()
    Path(listing).unlink()
    with pytest.raises(ConfigError, match="there is no listing"):
        score_part(listing, 0, str(out), {})


def test_another_run_into_the_same_folder_is_refused(listing: str, album: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    score_part(listing, 0, out, {"part": 3, "threads": 2, "limit_s": 20})
    with pytest.raises(ConfigError, match=r"part 3 there, 4 here"):
        score_part(listing, 1, out, {"part": 4})
    with pytest.raises(ConfigError, match=r"options threshold nothing there, 0\.5 here"):
        score_part(listing, 1, out, {"part": 3, "threshold": 0.5})
    (album / "new.jpg").write_text("x")
    other = tmp_path / "other.parquet"
    write_listing(str(album), str(other))
    with pytest.raises(ConfigError, match="listing pictures 7 there, 8 here; listing sha256"):
        score_part(str(other), 1, out, {"part": 3})
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    run["versions"]["opencv"] = "3.0"
    (tmp_path / "out" / "run.json").write_text(json.dumps(run))
    with pytest.raises(ConfigError, match=r"versions opencv 3\.0 there"):
        score_part(listing, 1, out, {"part": 3})
    with pytest.raises(ConfigError, match=r"there is no part 3; .* makes 3 parts of 3"):
        score_part(listing, 3, str(tmp_path / "new"), {"part": 3})


def test_a_part_that_cannot_be_written_leaves_nothing(listing: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "part-00000000.parquet").mkdir(parents=True)
    with pytest.raises(Exception, match="cannot be written"):
        score_part(listing, 0, str(out), {})
    assert {path.name for path in out.iterdir()} == {"run.json", "part-00000000.parquet"}


def test_a_hanging_a_crashing_and_a_cut_picture_are_one_error_row_each(
    album: Path, tmp_path: Path, photo: Path, crashing: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", crashing["PYTHONPATH"])
    os.mkfifo(album / "hang.jpg")
    (album / "crash.jpg").symlink_to(photo)
    names = ["a.jpg", "hang.jpg", "grey.png", "crash.jpg", "cut.jpg", *["a.jpg"] * 20, "crash.jpg"]
    reader = WatchedReader({}, limit_s=4)
    try:
        rows = reader.read([os.fsencode(album / name) for name in names])
    finally:
        reader.close()
    assert [row["source"] for row in rows] == [str(album / name) for name in names]
    errors = [row["error"] for row in rows]
    assert errors[1] == "took longer than 4 s and was given up"
    assert errors[3] == errors[25] == "ended the process that read it (SIGSEGV)"
    assert errors[4].startswith("is a damaged")
    assert sum(error is not None for error in errors) == 4
    assert all(len(row["faces"]) == 1 for row in rows[5:25])


def test_a_child_that_is_killed_while_it_waits_costs_no_picture(photo: Path) -> None:
    before = set(psutil.Process().children())
    reader = WatchedReader({}, limit_s=30)
    try:
        for _ in range(5):
            for child in set(psutil.Process().children()) - before:
                child.kill()
            rows = reader.read([os.fsencode(photo)] * 3)
            assert [(row["error"], len(row["faces"])) for row in rows] == [(None, 1)] * 3
    finally:
        reader.close()


# A process that is killed amid its first answer about pictures.
HALF = """
import os, sys
from multiprocessing.connection import Connection

def send(self, data, whole=Connection._send):
    if b"probabilities" in data and os.path.exists("FLAG"):
        os.unlink("FLAG")
        os.write(self.fileno(), data[: len(data) // 2])
        os.kill(os.getpid(), 9)
    whole(self, data)

Connection._send = send
"""


def test_a_child_that_is_killed_amid_its_answer_costs_no_picture(
    tmp_path: Path, photo: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = tmp_path / "flag"
    flag.touch()
    (tmp_path / "sitecustomize.py").write_text(HALF.replace("FLAG", str(flag)))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{environment['PYTHONPATH']}")
    reader = WatchedReader({}, limit_s=30)
    try:
        rows = reader.read([os.fsencode(photo)] * 3)
        assert [(row["error"], len(row["faces"])) for row in rows] == [(None, 1)] * 3
        assert not flag.exists()
    finally:
        reader.close()


def test_a_value_without_a_column_is_an_error() -> None:
    from edge.types import FrameResult

    row = FrameResult("a", 1, 1).to_dict()
    encode([row])
    with pytest.raises(ValueError, match="no column for mood"):
        encode([{**row, "mood": 1}])


def test_a_model_that_cannot_be_used_is_said_at_once(cli: Any, listing: str, tmp_path: Path) -> None:
    done = cli("bulk", "score", listing, tmp_path / "out", "--model", tmp_path / "none.tflite")
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert "none.tflite" in done.stderr.decode()
    assert not (tmp_path / "out").exists()


@pytest.mark.data
def test_a_sample_of_photos_reads_like_predict(cli: Any, data_dir: Path, tmp_path: Path) -> None:
    """The benchmark compares all of them."""
    names = sorted((data_dir / "photos" / "images").iterdir())[::80]
    (tmp_path / "names.txt").write_text("".join(f"{name}\n" for name in names))
    write_listing(str(tmp_path / "names.txt"), str(tmp_path / "l.parquet"))
    assert score_part(str(tmp_path / "l.parquet"), 0, str(tmp_path / "out"), {})["pictures"] == len(names)
    assert rows_of(tmp_path / "out") == predicted(cli, *names)

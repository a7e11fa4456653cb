"""`emotion-edge bulk list`: what it finds, in flat pieces, and how it goes on after being ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from edge.bulk import listing as module
from edge.bulk.find import find
from edge.bulk.listing import about, read_rows, write_listing
from edge.errors import ConfigError
from edge.sources.files import find_pictures


def paths(listing: Path) -> list[str]:
    return [os.fsdecode(path) for path, _ in read_rows(str(listing), 0, 10**9)]


def test_a_folder_is_listed_as_predict_walks_it(album: Path, tmp_path: Path) -> None:
    listing = tmp_path / "all.parquet"
    write_listing(str(album), str(listing))
    assert paths(listing) == [picture.path for picture in find_pictures([str(album)])]
    assert about(str(listing)).pictures == 7
    assert not Path(f"{listing}.partial").exists()


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.png", ["grey.png"]),
        ("**/*.png", ["deep/crop.png", "grey.png"]),
        ("[ac]*.jpg", ["a.jpg", "caf\udce9.jpg", "cut.jpg"]),
        ("?.jpg", ["a.jpg"]),
        ("d*/**", ["deep/crop.png"]),
    ],
)
def test_patterns(album: Path, pattern: str, names: list[str]) -> None:
    assert sorted(one.path for one in find(f"{album}/{pattern}")) == sorted(f"{album}/{name}" for name in names)


def test_a_text_file_keeps_its_order_and_what_is_missing(album: Path, tmp_path: Path, photo: Path) -> None:
    text = tmp_path / "names.txt"
    text.write_bytes(os.fsencode(f"{album}/none.jpg\n\n{photo}\r\n{album}/") + b"caf\xe9.jpg\nnowhere.jpg")
    listing = tmp_path / "some.parquet"
    write_listing(str(text), str(listing))
    assert paths(listing) == [
        f"{album}/none.jpg",
        str(photo),
        f"{album}/caf\udce9.jpg",
        str(Path("nowhere.jpg").absolute()),
    ]


def test_videos_are_refused_with_a_line(cli: Any, album: Path, tmp_path: Path) -> None:
    (album / "party.mp4").write_bytes(b"video")
    done = cli("bulk", "list", album, tmp_path / "l.parquet")
    assert done.returncode == 1
    lines = done.stderr.decode().splitlines()
    assert lines[0].startswith(f"7 pictures in {tmp_path}/l.parquet")
    assert lines[1:] == [f"error: left out 1 videos, which bulk does not read yet, the first of them {album}/party.mp4"]
    only = cli("bulk", "list", album / "party.mp4", tmp_path / "m.parquet")
    assert (only.returncode, b"only videos" in only.stderr) == (1, True)
    assert not list(tmp_path.glob("m.parquet*"))


@pytest.mark.parametrize("stop", [3, 6, 7])
@pytest.mark.parametrize("source", ["folder", "text"])
def test_a_listing_that_was_ended_goes_on(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int, source: str
) -> None:
    whole, listing = tmp_path / "whole.parquet", tmp_path / "again.parquet"
    text = tmp_path / "names.txt"
    text.write_bytes(b"".join(os.fsencode(one.path) + b"\n" for one in find(str(album))))
    place = str(album if source == "folder" else text)
    write_listing(place, str(whole))
    monkeypatch.setattr(module, "SEGMENT", 3)

    def end(found: int) -> None:
        if found >= stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_listing(place, str(listing), end)
    assert not listing.exists()
    with pytest.raises(ConfigError, match="was begun for"):
        write_listing(str(tmp_path), str(listing))
    seen: list[int] = []
    write_listing(place, str(listing), seen.append)
    assert seen == [number for number in (6, 7) if number > -(-stop // 3) * 3 or (stop == 3 and number == 6)]
    assert paths(listing) == paths(whole)
    assert about(str(listing)) == about(str(whole))


def test_a_listing_goes_on_within_a_folder(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/b/1.jpg", "a/b/2.jpg", "a/b/c/1.jpg", "a/d/1.jpg", "a/z.jpg", "e/1.jpg"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).touch()
    whole = [one.path for one in find(str(tmp_path / "tree"))]
    assert len(whole) == 7
    for number, path in enumerate(whole, 1):
        assert [one.path for one in find(str(tmp_path / "tree"), after=path)] == whole[number:]


def test_rows_are_read_across_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, listing = tmp_path / "names.txt", tmp_path / "l.parquet"
    text.write_text("".join(f"/x/{number}.jpg\n" for number in range(50)))
    monkeypatch.setattr(module, "ROW_GROUP", 7)
    monkeypatch.setattr(module, "SEGMENT", 20)
    write_listing(str(text), str(listing))
    for start, stop in ((0, 7), (5, 8), (13, 35), (45, 60), (50, 60)):
        found = [int(path[3:-4]) for path, _ in read_rows(str(listing), start, stop)]
        assert found == list(range(start, min(stop, 50)))


@pytest.mark.parametrize("source", ["nowhere", "empty", "notes.md"])
def test_what_cannot_be_listed_is_one_line(cli: Any, tmp_path: Path, source: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.md").write_text("x")
    done = cli("bulk", "list", tmp_path / source, tmp_path / "l.parquet")
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.count(b"\n") == 1
    assert not list(tmp_path.glob("l.parquet*"))


def test_another_file_is_no_listing(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("x")
    for name in ("x.parquet", "y.parquet"):
        with pytest.raises(ConfigError, match="bulk list"):
            about(str(tmp_path / name))

"""Labelled photos: tables of every dialect, broken photos, and copies that would lie in both halves."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import pytest
from cartoons import cartoon

from common.datasets import DataError
from common.photos import photo_list


def write(folder: Path, table: bytes, names: tuple[str, ...] = ("a.png", "b.png")) -> Path:
    (folder / "images").mkdir(parents=True)
    for seed, name in enumerate(names):
        cv2.imwrite(str(folder / "images" / name), cartoon(1, seed))
    (folder / "labels.csv").write_bytes(table)
    return folder


@pytest.mark.parametrize(
    "table",
    [
        b"image,label,person\na.png,Happy,ann\nb.png,Sad,bob\n",
        b"\xef\xbb\xbfimage,label,person\r\na.png,Happy,ann\r\nb.png,Sad,bob\r\n",
        b"person;label;image\nann;Happy;a.png\nbob;Sad;b.png\n",
    ],
    ids=["plain", "byte order mark", "semicolons"],
)
def test_tables_of_every_dialect_are_read(tmp_path: Path, table: bytes) -> None:
    folder = write(tmp_path / "photos", table)
    assert [(path.name, label) for path, label in photo_list(folder, "all")] == [("a.png", 1), ("b.png", 3)]
    sides = [{path.name for path, _ in photo_list(folder, side)} for side in ("train", "valid")]
    assert sides[0] | sides[1] == {"a.png", "b.png"}
    assert not sides[0] & sides[1]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (b"image,label\na.png,Happy\n", "lacks the column person; got image, label; wanted image, label, person"),
        (b"", "lacks the column image, label, person; got nothing"),
        (b"image,label,person\na.png,Happy\n", "line 2: wanted image, label, person"),
        (b"image,label,person\na.png,Fear,ann\n", "names the class 'Fear'"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_clear_line(tmp_path: Path, table: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        photo_list(write(tmp_path / "photos", table), "all")


def test_broken_and_missing_photos_are_listed_and_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = b"image,label,person\na.png,Happy,ann\nbroken.jpg,Sad,ann\nmissing.jpg,Sad,bob\n"
    folder = write(tmp_path / "photos", table)
    (folder / "images" / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    with caplog.at_level(logging.WARNING):
        assert [path.name for path, _ in photo_list(folder, "all")] == ["a.png"]
    assert "skipped broken.jpg: is a damaged" in caplog.text
    assert "skipped missing.jpg: cannot be read: No such file" in caplog.text


def test_no_photo_lies_in_two_parts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    people = "abcdefgh"
    rows = "".join(f"{person}.bmp,Happy,{person}\n" for person in people)
    folder = write(tmp_path / "photos", f"image,label,person\n{rows}".encode(), names=())
    for person in people:
        cv2.imwrite(str(folder / "images" / f"{person}.bmp"), cartoon(1, 0))
    with caplog.at_level(logging.WARNING):
        train, valid = photo_list(folder, "train"), photo_list(folder, "valid")
    assert len(train) + len(valid) < len(people)
    assert not (train and valid)  # the part of whoever comes first
    assert f"left out {len(people) - len(train) - len(valid)} photos that are also in another part" in caplog.text

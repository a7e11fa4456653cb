"""Walking files and folders."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from edge.sources.files import Skipped, find_pictures


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.JPG", "a.png", "10.tiff", "sub/c.webp", "sub/deep/d.gif", "sub/e.txt", ".f.jpg", ".g/h.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def names(folder: Path, **options: Path) -> list[str]:
    return [os.path.relpath(picture.path, folder) for picture in find_pictures([str(folder)], **options)]


def test_folders_are_walked_by_name(tree: Path) -> None:
    assert names(tree) == ["10.tiff", "a.png", "b.JPG", "sub/c.webp", "sub/deep/d.gif"]


def test_pipes_folders_and_links_to_folders_are_passed_over(tree: Path) -> None:
    os.mkfifo(tree / "pipe.jpg")
    (tree / "folder.jpg").mkdir()
    (tree / "loop.jpg").symlink_to(tree, target_is_directory=True)
    (tree / "link.jpg").symlink_to(tree / "a.png")
    (tree / "broken.jpg").symlink_to(tree / "nothing")
    for name in ("circle", "circle.jpg"):
        (tree / name).symlink_to(name)
    found = ["10.tiff", "a.png", "b.JPG", "broken.jpg", "circle.jpg", "link.jpg", "sub/c.webp", "sub/deep/d.gif"]
    assert names(tree) == found
    assert len(list(find_pictures([str(tree)], skipped=Counter()))) == len(found)


def test_the_folder_of_results_is_skipped(tree: Path) -> None:
    assert names(tree, skip=tree / "sub" / "deep") == ["10.tiff", "a.png", "b.JPG", "sub/c.webp"]
    assert names(tree, skip=tree / "absent") == names(tree)


def test_other_files_are_counted_by_suffix(tree: Path) -> None:
    (tree / "film.MP4").touch()
    (tree / "sub" / "README").touch()
    skipped: Skipped = Counter()
    list(find_pictures([str(tree)], skipped=skipped))
    assert skipped == {".txt": 1, ".mp4": 1, "without a suffix": 1}


def test_a_named_file_counts_whatever_its_name(tree: Path) -> None:
    (picture,) = find_pictures([str(tree / "sub" / "e.txt")])
    assert picture.error is None


def test_a_link_to_a_folder_is_followed_when_named(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("links") / "tree"
    link.symlink_to(tree, target_is_directory=True)
    assert len(names(link)) == 5


def test_targets_keep_apart(tree: Path) -> None:
    one = [str(picture.target) for picture in find_pictures([str(tree)])]
    assert one == ["10.tiff", "a.png", "b.JPG", "sub/c.webp", "sub/deep/d.gif"]
    paths = [str(tree / "a.png"), str(tree / "sub"), "-", str(tree / "a.png"), f"{tree}/sub/"]
    several = [str(picture.target) for picture in find_pictures(paths)]
    assert several == ["a.png", "sub/c.webp", "sub/deep/d.gif", "stdin", "a-2.png", "sub-2/c.webp", "sub-2/deep/d.gif"]


def test_what_holds_no_pictures_is_said(tree: Path) -> None:
    (picture,) = find_pictures([str(tree / ".g" / "..") + "/sub/deep/../../.g/"])
    assert picture.error is None
    (tree / "none").mkdir()
    (picture,) = find_pictures([str(tree / "none")])
    assert picture.error is not None
    assert picture.error.startswith("is a folder without pictures")


def test_pictures_come_one_by_one(tree: Path) -> None:
    walk = find_pictures([str(tree)])
    assert next(walk).path.endswith("10.tiff")
    (tree / "sub" / "late.jpg").touch()
    assert [Path(picture.path).name for picture in walk][-1] == "late.jpg"


@pytest.mark.parametrize("part", [1, 2, 3, 5])
def test_a_large_folder_is_listed_in_parts(tree: Path, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = names(tree)
    monkeypatch.setattr("edge.sources.files.LISTED", part)
    assert names(tree) == whole
    assert len(list(find_pictures([str(tree)]))) == len(whole)

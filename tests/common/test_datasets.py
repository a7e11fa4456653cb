"""Data sets of every layout, and what is said about the ones that cannot be used."""

from __future__ import annotations

import csv
import logging
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from cartoons import cartoon, write_folders

from common.datasets import FERPLUS_COLUMNS, DataError, load, votes_to_targets
from edge.labels import EMOTIONS
from edge.preprocess import InputSpec

ORIGINAL = {"Angry": 0, "Happy": 3, "Sad": 4, "Surprise": 5, "Neutral": 6}
VOTED = {"Angry": "anger", "Happy": "happiness", "Neutral": "neutral", "Sad": "sadness", "Surprise": "surprise"}
USAGES = ("Training", "PublicTest", "PrivateTest")


def write_kaggle(folder: Path, each: int = 4, dim: int = 1) -> list[tuple[str, str]]:
    """fer2013.csv with ``each`` drawings of each class in each split, and a disgust; gives (usage, class) by row.

    The drawings have the ``dim``-th part of the light.
    """
    folder.mkdir(exist_ok=True)
    rows = []
    with (folder / "fer2013.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["emotion", "pixels", "Usage"])
        for usage in USAGES:
            for seed in range(each):
                for label, name in enumerate(EMOTIONS):
                    grey = cartoon(label, seed)[..., 0] // dim
                    table.writerow([ORIGINAL[name], " ".join(map(str, grey.ravel())), usage])
                    rows.append((usage, name))
            table.writerow([1, " ".join(["9"] * 48 * 48), usage])
            rows.append((usage, "disgust"))
    return rows


def write_votes(folder: Path, rows: list[tuple[str, str]]) -> None:
    """fer2013new.csv for those rows: 7 votes for the class, 2 for neutral and 1 stray for fear; disgust is disgust."""
    with (folder / "fer2013new.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["Usage", "Image name", *FERPLUS_COLUMNS])
        for number, (usage, name) in enumerate(rows):
            votes = dict.fromkeys(FERPLUS_COLUMNS, 0)
            votes["neutral"] += 2
            votes["fear"] += 1
            votes[VOTED.get(name, name)] += 7
            table.writerow([usage, f"fer{number:07d}.png", *votes.values()])


def test_folders_are_split_80_20_stratified_and_the_same_every_time(folders: Path) -> None:
    train, valid = load(folders, "train"), load(folders, "valid")
    assert train.counts() == dict.fromkeys(EMOTIONS, 12)
    assert valid.counts() == dict.fromkeys(EMOTIONS, 3)
    assert not set(train.names) & set(valid.names)
    assert load(folders, "valid").names == valid.names
    assert train.images.shape == (60, 48, 48, 1)
    assert train.images.dtype == np.uint8
    assert train.targets.sum(axis=1) == pytest.approx(1)
    assert len(load(folders, "all")) == 75


def test_folders_may_lie_in_images_and_be_of_any_size_and_colour(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "data" / "images", 5)
    cv2.imwrite(str(root / "Sad" / "large.jpg"), cartoon(3, 99, size=200))
    assert load(tmp_path / "data", "all", InputSpec(32, 32)).images.shape == (26, 32, 32, 3)


def test_broken_pictures_are_listed_and_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = write_folders(tmp_path / "data", 5)
    (root / "Happy" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n, and nothing more")
    (root / "Sad" / "empty.jpg").touch()
    (root / "Sad" / "notes.txt").write_text("not a picture, not looked at")
    with caplog.at_level(logging.WARNING):
        faces = load(root, "all")
    assert faces.counts() == dict.fromkeys(EMOTIONS, 5)
    skipped = [record.getMessage() for record in caplog.records]
    assert len(skipped) == 2
    assert any("skipped Happy/broken.png" in line for line in skipped)
    assert any("skipped Sad/empty.jpg" in line for line in skipped)


def test_a_class_without_a_readable_picture_is_an_error(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "data", 5)
    for path in (root / "Angry").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="no picture of Angry"):
        load(root, "all")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda root: shutil.rmtree(root / "Sad"), r"Sad has no pictures; every class needs some"),
        (lambda root: [p.unlink() for p in (root / "Happy").iterdir()], r"Happy has no pictures"),
        (lambda root: (root / "sad").mkdir(), r"has Sad and sad; put the pictures of a class in one folder"),
        (
            lambda root: shutil.copy(root / "Sad" / "1.png", root / "Angry"),
            r"is also in Angry .*; a picture has one label",
        ),
        (lambda root: [shutil.rmtree(root / name) for name in EMOTIONS], r"is no data set: wanted a folder per class"),
        (lambda root: [p.unlink() for p in (root / "Happy").glob("[1-9].png")], r"too few pictures to split"),
    ],
    ids=["missing class", "empty folder", "a class twice", "two labels", "no class", "one picture"],
)
def test_folders_that_cannot_be_used_are_clear_errors(tmp_path: Path, spoil: object, said: str) -> None:
    root = write_folders(tmp_path / "data", 5)
    if "also in" in said:
        (root / "Angry" / "1.png").unlink()
    spoil(root)  # type: ignore[operator]
    with pytest.raises(DataError, match=said):
        load(root, "train")


def test_lower_case_folders_are_read_and_other_classes_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = write_folders(tmp_path, 2)
    for name in EMOTIONS:
        (root / name).rename(root / name.lower())
    shutil.copytree(root / "sad", root / "disgust")
    (root / "fear").mkdir()
    with caplog.at_level(logging.WARNING):
        faces = load(root, "all")
    assert faces.counts() == dict.fromkeys(EMOTIONS, 2)
    assert "left out the folder disgust with 2 pictures" in caplog.text
    assert "left out the folder fear with 0 pictures" in caplog.text


def test_copies_are_found_by_what_they_show_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = write_folders(tmp_path, 5)
    first = cv2.imread(str(root / "Sad" / "0.png"))
    cv2.imwrite(str(root / "Sad" / "again.bmp"), first)  # other bytes, the same picture
    shutil.copy(root / "Happy" / "1.png", root / "Happy" / "other name.png")
    with caplog.at_level(logging.WARNING):
        faces = load(root, "all")
    assert faces.counts() == dict.fromkeys(EMOTIONS, 5)
    assert "left out 2 pictures that are duplicates of others" in caplog.text
    cv2.imwrite(str(root / "Angry" / "copy.bmp"), first)
    with pytest.raises(DataError, match=r"Sad.0\.png is also in Angry \(Angry.copy\.bmp\); a picture has one label"):
        load(root, "all")


def test_what_only_has_a_pictures_name_is_listed_and_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = write_folders(tmp_path, 2)
    (root / "Happy" / "album.jpg").mkdir()
    shutil.copy(root / "Happy" / "0.png", root / "Happy" / "album.jpg" / "inside.bmp")
    shutil.copy(root / "Sad" / "1.png", root / "Sad" / "._1.png")
    (root / "Sad" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with caplog.at_level(logging.WARNING):
        faces = load(root, "all")
    assert faces.counts() == dict.fromkeys(EMOTIONS, 2)  # what lies in the album is a copy
    for line in (
        "skipped Happy/album.jpg: a folder",
        "skipped Sad/._1.png: macOS' notes on another file",
        "skipped Sad/gone.png: a broken link",
    ):
        assert line in caplog.text


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder .*missing; give a data set's folder with --data"):
        load(tmp_path / "missing", "train")


def test_kaggle_csv_alone_gives_its_own_labels_without_the_classes_that_are_not_ours(tmp_path: Path) -> None:
    write_kaggle(tmp_path)
    faces = load(tmp_path, "valid")
    assert faces.counts() == dict.fromkeys(EMOTIONS, 4)
    assert faces.majority.all()
    assert np.array_equal(faces.images[0, ..., 0], cartoon(0, 0)[..., 0])
    assert sorted(set(faces.targets.ravel().tolist())) == [0, 1]
    assert len(load(tmp_path, "test")) == 20


def test_kaggle_csv_with_ferplus_gives_the_votes(tmp_path: Path) -> None:
    write_votes(tmp_path, write_kaggle(tmp_path))
    faces = load(tmp_path, "train")
    assert faces.counts() == dict.fromkeys(EMOTIONS, 4)
    assert faces.majority.all()
    angry, neutral = faces.targets[faces.labels == 0][0], faces.targets[faces.labels == 2][0]
    assert angry == pytest.approx([7 / 9, 0, 2 / 9, 0, 0])
    assert neutral == pytest.approx([0, 0, 1, 0, 0])


def test_ferplus_folders_give_the_same_as_the_csv(tmp_path: Path) -> None:
    rows = write_kaggle(tmp_path / "kaggle", dim=3)  # dark enough to be brightened
    write_votes(tmp_path / "kaggle", rows)
    (tmp_path / "ferplus" / "FER2013Valid").mkdir(parents=True)
    shutil.copy(tmp_path / "kaggle" / "fer2013new.csv", tmp_path / "ferplus")
    with (tmp_path / "kaggle" / "fer2013.csv").open() as file:
        for number, row in enumerate(csv.DictReader(file)):
            if row["Usage"] == "PublicTest":
                grey = np.array(row["pixels"].split(), np.uint8).reshape(48, 48)
                cv2.imwrite(str(tmp_path / "ferplus" / "FER2013Valid" / f"fer{number:07d}.png"), grey)
    one, other = load(tmp_path / "kaggle", "valid"), load(tmp_path / "ferplus", "valid")
    assert one.names == other.names
    assert np.array_equal(one.images, other.images)
    assert np.array_equal(one.targets, other.targets)
    with pytest.raises(DataError, match="no folder FER2013Train for the train split"):
        load(tmp_path / "ferplus", "train")
    with pytest.raises(DataError, match="no split 'all'"):
        load(tmp_path / "ferplus", "all")


def test_csv_with_a_broken_row_skips_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_kaggle(tmp_path)
    with (tmp_path / "fer2013.csv").open("a") as file:
        file.write("3,1 2 3,Training\n")
    assert load(tmp_path, "train").counts() == dict.fromkeys(EMOTIONS, 4)
    assert "is not 48x48 values" in caplog.text


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("fer2013.csv", "pixels,Usage\n", "needs the columns emotion, pixels, Usage"),
        ("fer2013.csv", "emotion,pixels,Usage\nfour,0 0,Training\n", "line 2: emotion must be a whole number"),
        ("fer2013new.csv", "Usage,Image name\n", "lacks the columns .*anger"),
        ("fer2013new.csv", f"Usage,Image name,{','.join(FERPLUS_COLUMNS)}\nTraining,a.png,many\n", "whole numbers"),
    ],
)
def test_tables_of_another_form_are_clear_errors(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / "FER2013Train").mkdir()
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=said):
        load(tmp_path, "train")


def test_outlier_votes_are_dropped() -> None:
    votes = np.array([[8, 1, 1, 0, 0], [3, 0, 5, 2, 0], [1, 1, 1, 1, 1]])
    assert votes_to_targets(votes) == pytest.approx(
        np.array([[1, 0, 0, 0, 0], [0.3, 0, 0.5, 0.2, 0], [0] * 5]), abs=1e-6
    )
    assert votes_to_targets(votes, outlier_votes=0)[0] == pytest.approx([0.8, 0.1, 0.1, 0, 0])


@pytest.mark.data
def test_the_real_validation_pictures_are_as_many_as_published(data_dir: Path) -> None:
    faces = load(data_dir / "ferplus", "valid")
    assert len(faces) == 3421
    assert faces.majority.sum() == 2801

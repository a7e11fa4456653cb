"""What is learned from: targets, offsets, and nobody who is measured on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from cartoons import write_folders, write_photos

from common.crops import face_crop
from common.datasets import Faces, load
from common.photos import part, photo_list
from edge import Classifier, Pipeline, load_image
from train.augment import AROUND
from train.evaluation_set import found_faces, prepared
from train.recipe import Recipe
from train.training_set import TrainingSet, training_set, with_original_labels


def test_evaluation_reads_what_the_pipeline_reads(photo: Path, tmp_path: Path) -> None:
    classifier = Classifier()
    pipeline = Pipeline(classifier)
    found = found_faces(write_photos(tmp_path / "photos", photo), "all")
    assert found
    probabilities = classifier.predict(list(prepared(found, classifier.input_spec)))
    for face, row in zip(found, probabilities, strict=True):
        result = pipeline.analyze(face.path)
        assert result.fallback == (face.detection is None)
        assert row.tolist() == list(result.faces[0].probabilities.values())


def test_a_class_folders_photos_are_cropped_as_the_pipeline_crops_them(photo: Path, tmp_path: Path) -> None:
    classifier = Classifier()
    root = write_folders(tmp_path / "faces", 2)
    cv2.imwrite(str(root / "Happy" / "photo.png"), cv2.imread(str(photo)))
    faces = load(root, "all", classifier.input_spec)
    row = faces.names.index("Happy/photo.png")
    expected = Pipeline(classifier).analyze(photo).faces[0].probabilities
    assert classifier.predict([faces.images[row]])[0].tolist() == list(expected.values())


def test_a_training_patch_shows_the_devices_crop_in_its_middle(photo: Path) -> None:
    spec = Classifier().input_spec
    rgb = load_image(photo)
    (crop, found), (patch, _) = face_crop(rgb, spec), face_crop(rgb, spec, AROUND)
    assert found
    assert patch.shape == (72, 72, 3)
    assert np.abs(patch[12:60, 12:60].astype(int) - crop).mean() < 8
    assert np.abs(patch[11:59, 14:62].astype(int) - crop).mean() > 12, "moved by two pixels it is another picture"


def test_nobody_is_both_trained_on_and_measured_on(photo: Path, tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", photo)
    train, choose, measure, everyone = (photo_list(folder, name) for name in ("train", "choose", "measure", "all"))
    assert train
    assert choose
    assert measure
    assert sorted(train + choose + measure) == sorted(everyone)
    assert sorted(choose + measure) == sorted(photo_list(folder, "valid"))


def test_other_folders_photos_of_measured_people_are_left_out(photo: Path, tmp_path: Path) -> None:
    first, more = write_photos(tmp_path / "first", photo, 8), write_photos(tmp_path / "more", photo, 12)
    kept = {int(path.stem) for path, _ in photo_list(more, "train", held_out=first) if path.stem.isdigit()}
    others = {number for number in range(8) if part(f"person {number}") != "train"}
    assert others
    assert kept == set(range(12)) - others


def test_the_original_label_is_mixed_in_where_voters_said_neutral(tmp_path: Path) -> None:
    names = ("a.png", "b.png", "c.png", "d.png")
    labels = ["angry", "sad", "happy", "angry"]
    rows = "".join(f"Training,{name},{label}\n" for name, label in zip(names, labels, strict=True))
    (tmp_path / "fer2013_original_labels.csv").write_text(f"Usage,Image name,fer2013\n{rows}")
    index = np.array([2, 2, 2, 3])
    faces = Faces(np.zeros((4, 1, 1, 1), np.uint8), np.eye(5, dtype=np.float32)[index], index, index > 0, names)
    mixed = with_original_labels(faces, tmp_path, 0.25)
    np.testing.assert_allclose(mixed, [[0.25, 0, 0.75, 0, 0], [0, 0, 0.75, 0.25, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]])


def test_offsets_are_the_log_frequencies_of_each_kind_of_pictures(photo: Path, tmp_path: Path) -> None:
    root, photos = write_folders(tmp_path / "faces", 5), write_photos(tmp_path / "photos", photo)
    spec = Classifier().input_spec
    gray = type(spec)(48, 48, 1, spec.margin, brighten=False)
    recipe = Recipe(balance=0.5)
    made = training_set(recipe, load(root, "train", gray, around=AROUND), root, [photos], gray)
    kinds = np.unique(made.offsets, axis=0)
    assert len(kinds) == 2, "the data set's and the photos'"
    for kind in kinds:
        shares = made.targets[(made.offsets == kind).all(axis=1)].mean(axis=0)
        np.testing.assert_allclose(kind, 0.5 * np.log(shares), atol=1e-3)


def test_smoothing_spreads_a_share_and_not_the_frequencies() -> None:
    targets = np.eye(5, dtype=np.float32)
    made = TrainingSet.of(np.zeros((5, 72, 72), np.uint8), targets, Recipe(smoothing=0.1, balance=1.0))
    np.testing.assert_allclose(made.targets, targets * 0.9 + 0.02, atol=1e-6)
    np.testing.assert_allclose(made.offsets, np.log(0.2), atol=1e-6)


def test_photos_that_have_no_face_are_left_out(photo: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root, photos = write_folders(tmp_path / "faces", 5), write_photos(tmp_path / "photos", photo)
    gray = type(Classifier().input_spec)(48, 48, 1)
    faces = load(root, "train", gray, around=AROUND)
    with caplog.at_level("INFO"):
        made = training_set(Recipe(), faces, root, [photos], gray)
    trained = photo_list(photos, "train")
    without = sum(path.stem == "none" for path, _ in trained)
    assert f"found a face in {len(trained) - without} of {len(trained)} photos" in caplog.text
    assert len(made) > len(faces)

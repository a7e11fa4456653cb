"""The lights are what their words say, and evaluation sees exactly the pixels that the pipeline sees."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from cartoons import write_folders

from common.datasets import DataError, load
from common.photos import photo_faces, photo_list
from edge import Classifier, HaarDetector, Pipeline, load_image
from edge.labels import EMOTIONS
from train.views import LIGHTS, in_light, look


def write_photos(folder: Path, photo: Path, people: int = 6) -> Path:
    """The bundled photo once for each of some people, and one picture without a face."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number in range(people):
        cv2.imwrite(str(folder / "images" / f"{number}.png"), cv2.imread(str(photo))[: 512 - 8 * number])
        rows.append([f"{number}.png", EMOTIONS[number % 5], f"person {number}"])
    cv2.imwrite(str(folder / "images" / "none.png"), np.full((90, 120, 3), 90, np.uint8))
    rows.append(["none.png", "Sad", "nobody"])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["image", "label", "person"], *rows])
    return folder


def test_lights_are_defined_to_the_value() -> None:
    pixel = np.array([[[200, 100, 50]]], np.uint8)
    seen = {light: in_light(pixel, light)[0, 0].tolist() for light in LIGHTS}
    assert seen == {
        "as taken": [200, 100, 50],
        "grey": [124, 124, 124],  # 0.299 * 200 + 0.587 * 100 + 0.114 * 50
        "warm": [230, 100, 38],
        "cold": [160, 100, 60],
        "half as bright": [100, 50, 25],
    }
    assert in_light(np.full((1, 1, 3), 255, np.uint8), "warm")[0, 0].tolist() == [255, 255, 191]


def test_evaluation_sees_what_the_pipeline_sees(photo: Path, tmp_path: Path) -> None:
    classifier = Classifier()
    form = classifier.input_spec
    folder = write_photos(tmp_path / "photos", photo)
    views = look(folder, [form])[form]
    assert views.pictures.shape == (7, len(LIGHTS), form.height, form.width, 3)
    assert views.labels.tolist() == [0, 1, 2, 3, 4, 0, 3]
    assert views.found[:, 0].tolist() == [True] * 6 + [False]
    pipeline = Pipeline(classifier)  # every face, largest first
    for row, (path, _) in enumerate(photo_list(folder, "all")):
        for column, light in enumerate(LIGHTS):
            result = pipeline.analyze(in_light(load_image(path), light))
            told = classifier.predict([views.pictures[row, column]])[0]
            assert result.fallback != views.found[row, column]
            assert told.tolist() == list(result.faces[0].probabilities.values())


def darken(root: Path) -> None:
    """A third of the light for every picture of a folder."""
    for path in root.rglob("*.png"):
        assert cv2.imwrite(str(path), cv2.imread(str(path)) // 3)


def test_dark_faces_are_learned_and_measured_as_the_pipeline_reads_them(photo: Path, tmp_path: Path) -> None:
    classifier = Classifier()
    root, folder = write_folders(tmp_path / "faces", 2), write_photos(tmp_path / "photos", photo)
    darken(root)
    darken(folder)
    faces = load(root, "all", channels=3)
    photos = photo_faces(folder, "all", channels=3, margins=(classifier.input_spec.margin,), rare=1)
    for known, place, detector in ((faces, root, "none"), (photos, folder / "images", HaarDetector())):
        pipeline = Pipeline(classifier, detector)
        told = [pipeline.analyze(load_image(place / name)).faces[0] for name in known.names]
        answers = classifier.predict(list(known.images))
        assert answers.tolist() == [list(face.probabilities.values()) for face in told]


def test_nobody_is_both_trained_on_and_measured_on(photo: Path, tmp_path: Path) -> None:
    folder = write_photos(tmp_path / "photos", photo)
    train, valid, everyone = (photo_list(folder, split) for split in ("train", "valid", "all"))
    assert train
    assert valid
    assert not set(train) & set(valid)
    assert sorted(train + valid) == sorted(everyone)
    faces = photo_faces(folder, "train")
    assert set(faces.names) == {path.name for path, _ in train}
    assert faces.targets.sum(axis=1) == pytest.approx(1)


def test_photos_without_a_table_or_of_other_classes_are_refused(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"photos need images/ and labels\.csv"):
        look(tmp_path, [])
    folder = write_photos(tmp_path / "photos", photo, people=1)
    with (folder / "labels.csv").open("a") as file:
        file.write("0.png,Fear,somebody\n")
    with pytest.raises(DataError, match="names the class 'Fear'"):
        photo_list(folder, "all")

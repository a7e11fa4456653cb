"""What a network learns from: faces of a data set and of photos, as patches that show a little more than the face."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.crops import face_crop
from common.datasets import Faces, label_rules, original_labels
from common.photos import photo_list
from edge.images import load_image
from edge.labels import EMOTIONS
from edge.opencv import cv2
from edge.preprocess import InputSpec
from train.augment import AROUND
from train.recipe import Recipe

SURE = 0.9  # probability of a photo's label in its target: one person's opinion is not certain
RARE_PHOTOS = 6  # how often photos of Angry, Sad and Surprise are repeated, of which there are few
NEUTRAL = EMOTIONS.index("Neutral")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Training faces.

    Attributes:
        patches: uint8 (N, S, S) grey, ``AROUND`` times the side of the face's frame.
        targets: float32 (N, 5), the distribution over EMOTIONS.
        offsets: float32 (N, 5), added to the logits while learning, and only then: the log of how frequent each class
            is among such pictures, so that the network need not learn it (logit adjustment, Menon et al. 2021).
    """

    patches: NDArray[np.uint8]
    targets: NDArray[np.float32]
    offsets: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.targets)

    def sha256(self) -> str:
        """Hash of all that is learned from."""
        made = hashlib.sha256()
        for part in (self.patches, self.targets, self.offsets):
            made.update(np.ascontiguousarray(part))
        return made.hexdigest()

    @staticmethod
    def of(patches: NDArray[np.uint8], targets: NDArray[np.float32], recipe: Recipe) -> TrainingSet:
        """Pictures of one kind: targets smoothed, offsets from their own class frequencies."""
        frequency = np.maximum(targets.mean(axis=0), 1e-3)
        # Plain Python's log, for the reason that train/augment.py gives.
        offsets = np.tile([recipe.balance * math.log(share) for share in frequency], (len(targets), 1))
        smooth = targets * (1 - recipe.smoothing) + recipe.smoothing / len(EMOTIONS)
        return TrainingSet(patches, smooth.astype(np.float32), offsets.astype(np.float32))


def training_set(recipe: Recipe, faces: Faces, data: Path, photos: Sequence[Path], spec: InputSpec) -> TrainingSet:
    """All that a recipe learns from.

    Args:
        recipe: All settings.
        faces: Training pictures of the data set, ``AROUND`` times the side of their frames and not brightened.
        data: The data set's folder, for its other labels.
        photos: Folders of photos; the first one's other half of people is never learned from, in no folder.
        spec: What the network reads.
    """
    targets = one_hot(faces.labels) if recipe.described else faces.targets
    if recipe.original_label and "original" in label_rules(data):
        targets = with_original_labels(faces, data, recipe.original_label)
    sets = [TrainingSet.of(faces.images[..., 0], targets, recipe)]
    if photos:
        sets.append(_photo_set(photos, spec, recipe))
    return TrainingSet(
        np.concatenate([part.patches for part in sets]),
        np.concatenate([part.targets for part in sets]),
        np.concatenate([part.offsets for part in sets]),
    )


def one_hot(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """(N,) indices -> (N, 5) rows of 0 and 1."""
    return np.eye(len(EMOTIONS), dtype=np.float32)[labels]


def with_original_labels(faces: Faces, data: Path, share: float) -> NDArray[np.float32]:
    """The votes' targets, mixed with FER2013's own label where that says Angry or Sad and most voters said Neutral."""
    own = original_labels(data, faces.names)
    rows = (faces.labels == NEUTRAL) & np.isin(own, [EMOTIONS.index("Angry"), EMOTIONS.index("Sad")])
    targets = faces.targets.copy()
    targets[rows] *= 1 - share
    targets[rows, own[rows]] += share
    return targets


def _photo_set(folders: Sequence[Path], spec: InputSpec, recipe: Recipe) -> TrainingSet:
    listed = [photo for folder in folders for photo in photo_list(folder, "train", held_out=folders[0])]
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        crops = list(pool.map(partial(_crop, spec=spec), [path for path, _ in listed], chunksize=16))
    patches, labels = [], []
    for (crop, found), (_, label) in zip(crops, listed, strict=True):
        if found:
            repeats = RARE_PHOTOS if EMOTIONS[label] in ("Angry", "Sad", "Surprise") else 1
            patches += [crop[..., 0]] * repeats
            labels += [label] * repeats
    logger.info("found a face in %d of %d photos; the others are left out", sum(f for _, f in crops), len(listed))
    targets = one_hot(np.array(labels)) * np.float32(SURE) + np.float32((1 - SURE) / len(EMOTIONS))
    return TrainingSet.of(np.stack(patches), targets, recipe)


def _crop(path: Path, spec: InputSpec) -> tuple[NDArray[np.uint8], bool]:
    return face_crop(load_image(path), replace(spec, brighten=False), AROUND)


__all__ = ["TrainingSet", "one_hot", "training_set", "with_original_labels"]

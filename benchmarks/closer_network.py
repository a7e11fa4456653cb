"""Trains the network that tells a face from what resembles one; writes edge/detectors/closer.tflite and a record.

    python -m benchmarks.closer_network --data DIR        # a quarter of an hour on two cores; then fit the trees anew

It learns from heads of people of whom there is no other picture in scenes, before 13 of the 22 pictures without a
person, upside down, and before generated textures: half covered, masked, blurred, noisy, dark, cut or small. Against
them stand what YuNet takes for a face in these pictures, and other parts of them. The trees learn how far to trust it
from the other backgrounds and other people (``benchmarks/closer_trees.py``).
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.face_scenes import CHOOSING, FACE_PX, Picture, backgrounds, generated, part
from benchmarks.scenes import cut_head
from common.records import ROOT, measured
from edge.detectors.haar import HaarDetector
from edge.detectors.likeness import LIFT, SIDE_PX, SPAN, prepared
from edge.detectors.view import around, shrunk
from edge.detectors.yunet import YuNetDetector
from edge.errors import ImageError
from edge.images import load_image
from edge.preprocess import to_gray
from edge.types import Box

OUTPUT = ROOT / "edge/detectors/closer.tflite"
RECORD = Path(__file__).parent / "results" / "closer_network.json"
DEPENDS_ON = (
    *(f"edge/detectors/{name}.py" for name in ("haar", "likeness", "view", "yunet")),
    *(f"benchmarks/{name}.py" for name in ("closer_network", "face_scenes", "scenes")),
)
LEARNED = tuple(number for number in range(22) if number % 5 < 3)  # backgrounds; the trees learn from the others
WIDE, WIDE_PX = 2.0, 64  # of the patches that pictures are made in, in widths of the face, and in pixels
PICTURES, CALIBRATION, BATCH, RATE = 40_000, 600, 128, 2e-3
KINDS = {"mask": 24, "half": 30, "blur": 14, "plain": 9, "noise": 8, "sunglasses": 4, "dark": 3, "cut": 4, "small": 4}
DRAWN = tuple(kind for kind, share in KINDS.items() for _ in range(share))


Gray = NDArray[np.float32]


@dataclass(frozen=True)
class Bank:
    """What pictures are made of.

    Attributes:
        heads: uint8 (H, W, 4) RGBA each, and the face's box.
        pictures: Without a face, uint8 (480, 640, 3) RGB.
        resembling: Patches of what YuNet took for a face in such pictures, uint8 (64, 64, 3) RGB.
    """

    heads: Sequence[tuple[Picture, Box]]
    pictures: Sequence[Picture]
    resembling: Sequence[Picture]


def strangers(data: Path) -> list[tuple[Picture, Box]]:
    """The heads of all photos of ``photos-more`` that show nobody who is in ``photos``."""
    rows = {name: list(csv.DictReader((data / name / "labels.csv").open())) for name in ("photos", "photos-more")}
    known, cascade, found = {row["person"] for row in rows["photos"]}, HaarDetector(), []
    for row in rows["photos-more"]:
        if row["person"] in known:
            continue
        try:
            rgb = load_image(data / "photos-more/images" / row["image"])
        except ImageError as error:
            click.echo(f"left out {row['image']}: {error}")
            continue
        rgb = cv2.resize(rgb, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)  # they are at most 176 pixels
        faces = cascade.detect(rgb)
        if len(faces) == 1 and faces[0].box.w >= FACE_PX:
            found.append(cut_head(rgb))
    return found


def resembling(count: int, random: np.random.Generator) -> tuple[list[Picture], list[Picture]]:
    """A quarter of so many pictures without a face, and patches of all that YuNet takes for one in them."""
    detector, known = YuNetDetector(threshold=0.25), backgrounds(CHOOSING)
    pictures, patches = [], []
    for number in range(count):
        picture = generated(random) if number % 3 == 2 else part(known[random.choice(LEARNED)], random)
        if number % 4 == 0:
            pictures.append(picture)
        if random.random() < 0.3:
            picture = cv2.GaussianBlur(picture, (0, 0), random.uniform(2, 7))
        for side in (640, 480, 320, 160):
            view = shrunk(picture, side)
            patches += [
                around(picture, view.restore(hit).box, WIDE, WIDE_PX).image for hit in detector.hits(view.image)
            ]
    return pictures, patches


def paint(region: Picture, random: np.random.Generator) -> None:
    """Covers a part of a picture: with one colour, with a grain, or with patches of colour."""
    colour, way = random.integers(0, 256, 3), random.random()
    if region.size == 0:
        return
    if way < 0.5:
        region[..., :3] = colour
    elif way < 0.8:
        grain = random.normal(0, random.uniform(3, 40), region.shape[:2])[..., None]
        region[..., :3] = (colour + grain).clip(0, 255)
    else:
        patches = random.integers(0, 256, (*random.integers(2, 8, 2), 3)).astype(np.uint8)
        region[..., :3] = cv2.resize(patches, region.shape[1::-1])


def covered(head: Picture, face: Box, kind: str, random: np.random.Generator) -> Picture:
    """The head with a mask or sunglasses of any kind, or one side of it behind something."""
    head, (x, y, w, h) = head.copy(), face.to_list()
    if kind == "mask":
        top, bottom = y + int(random.uniform(0.48, 0.64) * h), y + int(random.uniform(0.95, 1.15) * h)
        paint(head[top:bottom, x + int(random.uniform(0, 0.15) * w) : x + int(random.uniform(0.85, 1) * w)], random)
    elif kind == "half":
        middle = int(random.uniform(0.4, 0.56) * w)
        paint(head[:, : x + middle] if random.random() < 0.5 else head[:, x + w - middle :], random)
    elif kind == "sunglasses":
        colour = (*random.integers(0, 60, 3).tolist(), 255)
        for eye in (0.31, 0.69):
            middle_px = round(x + eye * w), round(y + 0.4 * h)
            cv2.ellipse(head, middle_px, (round(0.18 * w), round(0.12 * h)), 0, 0, 360, colour, -1)
    return head


def face_patch(bank: Bank, random: np.random.Generator) -> Gray:
    """A face about as YuNet frames it, under some condition."""
    head, face = bank.heads[random.integers(len(bank.heads))]
    if random.random() < 0.5:
        head, face = np.ascontiguousarray(head[:, ::-1]), Box(head.shape[1] - face.x - face.w, *face.to_list()[1:])
    kind = DRAWN[random.integers(len(DRAWN))]
    width = WIDE_PX / WIDE * np.exp(random.normal(0, 0.14))
    aside = random.normal(0, 0.08, 2) * WIDE_PX / WIDE
    if kind in ("half", "cut"):  # what is left of a face draws the hit along
        aside[0] += random.uniform(-0.2, 0.2) * WIDE_PX / WIDE
    x, y = aside + WIDE_PX / 2
    scale = width / face.w
    head = covered(head, face, kind, random)
    if scale < 0.6:  # averaged first, so that nothing aliases
        head = cv2.GaussianBlur(head, (0, 0), 0.4 / scale)
    matrix = cv2.getRotationMatrix2D(face.center, random.normal(0, 7), scale)
    matrix[:, 2] += np.array((x, y)) - face.center
    layer = cv2.warpAffine(head, matrix, (WIDE_PX, WIDE_PX)).astype(np.float32)
    behind, colour, alpha = _patch(bank, random).astype(np.float32), layer[..., :3], layer[..., 3:] / 255
    if random.random() < 0.15:  # backlit
        colour, behind = colour * 0.2, behind * 0.4 + 150
    shown = behind + alpha * (colour - behind)
    if kind == "cut":  # by the picture's side, whose pixels are repeated
        side = int(np.clip(x + random.choice((-0.25, 0.25)) * width, 1, WIDE_PX - 2))
        if side < x:
            shown[:, :side] = shown[:, side : side + 1]
        else:
            shown[:, side:] = shown[:, side : side + 1]
    return _worn(shown @ np.array((0.299, 0.587, 0.114), np.float32), kind, random)


def other_patch(bank: Bank, random: np.random.Generator) -> Gray:
    """What resembles a face, or any other part of a picture without one."""
    kind = DRAWN[random.integers(len(DRAWN))] if random.random() < 0.5 else "plain"
    if random.random() < 0.3:
        return _worn(to_gray(_patch(bank, random)) * random.uniform(0.3, 1.3), kind, random)
    gray = to_gray(bank.resembling[random.integers(len(bank.resembling))])
    if random.random() < 0.5:
        gray = gray[:, ::-1]
    matrix = cv2.getRotationMatrix2D((WIDE_PX / 2, WIDE_PX / 2), random.normal(0, 8), np.exp(random.normal(0, 0.12)))
    matrix[:, 2] += random.normal(0, 2, 2)
    return _worn(cv2.warpAffine(gray, matrix, (WIDE_PX, WIDE_PX), borderMode=cv2.BORDER_REPLICATE), kind, random)


def _patch(bank: Bank, random: np.random.Generator) -> Picture:
    """A part of 40 to 400 pixels of a picture without a face."""
    picture, side = bank.pictures[random.integers(len(bank.pictures))], int(random.uniform(40, 400))
    x, y = (int(random.integers(0, most - side)) for most in (picture.shape[1], picture.shape[0]))
    return np.asarray(
        cv2.resize(picture[y : y + side, x : x + side], (WIDE_PX, WIDE_PX), interpolation=cv2.INTER_AREA), np.uint8
    )


def _worn(gray: Gray, kind: str, random: np.random.Generator) -> Gray:
    """Dark, small, blurred or noisy."""
    gray = gray.astype(np.float32)
    if kind == "dark":
        gray = gray * 0.12
    if kind == "small":
        side = int(random.integers(24, 50))
        gray = cv2.resize(cv2.resize(gray, (side, side), interpolation=cv2.INTER_AREA), (WIDE_PX, WIDE_PX))
    if kind == "blur":
        gray = cv2.GaussianBlur(gray, (0, 0), random.uniform(0.8, 2.2))
    elif random.random() < 0.3:
        gray = cv2.GaussianBlur(gray, (0, 0), random.uniform(0.3, 1.2))
    noise = random.uniform(8, 25) if kind == "noise" else random.uniform(0, 4)
    return np.asarray(gray + random.normal(0, noise, gray.shape), np.float32)


def pictures(bank: Bank, count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """As many faces as others: uint8 (N, 40, 40, 1), and 1.0 for a face."""
    cv2.setNumThreads(1)
    random, edge = np.random.default_rng(seed), round(WIDE_PX * (1 - SPAN / WIDE) / 2)
    made = [(face_patch if number % 2 else other_patch)(bank, random) for number in range(count)]
    x = np.stack([prepared(one[edge:-edge, edge:-edge].clip(0, 255)) for one in made])
    return x, (np.arange(count) % 2).astype(np.float32)


def network() -> Any:
    """Seven convolutions and a look at the whole; logits, lifted. 0.17 M parameters, 7 M multiply-adds."""
    import keras
    from keras import layers

    picture = keras.Input((SIDE_PX, SIDE_PX, 1))
    x = picture
    for filters, step in ((16, 1), (24, 2), (24, 1), (40, 2), (40, 1), (64, 2), (64, 1)):
        x = layers.Conv2D(filters, 3, step, "same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Conv2D(48, x.shape[1], activation="relu")(layers.Dropout(0.4)(x))
    x = layers.Conv2D(1, 1)(layers.Dropout(0.3)(x))
    return keras.Model(picture, layers.Flatten()(x))


def train(bank: Bank, epochs: int, log: Any = click.echo) -> Any:
    """The network after so many epochs of new pictures each."""
    import keras

    keras.utils.set_random_seed(0)
    model = network()
    rate = keras.optimizers.schedules.CosineDecay(RATE, epochs * (PICTURES // BATCH))
    loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.02)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3), loss, jit_compile=True)
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=_take, initargs=(bank,)) as pool:
        work = [pool.submit(_made, 1000 + epoch) for epoch in range(epochs)]
        for epoch, waited in enumerate(work):
            x, y = waited.result()
            work[epoch] = None  # type: ignore[call-overload]
            run = model.fit(x.astype(np.float32) / 255, y, BATCH, verbose=0)
            log(f"epoch {epoch + 1} of {epochs}: loss {run.history['loss'][0]:.4f}")
    return model


_bank: Bank


def _take(bank: Bank) -> None:
    global _bank  # noqa: PLW0603 - once a process, instead of with each task
    _bank = bank


def _made(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    return pictures(_bank, PICTURES, seed)


def exported(model: Any, seen: NDArray[np.uint8]) -> bytes:
    """An int8 `.tflite` file: uint8 (1, 40, 40, 1) to float32 (1, 1), the log odds, lifted and not below zero."""
    import keras
    import tensorflow as tf
    from keras import layers

    last = model.layers[-2]
    last.bias.assign(last.bias + LIFT)
    fixed = keras.Input(batch_shape=(1, SIDE_PX, SIDE_PX, 1), dtype="float32")
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(fixed, layers.ReLU()(model(fixed))))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one[None].astype(np.float32) / 255] for one in seen)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    content: bytes = converter.convert()
    return content


@click.command(help=__doc__, context_settings={"show_default": True})
@click.option("--data", type=click.Path(path_type=Path, exists=True), envvar="EMOTION_DATA", required=True)
@click.option("--epochs", default=12)
@click.option(
    "--output", type=click.Path(path_type=Path), default=OUTPUT, help="A trial goes elsewhere, without a record."
)
def main(data: Path, epochs: int, output: Path) -> None:
    """Train, convert, and write the file."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    about = measured(*DEPENDS_ON)
    heads, random = strangers(data), np.random.default_rng(1)
    bank = Bank(heads, *resembling(1600, random))
    click.echo(f"{len(heads)} heads, {len(bank.resembling)} patches that resemble a face")
    model = train(bank, epochs)
    seen, _ = pictures(bank, CALIBRATION, 1)
    output.write_bytes(exported(model, seen))
    if output == OUTPUT:
        counts = {"heads": len(heads), "resembling": len(bank.resembling), "epochs": epochs, "pictures": PICTURES}
        RECORD.write_text(json.dumps({"measured": about, **counts}, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""How the network learns that says how much a hit is like a face."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.closer_network import Bank, exported, network, pictures, resembling
from benchmarks.scenes import cut_head
from edge.detectors.likeness import LIFT, SIDE_PX
from edge.images import load_image
from edge.runtime import load


@pytest.fixture(scope="module")
def bank(photo) -> Bank:
    """The bundled photo's head, and some backgrounds."""
    return Bank([cut_head(load_image(photo))], *resembling(12, np.random.default_rng(1)))


def test_every_second_picture_is_a_face_and_a_seed_gives_the_same_ones(bank: Bank) -> None:
    x, y = pictures(bank, 60, 3)
    assert x.shape == (60, SIDE_PX, SIDE_PX, 1)
    assert y.tolist() == [0.0, 1.0] * 30
    assert np.array_equal(x, pictures(bank, 60, 3)[0])
    assert not np.array_equal(x, pictures(bank, 60, 4)[0])
    faces, others = (x[kind::2].reshape(30, -1).astype(float) for kind in (1, 0))
    likeness = [np.corrcoef(faces.mean(0), one)[0, 1] for one in (*faces, *others)]
    assert np.mean(likeness[:30]) > np.mean(likeness[30:]) + 0.2, "faces are like their mean"


def test_the_file_gives_what_the_network_gives(bank: Bank) -> None:
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(1)
    model = network()
    x, _ = pictures(bank, 100, 5)
    wanted = model.predict(x.astype(np.float32) / 255, verbose=0)[:, 0]
    interpreter = load(exported(model, x), threads=1).interpreter
    given = []
    for one in x:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], one[None])
        interpreter.invoke()
        given.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0, 0] - LIFT)
    assert given == pytest.approx(wanted, abs=0.1)

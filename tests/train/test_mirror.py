"""A network that also reads the mirror image: the weights of one that does not, and the mean of both its answers."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from edge.errors import ConfigError
from train.networks import load_network, macs, predict, residual, save_network
from train.recipe import load_recipe
from train.session import train_run


@pytest.fixture(scope="module")
def plain() -> keras.Model:
    keras.utils.set_random_seed(2)
    return residual((6, 8), (0, 1), stem=4, size=16)


@pytest.fixture(scope="module")
def mirrored(plain: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> keras.Model:
    made = residual((6, 8), (0, 1), stem=4, size=16, mirror=True)
    made.set_weights(plain.get_weights())
    path = tmp_path_factory.mktemp("mirrored") / "model.keras"
    save_network(made, path)
    return load_network(path)


def test_its_logits_are_the_mean_of_those_of_a_picture_and_its_mirror_image(
    plain: keras.Model, mirrored: keras.Model
) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)
    turned = np.ascontiguousarray(pictures[:, :, ::-1])
    one, other = predict(plain, pictures, "logits"), predict(plain, turned, "logits")
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_allclose(predict(mirrored, pictures, "logits"), (one + other) / 2, atol=1e-5)


def test_it_has_the_same_weights_and_twice_the_arithmetic(plain: keras.Model, mirrored: keras.Model) -> None:
    luma, head = 16 * 16 * 3, 8 * 5  # once for both
    assert macs(mirrored) == 2 * (macs(plain) - luma - head) + luma + head
    assert mirrored.count_params() == plain.count_params()


def test_the_described_network_cannot(tmp_path: Path) -> None:
    recipe = load_recipe("reference", ["described=false"])
    with pytest.raises(ConfigError, match="only trained as described"):
        train_run(recipe, tmp_path, (), tmp_path / "run")

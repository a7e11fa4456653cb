"""The mean of rounds' weights."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from edge.errors import ConfigError
from train.architectures import load_network, save_network
from train.average import average


def save(path: Path, value: float, width: int = 4) -> Path:
    """A network with all weights, and all statistics, of one value."""
    image = keras.Input((8, 8, 3))
    network = keras.Model(image, layers.BatchNormalization()(layers.Conv2D(width, 3)(image)))
    network.set_weights([np.full_like(w, value) for w in network.get_weights()])
    network.save(path)
    return path


def test_every_weight_is_the_mean(tmp_path: Path) -> None:
    weights = average([save(tmp_path / f"{value}.keras", value) for value in (1.0, 2.0, 6.0)]).get_weights()
    assert len(weights) == 6
    assert all(np.all(w == 3.0) for w in weights)


def test_networks_of_two_shapes_have_no_mean(tmp_path: Path) -> None:
    narrow, wide = save(tmp_path / "narrow.keras", 1.0), save(tmp_path / "wide.keras", 1.0, width=5)
    with pytest.raises(ConfigError, match=r"wide\.keras is of another architecture than .*narrow\.keras"):
        average([narrow, wide])


def test_what_is_no_network_is_a_clear_error(tmp_path: Path) -> None:
    letter = tmp_path / "letter.keras"
    letter.write_text("Dear Sir")
    with pytest.raises(ConfigError, match=r"letter\.keras is not a network that training wrote; give its model\.keras"):
        average([save(tmp_path / "one.keras", 1.0), letter])
    cut = tmp_path / "cut.keras"
    cut.write_bytes((tmp_path / "one.keras").read_bytes()[:-200])
    with pytest.raises(ConfigError, match="cut"):
        average([cut])


@pytest.mark.parametrize(
    ("output", "code", "said"),
    [
        ("mean.h5", 2, "Keras writes files that end in .keras; got mean.h5"),
        (
            "/dev/null/new/mean.keras",
            1,
            "error: /dev/null/new/mean.keras cannot be written: Not a directory; name another place",
        ),
    ],
)
def test_a_place_that_cannot_be_written_is_one_clear_line(
    trainer: Callable[..., subprocess.Popen[str]], tmp_path: Path, output: str, code: int, said: str
) -> None:
    process = trainer("average", save(tmp_path / "one.keras", 1.0), "--output", output)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == code
    assert said in printed.splitlines()[-1]
    assert "Traceback" not in printed


def test_a_new_folder_is_made_and_nothing_unfinished_is_left(tmp_path: Path) -> None:
    wanted = tmp_path / "new" / "mean.keras"
    save_network(average([save(tmp_path / "one.keras", 1.0)]), wanted)
    assert list(wanted.parent.iterdir()) == [wanted]
    assert all(np.all(w == 1.0) for w in load_network(wanted).get_weights())

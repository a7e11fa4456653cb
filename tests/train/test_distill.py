"""Learning from trained networks: what they are asked, that their answers reach the network, and going on from one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cartoons import cartoon
from numpy.typing import NDArray
from test_fit import kill_in_epoch, log
from weights import weights_of

from edge.classifier import default_model_path
from train.judges import judge

pytestmark = pytest.mark.slow
Start = Callable[..., "subprocess.Popen[str]"]


def softened(teacher: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    roots = np.sqrt(judge(teacher).answers(np.repeat(images, 3, axis=-1)))
    return roots / roots.sum(axis=1, keepdims=True)


def run(fit: Start, *arguments: object) -> str:
    process = fit(*arguments)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


@pytest.fixture(scope="module")
def distilled(finished: Path) -> tuple[str, ...]:
    """Settings of a run that has its targets from two teachers alone, which are the same network."""
    teachers = [str(finished / "model.keras")] * 2
    return f"distill.teachers={teachers}", "distill.copies=2", "distill.share=1.0", "epochs=3"


def test_teachers_answer_changed_copies_and_a_killed_run_keeps_them(
    fit: Start, finished: Path, distilled: tuple[str, ...], tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert "copy 2 of 2 answered by 2 teachers" in run(fit, whole, *distilled)
    assert not (whole / "copies").exists()

    kill_in_epoch(fit(killed, *distilled), 2)
    copies = [dict(np.load(killed / "copies" / f"{number}.npz")) for number in range(2)]
    assert not np.array_equal(copies[0]["images"], copies[1]["images"])
    for copy in copies:
        images = copy["images"]
        assert images.shape == (60, 16, 16, 1)
        plain, mirrored = (softened(finished / "model.keras", seen) for seen in (images, images[:, :, ::-1]))
        assert np.allclose(copy["answers"], (plain + mirrored) / 2, atol=1e-4)

    assert "answered by" not in run(fit, killed, *distilled)  # asked once only
    assert log(killed) == log(whole)


def test_copies_of_another_recipe_are_made_anew(fit: Start, distilled: tuple[str, ...], tmp_path: Path) -> None:
    process = fit(tmp_path / "run", *distilled, "distill.copies=3")
    for line in process.stdout:
        if "copy 1 of 3" in line:
            process.kill()
            process.wait()
            break
    first = np.load(tmp_path / "run" / "copies" / "0.npz")["images"]
    kill_in_epoch(fit(tmp_path / "run", *distilled, "augment.rotation=90.0"), 1)
    assert not np.array_equal(np.load(tmp_path / "run" / "copies" / "0.npz")["images"], first)


def test_a_network_learns_what_its_teacher_says_not_what_people_say(fit: Start, tmp_path: Path) -> None:
    """Asked for drawings, the shipped model names few as they are labelled; who learns from it comes closer."""
    settings = (f"distill.teachers=['{default_model_path()}']", "distill.copies=1", "epochs=20", "learning_rate=0.02")
    pictures = np.stack([cartoon(label, seed, 16) for label in range(5) for seed in range(15)])
    told = judge(default_model_path()).answers(pictures).mean(axis=0)
    apart = {}
    for share in (0.0, 1.0):
        run(fit, tmp_path / str(share), *settings, f"distill.share={share}")
        learned = judge(tmp_path / str(share) / "model.keras").answers(pictures).mean(axis=0)
        apart[share] = np.abs(learned - told).sum()
    assert apart[1.0] < 0.75 * apart[0.0]


def test_a_teacher_that_is_no_model_is_a_clear_error(fit: Start, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"no model")
    process = fit(tmp_path / "run", f"distill.teachers=['{broken}']", "epochs=1")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert f"error: {broken} cannot be asked" in output.splitlines()[-1]
    assert "Traceback" not in output


def test_a_run_starts_from_the_weights_of_another(fit: Start, finished: Path, tmp_path: Path) -> None:
    start = finished / "model.keras"
    run(fit, tmp_path / "run", f"start={start}", "epochs=1", "learning_rate=0.0", "weight_decay=0.0")
    before, after = weights_of(start), weights_of(tmp_path / "run" / "model.keras")
    moving = {name for name in before if not np.array_equal(before[name], after[name])}
    kernels = {name for name in before if before[name].ndim == 4}
    assert kernels
    assert not kernels & moving  # batch normalization's statistics move, weights do not


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("start=nothing.keras", "there is no network at nothing.keras; give a .keras file"),
        ("distill={teachers=['setup.py'], copies=0}", "distill.copies is 0; teachers need at least 1 copy"),
        ("architecture=compact", "is not of the architecture 'compact'; set the one that it is of"),
    ],
)
def test_a_start_or_number_of_copies_that_cannot_be_is_a_clear_error(
    fit: Start, finished: Path, tmp_path: Path, setting: str, said: str
) -> None:
    process = fit(tmp_path / "run", f"start={finished / 'model.keras'}", setting, "epochs=1")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert said in output.splitlines()[-1]
    assert "Traceback" not in output

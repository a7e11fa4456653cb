"""What a conversion refuses: one clear line, exit code 1, and the folder it writes to left as it was."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

OLD = b"the model that was here before"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with an older model in it."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "emotion.tflite").write_bytes(OLD)
    return folder


@pytest.fixture
def attempt(convert, convert_again, runtimes, workshop, models):
    """Convert over the older model, from good parts where no others are given."""

    def attempt(model=workshop.model, data=workshop.data, **options):
        return (convert if options else convert_again)(
            model, "--data", data, "--output", models / "emotion.tflite", **options
        )

    return attempt


def assert_untouched(models: Path) -> None:
    assert [path.name for path in models.rglob("*")] == ["emotion.tflite"]
    assert (models / "emotion.tflite").read_bytes() == OLD


def assert_refused(done: subprocess.CompletedProcess[str], models: Path, *words: str) -> None:
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in last
    assert_untouched(models)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ("does not exist", "train")),
        (b"", ("is not a Keras file", ".keras")),
        (b"These are not weights.\n" * 50, ("is not a Keras file", ".keras")),
    ],
    ids=["missing", "empty", "text"],
)
def test_what_is_no_keras_file(attempt, models, tmp_path, content, words):
    model = tmp_path / "model.keras"
    if content is not None:
        model.write_bytes(content)
    assert_refused(attempt(model), models, str(model), *words)


def test_a_zip_without_a_model(attempt, models, tmp_path):
    model = tmp_path / "model.keras"
    with zipfile.ZipFile(model, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert_refused(attempt(model), models, "config.json")


def test_a_damaged_keras_file(attempt, workshop, models, tmp_path):
    model = tmp_path / "model.keras"
    with zipfile.ZipFile(workshop.model) as whole, zipfile.ZipFile(model, "w") as damaged:
        for name in whole.namelist():
            content = whole.read(name)
            damaged.writestr(name, content[:200] if name == "model.weights.h5" else content)
    assert_refused(attempt(model), models, "does not load")


@pytest.mark.parametrize(("name", "words"), [("seven", ("7", "wanted 5 classes")), ("no-softmax", ("softmax",))])
def test_a_model_of_another_kind(attempt, workshop, models, name, words):
    model = workshop.folder / f"{name}.keras"
    assert_refused(attempt(model), models, *words)


def test_no_data(attempt, models, tmp_path):
    assert_refused(attempt(data=tmp_path / "nowhere"), models, "nowhere")


def test_no_calibration_pictures_of_a_class(attempt, workshop, models, tmp_path):
    data = tmp_path / "faces"
    shutil.copytree(workshop.data, data)
    for picture in (data / "Sad").iterdir():
        picture.unlink()
    assert_refused(attempt(data=data), models, "Sad")


def test_the_gate_keeps_a_worse_model_out(attempt, workshop, models):
    done = attempt(workshop.folder / "fragile.keras")
    assert_refused(done, models, "int8 ", "Nothing was replaced", "--samples", "int16x8")


def test_a_model_of_one_class_is_kept_out(attempt, workshop, models):
    done = attempt(workshop.folder / "meter.keras")
    assert_refused(done, models, "meter.keras", "predicts Happy for all 40 pictures", "lower learning rate")


def test_output_that_cannot_be_written(convert_again, runtimes, workshop, models, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    done = convert_again(workshop.model, "--data", workshop.data, "--output", tmp_path / "file" / "emotion.tflite")
    assert_refused(done, models, "file", "--output")


def test_no_disk_space(attempt, models):
    """A file system of 8 kB, in a mount namespace of its own."""
    script = f'mount -t tmpfs -o size=8k none "{models}" && printf old > "{models}/emotion.tflite" && "$@"; code=$?; '
    script += f'ls -A "{models}" >&2; cat "{models}/emotion.tflite" >&2; exit $code'
    spaces = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*spaces, f'mount -t tmpfs none "{models}"'], capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine does not allow a mount namespace")
    done = attempt(before=[*spaces, script, "sh"])
    assert done.returncode == 1
    *_, error, listing, content = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert "No space left" in error
    assert (listing, content) == ("emotion.tflite", "old")


def test_interrupted_half_way(convert_command, runtimes, workshop, models, tmp_path):
    """By SIGTERM, which is made to end it as Ctrl-C does."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        convert_command(workshop.model, "--data", workshop.data, "--output", models / "emotion.tflite"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(scratch)},
        cwd=Path(__file__).parents[2],
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("int8: running"):
            break
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err.strip() == "interrupted; nothing was replaced"
    assert_untouched(models)
    assert not list(scratch.glob("convert-*"))


def test_the_same_order_gives_the_same_bytes(convert, converted, workshop, tmp_path):
    folder, _ = converted
    again = tmp_path / "again.tflite"
    done = convert(
        workshop.model, "--data", workshop.data, "--output", again, "--samples", 60, "--crop-margin", 0.05,
        "--threshold", 0.4, "--model-version", "9.8.7", "--training-data", "stripes and discs",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert again.read_bytes() == (folder / "emotion.tflite").read_bytes()
    assert not again.with_name("formats.json").exists()
    assert json.loads((folder / "formats.json").read_text())


@pytest.mark.parametrize("arguments", [["--format", "int4"], ["--samples", "0"], ["--crop-margin", "2"], []])
def test_wrong_usage(convert_again, arguments):
    done = convert_again(*arguments)
    assert done.returncode == 2
    assert "Usage:" in done.stderr

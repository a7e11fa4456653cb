"""Whatever cannot be read gives one clear line and a record; the rest is still done, and the exit code is 1."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import io
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb() -> bytes:
    """A PNG of 20,000 x 20,000 pixels that says little."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100_000)))


def photo_as(photo: Path, form: str, part: float) -> bytes:
    file = io.BytesIO()
    Image.open(photo).save(file, form)
    return file.getvalue()[: int(len(file.getvalue()) * part)]


def tiny() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, "PNG")
    return file.getvalue()


BAD: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda photo: b"", "is empty (0 bytes)"),
    "text": (lambda photo: b"I am not a picture\n", "is not a picture of a known format; wanted JPEG, PNG"),
    "cut-jpeg": (lambda photo: photo.read_bytes()[:9000], "is a damaged or unsupported JPEG file: image file is trunc"),
    "cut-png": (lambda photo: photo_as(photo, "PNG", 0.5), "is a damaged or unsupported PNG file: image file is trunc"),
    "tiny": (lambda photo: tiny(), "is 1x1 pixels, too small to show a face"),
    "bomb": (lambda photo: bomb(), "is 20000x20000 pixels (400.0 megapixels), over the limit of 250 megapixels"),
}


def check_batch(done: subprocess.CompletedProcess[bytes], bad: Path | str, message: str) -> None:
    """One line and the summary on stderr, and good - bad - good as records."""
    assert done.returncode == 1
    line, summary = done.stderr.decode().splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert summary.startswith("3 pictures, 2 faces (") and ", 0 without a face, 1 unreadable, in " in summary
    first, wrong, last = (json.loads(text) for text in done.stdout.splitlines())
    assert first["error"] is None
    assert last["error"] is None
    assert len(first["faces"]) == len(last["faces"]) == 1
    assert wrong["source"] == str(bad)
    assert message in wrong["error"]
    assert (wrong["faces"], wrong["width"], wrong["height"]) == ([], 0, 0)


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("kind", BAD)
def test_bad_file_between_good_ones(cli: Any, photo: Path, tmp_path: Path, kind: str, jobs: str) -> None:
    make, message = BAD[kind]
    path = tmp_path / f"{kind}.jpg"
    path.write_bytes(make(photo))
    check_batch(cli("predict", photo, path, photo, "--format", "jsonl", "--jobs", jobs), path, message)


def test_missing_path_broken_link_and_folder_without_pictures(cli: Any, photo: Path, tmp_path: Path) -> None:
    run = ("--format", "jsonl")
    check_batch(cli("predict", photo, tmp_path / "no.jpg", photo, *run), tmp_path / "no.jpg", "No such file")
    folder = tmp_path / "empty"
    folder.mkdir()
    check_batch(cli("predict", photo, folder, photo, *run), folder, "is a folder without pictures")
    link = folder / "broken.jpg"
    link.symlink_to(tmp_path / "gone.jpg")
    check_batch(cli("predict", photo, folder, photo, *run), link, "No such file")


def test_an_address_is_called_one(cli: Any, photo: Path) -> None:
    done = cli("predict", photo, "http://me:hush@camera/snapshot.jpg", photo, "--format", "jsonl")
    check_batch(done, "http://me@camera/snapshot.jpg", "is an address, not a file")


def obey_permissions() -> None:
    """Even root: give up CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH on the way into the program."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def test_file_and_folder_without_permission(cli: Any, photo: Path, tmp_path: Path) -> None:
    path = tmp_path / "secret.jpg"
    shutil.copy(photo, path)
    path.chmod(0)
    run = {"preexec_fn": obey_permissions}
    check_batch(cli("predict", photo, path, photo, "--format", "jsonl", **run), path, "Permission denied")
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    check_batch(cli("predict", photo, folder, photo, "--format", "jsonl", **run), folder, "Permission denied")
    check_batch(
        cli("predict", photo, folder / "x.jpg", photo, "--format", "jsonl", **run),
        folder / "x.jpg",
        "Permission denied",
    )
    done = cli("predict", photo, "--output", folder / "out.json", **run)
    assert done.returncode == 1
    assert b"out.json cannot be written: Permission denied" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "predict photo --output closed/a/x.csv",
        "predict photo --annotate closed/marked",
        "predict photo --detector-model closed/yunet.onnx",
        "stream --source closed/x.mp4",
        "stream --source synthetic --video closed/x.mp4",
        "stream --source synthetic --video closed/a/x.mp4",
        "kiosk --source closed/x.mp4 --port 0",
        "bulk list folder closed/x.parquet",
        "bulk score closed/x.parquet out",
        "bulk status closed/out",
    ],
)
def test_a_closed_folder_is_one_line_that_names_it(cli: Any, photo: Path, tmp_path: Path, words: str) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "folder").mkdir()
    for name in ("photo", "folder/p.jpg"):
        shutil.copy(photo, tmp_path / name)
    done = cli(*words.split(), cwd=tmp_path, preexec_fn=obey_permissions)
    (line,) = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (1, b"")
    assert "closed" in line and ("Permission denied" in line or "may not be written" in line)
    assert "unexpected" not in line


def test_bomb_limit_can_be_set(cli: Any, photo: Path) -> None:
    done = cli("predict", photo, "--max-megapixels", "0.1")
    assert done.returncode == 1
    assert b"512x512 pixels (0.3 megapixels), over the limit of 0.1 megapixels" in done.stderr


def test_bomb_is_refused_in_little_memory(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb())
    # Of this process alone: ru_maxrss would count what its parent held when it forked.
    code = (
        "import pathlib; from edge.cli import main\n"
        "try: main()\n"
        "finally: print(pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code, "predict", str(path)], capture_output=True, check=False)
    assert done.returncode == 1
    assert int(done.stdout) < 200_000  # kB; decoded it would be 1,200 MB


def test_animated_gif_reads_its_first_frame(cli: Any, photo: Path, tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    face = Image.open(photo)
    face.save(path, save_all=True, append_images=[Image.new("RGB", face.size)])
    done = cli("predict", path, "--format", "json")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["faces"]) == 1
    assert done.stderr.decode() == f"{path} has several frames; only the first is used\n"


NAMES = {
    b"two words.jpg": "two words.jpg",
    b"new\nline.jpg": "new\nline.jpg",
    b"caf\xe9.jpg": "caf\\xe9.jpg",
    "smörgås 😀.jpg".encode(): "smörgås 😀.jpg",
    b"esc\x1b[31m.jpg": "esc\x1b[31m.jpg",
    b'comma,"quote".jpg': 'comma,"quote".jpg',
    b"-dash.jpg": "-dash.jpg",
}


@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}])
def test_strange_names(cli: Any, photo: Path, tmp_path: Path, locale: dict[str, str]) -> None:
    folder, marked = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(photo, os.fsencode(folder) + b"/" + name)
    shown = {f"{folder}/{text}" for text in NAMES.values()}
    done = cli("predict", folder, "--format", "json", "--annotate", marked, env=locale)
    assert done.returncode == 0
    assert {result["source"] for result in json.loads(done.stdout.decode("utf-8"))} == shown
    assert {os.fsencode(path.name) for path in marked.iterdir()} == set(NAMES)
    text = cli("predict", folder, "--format", "csv", env=locale).stdout.decode("utf-8")
    assert {row["source"] for row in csv.DictReader(io.StringIO(text, newline=""))} == shown
    assert cli("predict", folder, env=locale).stdout.count(b"\n") == len(NAMES)


def test_strange_names_of_bad_files_stay_on_one_line(cli: Any, tmp_path: Path) -> None:
    paths = [os.fsencode(tmp_path) + b"/" + name for name in NAMES]
    for path in paths:
        Path(os.fsdecode(path)).touch()
    done = cli("predict", *paths, "--format", "jsonl")
    assert done.returncode == 1
    assert done.stderr.count(b"\n") - 1 == len(done.stdout.splitlines()) == len(NAMES)  # and a summary
    assert b"\x1b" not in done.stderr
    shown = [json.loads(line)["source"] for line in done.stdout.decode("utf-8").splitlines()]
    assert shown == [f"{tmp_path}/{text}" for text in NAMES.values()]


def test_output_that_cannot_be_written(cli: Any, photo: Path, tmp_path: Path) -> None:
    for output, reason in ((tmp_path / "no" / "x.json", "No such file"), (tmp_path, "is a folder"), ("/proc/x", "")):
        done = cli("predict", photo, "--output", output)
        assert done.returncode == 1
        assert done.stderr.decode().startswith(f"error: {output} cannot be written: {reason}")
        assert done.stderr.count(b"\n") == 1
    (tmp_path / "file").touch()
    done = cli("predict", photo, "--annotate", tmp_path / "file" / "x")
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1


def test_full_disk_on_standard_output(cli: Any, photo: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = cli("predict", photo, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == b"error: standard output cannot be written: No space left on device\n"
    done = cli("predict", photo, "--output", "/dev/full")
    assert done.returncode == 1
    assert done.stderr == b"error: /dev/full cannot be written: No space left on device\n"


@pytest.mark.parametrize("option", ["--output", "--annotate"])
def test_file_size_limit_leaves_nothing_behind(cli: Any, photo: Path, tmp_path: Path, option: str) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))

    place = tmp_path / "out"
    done = cli("predict", photo, "--format", "json", option, place, preexec_fn=limit)
    assert done.returncode == 1
    assert b"cannot be written: File too large\n" in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB with hardly any room left."""
    where = tmp_path / "disk"
    where.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(where)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        (where / "old.json").write_text("old")
        with contextlib.suppress(OSError):
            (where / "ballast").write_bytes(bytes(65536))
        yield where
    finally:
        subprocess.run(["umount", str(where)], check=True)


@pytest.mark.parametrize("option", ["--output", "--annotate"])
def test_full_disk_leaves_the_old_file(cli: Any, photo: Path, full_disk: Path, option: str) -> None:
    before = sorted(path.name for path in full_disk.iterdir())
    place = full_disk / "old.json" if option == "--output" else full_disk
    done = cli("predict", photo, "--format", "json", option, place)
    assert done.returncode == 1
    assert b"cannot be written: No space left on device\n" in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert sorted(path.name for path in full_disk.iterdir()) == before
    assert (full_disk / "old.json").read_text() == "old"


@pytest.mark.parametrize(
    ("form", "labels", "message"),
    [
        ("seven", None, "carries no labels"),
        ("seven", ("a", "b", "c", "d", "e", "f", "g"), "has the labels a, b, c, d, e, f, g; wanted Angry, Happy"),
        ("flat", "five", "input has shape (1, 30); wanted (1, height, width, 3)"),
    ],
)
def test_other_models(cli: Any, make_model: Any, photo: Path, form: str, labels: Any, message: str) -> None:
    path = make_model(form) if labels == "five" else make_model(form, labels)
    for verb in ("predict", "info"):
        done = cli(verb, *([photo] if verb == "predict" else []), "--model", path)
        assert done.returncode == 1
        assert done.stdout == b""
        assert done.stderr.decode().startswith(f"error: {path}")
        assert message in done.stderr.decode()
        assert done.stderr.count(b"\n") == 1


def test_missing_and_truncated_model(cli: Any, root: Path, photo: Path, tmp_path: Path) -> None:
    done = cli("predict", photo, "--model", tmp_path / "no.tflite")
    assert done.returncode == 1
    assert done.stderr.decode() == (
        f"error: model {tmp_path}/no.tflite cannot be read: No such file or directory; name another with --model\n"
    )
    content = (root / "models" / "emotion.tflite").read_bytes()
    cut = tmp_path / "cut\n.tflite"
    cut.write_bytes(content[: len(content) // 2])
    for runtime in ("ai_edge_litert", "tflite_runtime"):
        done = cli("predict", photo, "--model", cut, env={"EMOTION_EDGE_RUNTIME": runtime})
        assert done.returncode == 1
        assert b"carries no labels: it is cut off" in done.stderr
        assert done.stderr.count(b"\n") == 1


def test_closed_pipe_ends_quietly(cli: Any, photo: Path, environment: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = cli("predict", photo, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == 1
    assert done.stderr == b""


def wait_for_reads(pid: int, count: int) -> None:
    """Until so many threads of a process wait for what comes through a pipe."""
    end = time.monotonic() + 30
    while sum("pipe_read" in path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/wchan")) < count:
        assert time.monotonic() < end, "they do not read"
        time.sleep(0.01)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("form", ["json", "csv"])
def test_interrupt_writes_what_is_done(
    photo: Path, environment: dict[str, str], tmp_path: Path, jobs: str, form: str, signum: signal.Signals
) -> None:
    slow, last = tmp_path / "slow.jpg", tmp_path / "last.jpg"
    os.mkfifo(slow)
    os.mkfifo(last)
    output = tmp_path / "out"
    pictures = [photo, slow, photo, last] if jobs == "2" else [photo, slow]
    command = [sys.executable, "-m", "edge", "predict", *pictures, "--format", form, "--jobs", jobs, "--output", output]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    # Opening a pipe waits for its reader: by then all pictures before it are done.
    with slow.open("wb"), last.open("wb") if jobs == "2" else contextlib.nullcontext():
        # A signal between a pipe's open and its read would be noticed only when the read ends.
        wait_for_reads(process.pid, int(jobs))
        process.send_signal(signum)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.endswith(b"\ninterrupted\n")
    assert errors.count(b"\n") == 2, "a summary, and that it was interrupted"
    count = 2 if jobs == "2" else 1
    if form == "json":
        results = json.loads(output.read_text())
        assert [result["source"] for result in results] == [str(photo)] * count
    else:
        assert len(output.read_text().splitlines()) == 1 + count
    assert not list(tmp_path.glob(".*"))

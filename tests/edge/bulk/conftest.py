"""An album with everything that can be wrong with a picture."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

# A picture of this name ends the interpreter that opens it, as a fault in a decoder would.
CRASH = """
import os, sys
sys.addaudithook(
    lambda event, args: os.kill(os.getpid(), 11) if event == "open" and str(args[0]).endswith("crash.jpg") else None
)
"""


@pytest.fixture
def album(tmp_path: Path, photo: Path) -> Path:
    """A face, its crop, no face, a file cut short, one that is no picture, a broken link, and a name of any bytes."""
    folder = tmp_path / "album"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jpg").symlink_to(photo)
    Image.open(photo).crop((178, 67, 270, 159)).save(folder / "deep" / "crop.png")
    Image.new("RGB", (100, 80), "gray").save(folder / "grey.png")
    (folder / "cut.jpg").write_bytes(photo.read_bytes()[:9000])
    (folder / "none.jpg").write_text("no picture")
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    Path(os.fsdecode(bytes(folder) + b"/caf\xe9.jpg")).symlink_to(photo)
    return folder


@pytest.fixture
def many(tmp_path: Path, photo: Path) -> Path:
    """The bundled picture 120 times."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(120):
        (folder / f"{number:03}.jpg").symlink_to(photo)
    return folder


@pytest.fixture
def crashing(tmp_path: Path, environment: dict[str, str]) -> dict[str, str]:
    """An environment in which opening a file called crash.jpg ends the interpreter."""
    place = tmp_path / "site"
    place.mkdir()
    (place / "sitecustomize.py").write_text(CRASH)
    return {"PYTHONPATH": f"{place}:{environment['PYTHONPATH']}"}

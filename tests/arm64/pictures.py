"""The pictures that both machines read: from the development data where it is, else made from the bundled photo."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

PHOTO = Path(__file__).parents[2] / "examples" / "astronaut.jpg"
FACE = (178, 67, 270, 159)
# The size of the shipped network's input, as FER+ faces have: OpenCV resizes a little differently on arm64.
INPUT = (48, 48)


def listed(faces: int, photos: int, folder: Path) -> tuple[Path, str]:
    """Write the list that answers.py reads; gives it and a word on where the pictures come from."""
    data = os.environ.get("EMOTION_DATA")
    if data:
        chosen = {
            "faces": spread(Path(data) / "ferplus" / "FER2013Valid", faces),
            "photos": [str(PHOTO), *spread(Path(data) / "photos" / "images", photos - 1)],
        }
        word = "FER+ validation faces and photos of the development data"
    else:
        chosen = varied(faces, photos, folder / "pictures")
        word = "made from the bundled photo"
    path = folder / "pictures.json"
    path.write_text(json.dumps(chosen))
    return path, word


def spread(folder: Path, count: int) -> list[str]:
    """So many files of a folder, evenly spread."""
    files = sorted(folder.iterdir())
    return [str(files[at * len(files) // count]) for at in range(count)]


def varied(faces: int, photos: int, folder: Path) -> dict[str, list[str]]:
    """The bundled photo and its face, moved, scaled, turned, mirrored, lighter and darker; always the same ones."""
    folder.mkdir(exist_ok=True)
    chance = random.Random(7)
    whole = Image.open(PHOTO).convert("RGB")
    made: dict[str, list[str]] = {"faces": [], "photos": [str(PHOTO)]}
    for number in range(faces):
        left, top, right, bottom = (edge + chance.randint(-24, 24) for edge in FACE)
        image = changed(whole.crop((left, top, max(right, left + 40), max(bottom, top + 40))), chance)
        made["faces"].append(str(folder / f"face-{number:03}.png"))
        image.resize(INPUT).save(made["faces"][-1])
    for number in range(photos - 1):
        size = chance.randint(240, 420)
        made["photos"].append(str(folder / f"photo-{number:03}.jpg"))
        changed(whole.resize((size, size)), chance).save(made["photos"][-1], quality=85)
    return made


def changed(image: Image.Image, chance: random.Random) -> Image.Image:
    """Turned a little, perhaps mirrored, of another brightness and contrast."""
    image = image.rotate(chance.uniform(-12, 12), Image.Resampling.BILINEAR)
    image = ImageOps.mirror(image) if chance.random() < 0.5 else image
    image = ImageEnhance.Brightness(image).enhance(chance.uniform(0.5, 1.6))
    return ImageEnhance.Contrast(image).enhance(chance.uniform(0.5, 1.6))

"""What the upload page sends: a small upright JPEG without what a camera wrote into the file."""

import io

import pytest
from chromium_pages import IN_CHROMIUM, give
from kiosk_stage import PHOTO, running
from PIL import Image

from edge.kiosk.forms import first_file

pytestmark = IN_CHROMIUM
ROTATED_CLOCKWISE = 6  # EXIF orientation: turn by 90 degrees clockwise to see it upright


def taken(path, width, **options):
    """The bundled photo as a phone writes it: large, lying on its side, with the place."""
    picture = Image.open(PHOTO).resize((width, width * 3 // 4)).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = ROTATED_CLOCKWISE
    exif.get_ifd(0x8825)[1] = "N"
    picture.save(path, exif=exif, **options)
    return path


@pytest.fixture
def sent(visit, monkeypatch):
    """Give a picture to the page; what arrived at the kiosk, and the page."""
    arrived = []

    def record(body, boundary):
        arrived.append(first_file(body, boundary))
        return arrived[-1]

    monkeypatch.setattr("edge.kiosk.uploads.first_file", record)

    def run(path):
        page = visit("/upload")
        give(page, path)
        page.wait_for_selector(".card")
        return arrived[-1], page

    return run


def test_a_phones_photo_is_sent_small_upright_and_without_the_place(sent, tmp_path):
    path = taken(tmp_path / "photo.jpg", 4000, quality=100, subsampling=0)
    data, page = sent(path)
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.size) == ("JPEG", (1600, 1200))
    assert not picture.getexif()
    assert b"Exif" not in data
    assert len(data) < path.stat().st_size / 5
    assert page.text_content(".emotion") == "Happy"
    frame, shown = (page.locator(name).bounding_box() for name in (".box", "#preview"))
    middle = (frame["x"] + frame["width"] / 2 - shown["x"]) / shown["width"]
    assert 0.3 < middle < 0.6, "the frame lies on the face"


def test_a_small_picture_keeps_its_size_and_loses_the_place_too(sent, tmp_path):
    data, _ = sent(taken(tmp_path / "photo.jpg", 640))
    picture = Image.open(io.BytesIO(data))
    assert (picture.size, bool(picture.getexif())) == ((640, 480), False)


def test_no_limit_of_the_kiosk_is_met(visit, tmp_path):
    path = taken(tmp_path / "photo.png", 2000, compress_level=0)
    with running(None, source="none", max_upload_mb=1.0) as narrow:
        assert path.stat().st_size > 9e6
        page = visit("/upload", at=narrow.url)
        give(page, path)
        page.wait_for_selector(".card")


def test_what_the_browser_cannot_decode_is_sent_as_it_is(visit, tmp_path):
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 100)
    page = visit("/upload")
    give(page, tmp_path / "photo.heic")
    page.wait_for_selector("#message:not(.busy):visible")
    assert page.locator(".card").count() == 0

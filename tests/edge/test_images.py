"""Every kind of picture becomes upright RGB; everything else becomes one clear ImageError."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge.errors import ImageError, ImageTooLargeError
from edge.images import as_image, load_image, open_image
from edge.types import Box


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    """Four flat quarters: red, green, blue and white."""
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:16, :24], pixels[:16, 24:] = (255, 0, 0), (0, 255, 0)
    pixels[16:, :24], pixels[16:, 24:] = (0, 0, 255), (255, 255, 255)
    return Image.fromarray(pixels)


def corners(rgb: np.ndarray) -> list[list[int]]:
    """Colour of the four quarters, row by row."""
    height, width = rgb.shape[:2]
    rows = (height // 4, height - height // 4)
    return [rgb[y, x].tolist() for y in rows for x in (width // 4, width - width // 4)]


FOUR = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "TIFF", "WEBP", "JPEG"])
def test_reads_every_format(picture: Image.Image, form: str) -> None:
    options = {"lossless": True} if form == "WEBP" else {}
    rgb = load_image(encoded(picture, form, **options))
    assert rgb.shape == (32, 48, 3)
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    assert np.abs(np.array(corners(rgb)) - FOUR).max() <= (3 if form == "JPEG" else 0)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "jpeg", "packbits"])
def test_reads_compressed_tiff(picture: Image.Image, compression: str) -> None:
    rgb = load_image(encoded(picture, "TIFF", compression=compression))
    assert np.abs(np.array(corners(rgb)) - FOUR).max() <= 3


def test_format_is_told_by_content_not_name(picture: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "really-a-png.jpg"
    path.write_bytes(encoded(picture, "PNG"))
    assert corners(load_image(path)) == FOUR


# What a camera stores so that, turned by the orientation, the picture is upright again.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: np.rot90,
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_honours_orientation(picture: Image.Image, orientation: int, form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](np.asarray(picture))))
    options = {"lossless": True} if form == "WEBP" else {"quality": 95} if form == "JPEG" else {}
    rgb = load_image(encoded(stored, form, exif=exif, **options))
    assert rgb.shape == (32, 48, 3)
    assert np.abs(np.array(corners(rgb)) - FOUR).max() <= 3
    assert rgb.flags.c_contiguous


def test_damaged_exif_does_not_spoil_the_picture(picture: Image.Image) -> None:
    data = encoded(picture, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f garbage")
    assert load_image(data).shape == (32, 48, 3)


def test_grey_and_palette(picture: Image.Image) -> None:
    grey = load_image(encoded(picture.convert("L"), "PNG"))
    assert [pixel[0] for pixel in corners(grey)] == [76, 150, 29, 255]
    assert (grey == grey[:, :, :1]).all()
    assert corners(load_image(encoded(picture.convert("P"), "PNG"))) == FOUR
    assert set(np.unique(load_image(encoded(picture.convert("1"), "PNG")))) == {0, 255}


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize(("alpha", "wanted"), [(0, 255), (255, 0), (128, 127)])
def test_transparency_is_laid_over_white(mode: str, alpha: int, wanted: int) -> None:
    color = (0,) * (len(mode) - 1) + (alpha,)
    assert (load_image(encoded(Image.new(mode, (16, 16), color), "PNG")) == wanted).all()


def test_transparent_palette_is_laid_over_white() -> None:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([255, 0, 0, 0, 0, 255] + [0] * 762)
    assert (load_image(encoded(image, "PNG", transparency=1)) == 255).all()
    assert (load_image(encoded(image, "PNG", transparency=0))[0, 0] == [0, 0, 255]).all()
    assert (load_image(encoded(image, "GIF", transparency=1)) == 255).all()


def test_transparent_colour_of_rgb_png() -> None:
    image = Image.new("RGB", (16, 16), (9, 8, 7))
    assert (load_image(encoded(image, "PNG", transparency=(9, 8, 7))) == 255).all()


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk(form: str) -> None:
    rgb = load_image(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), form))
    assert np.abs(rgb.astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_range(form: str) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)
    rgb = load_image(encoded(Image.fromarray(np.tile(ramp, (16, 1))), form))
    assert np.abs(rgb[0, :, 0].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_grey_may_hold_fewer_bits(form: str, bits: int) -> None:
    values = np.linspace(0, 2**bits - 1, 256).round().astype(np.uint16)
    rgb = load_image(encoded(Image.fromarray(np.tile(values, (16, 1))), form))
    assert np.abs(rgb[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def deep_png(values: np.ndarray) -> bytes:
    """A PNG of 16 bits a channel, which Pillow cannot write: uint16 (H, W, 3 or 4)."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, channels = values.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep_tiff(values: np.ndarray, order: str, compress: bool) -> bytes:
    """A TIFF of 16 bits a channel, of either byte order, plain or deflated."""
    height, width, channels = values.shape
    body = values.astype(f"{order}u2").tobytes()
    body = zlib.compress(body) if compress else body
    at = 8 + 2 + 12 * 10 + 4
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, at), (259, 3, 1, 8 if compress else 1)]
    tags += [(262, 3, 1, 2), (273, 4, 1, at + 8), (277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, len(body))]
    tags += [(338, 3, 1, 2)] if channels == 4 else [(284, 3, 1, 1)]
    entries = b""
    for tag, kind, count, value in sorted(tags):
        short = kind == 3 and count == 1
        entries += struct.pack(f"{order}HHI", tag, kind, count)
        entries += struct.pack(f"{order}HH", value, 0) if short else struct.pack(f"{order}I", value)
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, len(tags))
    return head + entries + bytes(4) + struct.pack(f"{order}4H", 16, 16, 16, 16) + body


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("form", ["png", "png-alpha", "tiff-II", "tiff-MM", "tiff-II-deflated", "tiff-MM-deflated"])
def test_16_bit_colour_may_hold_fewer_bits(form: str, bits: int) -> None:
    ramp = np.linspace(0, 2**bits - 1, 256).round().astype(np.uint16)
    values = np.tile(np.stack([ramp, ramp[::-1], ramp // 2], axis=1), (16, 1, 1))
    if form.startswith("png"):
        opaque = np.full((16, 256, 1), 2**bits - 1, np.uint16)
        data = deep_png(np.concatenate([values, opaque], axis=2) if form == "png-alpha" else values)
    else:
        data = deep_tiff(values, "<" if "II" in form else ">", "deflated" in form)
    wanted = np.tile(np.stack([np.arange(256), np.arange(256)[::-1], np.arange(256) // 2], axis=1), (16, 1, 1))
    assert np.abs(load_image(data).astype(int) - wanted).max() <= 1


def test_16_bit_big_endian_tiff() -> None:
    values = np.full((16, 16), 32768, ">u2")
    tags = [
        (256, 16),
        (257, 16),
        (258, 16),
        (259, 1),
        (262, 1),
        (273, 8 + 2 + 12 * 9 + 4),
        (277, 1),
        (278, 16),
        (279, 512),
    ]
    entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in tags)
    data = b"MM\0*" + struct.pack(">IH", 8, len(tags)) + entries + bytes(4) + values.tobytes()
    assert np.abs(load_image(data).astype(int) - 128).max() <= 1


def test_16_bit_rgb_png() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row = b"\0" + struct.pack(">HHH", 65535, 32768, 0) * 16
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 16, 2, 0, 0, 0))
    data += chunk(b"IDAT", zlib.compress(row * 16)) + chunk(b"IEND", b"")
    assert np.abs(load_image(data).astype(int) - [255, 128, 0]).max() <= 1


@pytest.mark.parametrize(("top", "wanted"), [(1.0, 128), (255.0, 128), (1023.0, 128), (65535.0, 128), (9e5, 128)])
def test_floating_point_tiff(top: float, wanted: int) -> None:
    values = np.full((16, 16), top / 2, np.float32)
    values[0, 0], values[0, 1] = top, np.nan
    rgb = load_image(encoded(Image.fromarray(values), "TIFF"))
    assert rgb[5, 5].tolist() == [wanted] * 3
    assert rgb[0, 0].tolist() == [255] * 3


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_first_frame_of_an_animation(form: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ((255, 0, 0), (0, 0, 255))]
    path = tmp_path / "moving"
    path.write_bytes(encoded(frames[0], form, save_all=True, append_images=frames[1:], lossless=True))
    assert (load_image(path)[3, 3] == [255, 0, 0]).all()
    assert "moving has several frames; only the first is used" in caplog.text


def test_tells_empty_and_foreign_files() -> None:
    with pytest.raises(ImageError, match="is empty"):
        load_image(b"")
    for junk in (b"hello, I am text", b"RIFF\0\0\0\0WAVEfmt ", b"%PDF-1.7", bytes(100)):
        with pytest.raises(ImageError, match="not a picture of a known format; wanted JPEG"):
            load_image(junk)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_cut_off_files_are_refused_everywhere(form: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), form)
    # The last bytes are checksums and end marks: without them every pixel is still there.
    for end in range(1, len(data) - 24, max(1, len(data) // 40)):
        try:
            rgb = load_image(data[:end])
        except ImageError as error:
            assert "\n" not in str(error)
        else:  # only what a picture can do without may be missing
            assert form in ("GIF", "TIFF"), (form, end, len(data))
            assert rgb.shape == (64, 64, 3)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_damaged_bytes_give_a_picture_or_an_image_error(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (24, 24, 3), np.uint8)
    good = np.frombuffer(encoded(Image.fromarray(noise), form), np.uint8)
    random = np.random.default_rng(2)
    for _ in range(200):
        bad = good.copy()
        spots = random.integers(12, min(len(good), 400), 3)
        bad[spots] = random.integers(0, 256, 3)
        with contextlib.suppress(ImageError):
            assert load_image(bad.tobytes(), max_pixels=1_000_000).dtype == np.uint8
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "TIFF", "WEBP", "JPEG"])
def test_bomb_is_refused_before_decoding(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.new("RGB", (300, 200)), form)
    monkeypatch.setattr("edge.decoding.to_rgb", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(ImageError, match=r"300x200 pixels \(0.1 megapixels\), over the limit of 0.05 megapixels"):
        load_image(data, max_pixels=50_000)


def test_lossy_and_animated_webp_headers_are_read() -> None:
    lossy = encoded(Image.new("RGB", (300, 200)), "WEBP", lossless=False)
    alpha = encoded(Image.new("RGBA", (300, 200), (1, 2, 3, 4)), "WEBP", lossless=False)
    for data in (lossy, alpha):
        with pytest.raises(ImageError, match="300x200"):
            load_image(data, max_pixels=50_000)


def test_limit_can_be_raised(tmp_path: Path) -> None:
    data = encoded(Image.new("L", (14_000, 14_000)), "PNG", compress_level=1)
    with pytest.raises(ImageError, match="over the limit of 100 megapixels"):
        load_image(data, max_pixels=100_000_000)
    with pytest.raises(
        ImageTooLargeError, match="to decode it as PNG takes 234 MB of memory, over the limit of 200 MB"
    ):
        load_image(data)
    image = open_image(data, max_bytes=300_000_000)
    assert (image.rgb.shape, image.width, image.height) == ((3500, 3500, 3), 14_000, 14_000)


def test_too_small_is_refused() -> None:
    with pytest.raises(ImageError, match="1x1 pixels, too small to show a face; wanted at least 8x8"):
        load_image(encoded(Image.new("RGB", (1, 1)), "PNG"))


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file or directory"):
        load_image(tmp_path / "absent.jpg")
    with pytest.raises(ImageError, match="Is a directory"):
        load_image(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ImageError, match="symbolic links"):
        load_image(tmp_path / "loop")
    with pytest.raises(ImageError, match="null"):
        load_image("nul\0byte")


def test_reads_from_a_pipe(picture: Image.Image) -> None:
    reader, writer = os.pipe()
    os.write(writer, encoded(picture, "PNG"))
    os.close(writer)
    try:
        assert corners(load_image(f"/dev/fd/{reader}")) == FOUR
    finally:
        os.close(reader)


def test_a_large_picture_is_reduced_and_knows_its_size(photo: Path) -> None:
    large = Image.open(photo).convert("RGB").resize((5120, 5120))
    small = np.asarray(large.reduce(2)).astype(int)
    exif = Image.Exif()
    exif[0x0112] = 6
    for form, options in (("JPEG", {"quality": 95}), ("BMP", {}), ("PNG", {"compress_level": 1})):
        image = open_image(encoded(large.crop((0, 0, 5120, 4000)), form, **options))
        assert (image.rgb.shape, image.width, image.height) == ((2000, 2560, 3), 5120, 4000)
        assert np.abs(image.rgb.astype(int) - small[:2000]).mean() < 2
        assert image.place(Box(10, 20, 30, 40)) == Box(20, 40, 60, 80)
    turned = open_image(encoded(large.crop((0, 0, 5120, 4000)), "JPEG", exif=exif))
    assert (turned.rgb.shape, turned.width, turned.height) == ((2560, 2000, 3), 4000, 5120)
    assert as_image(large).rgb.shape == (2560, 2560, 3)
    kept = open_image(encoded(large.resize((4000, 3000)), "JPEG"))
    assert kept.rgb.shape == (3000, 4000, 3)


def test_tiles_of_a_picture_join_without_a_seam() -> None:
    values = np.random.default_rng(3).integers(0, 255, (1100, 1300, 4), np.uint8)
    image = Image.fromarray(values)
    for picture in (image, image.convert("RGB"), image.convert("L"), image.convert("LA"), image.quantize(16)):
        whole = picture.convert("RGBA")
        white = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
        assert np.abs(as_image(picture).rgb.astype(int) - np.asarray(white)).max() <= 1, picture.mode


@pytest.mark.parametrize(
    ("form", "edges"), [("TIFF", {278: 3000}), ("WEBP", {}), ("PNG", {}), ("JPEG", {}), ("AVIF", {})]
)
def test_what_takes_too_much_memory_is_refused_before_decoding(
    form: str, edges: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.decoding.to_rgb", lambda *_: pytest.fail("it was decoded"))
    options: dict[str, Any] = {"tiffinfo": edges, "compression": "tiff_lzw"} if form == "TIFF" else {}
    data = encoded(Image.new("RGB", (400, 300)), form, **options)
    with pytest.raises(ImageTooLargeError, match=f"to decode it as {form} takes"):
        open_image(data, max_bytes=400_000 if form == "JPEG" else 600_000)


def test_avif_is_read(picture: Image.Image) -> None:
    rgb = load_image(encoded(picture, "AVIF", quality=95))
    assert np.abs(np.array(corners(rgb)) - FOUR).max() <= 6


def test_heic_is_read_with_the_extra(picture: Image.Image) -> None:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(picture.resize((96, 64))).save(file, quality=95)
    rgb = load_image(file.getvalue())
    assert rgb.shape == (64, 96, 3)
    assert np.abs(np.array(corners(rgb)) - FOUR).max() <= 12


def test_what_cannot_be_read_says_how_it_could(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.decoding.find_spec", lambda name: None)
    heic, avif = (b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1" + bytes(99) for brand in (b"heic", b"avif"))
    with pytest.raises(ImageError, match=r"is a HEIC picture; to read it: pip install 'emotion-edge\[heic\]'"):
        load_image(heic)
    with pytest.raises(ImageError, match="is an AVIF picture; to read it: pip install"):
        load_image(avif)


@pytest.mark.parametrize("head", [b"\0\0\0\x18ftypisom", b"\x1aE\xdf\xa3", b"RIFF\0\0\0\0AVI LIST", b"FLV\x01"])
def test_a_video_is_named_as_one(head: bytes) -> None:
    with pytest.raises(ImageError, match="is a video, not a picture; follow its faces with: emotion-edge stream"):
        load_image(head + bytes(50))

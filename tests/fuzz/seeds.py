"""What the fuzzers start from: small real pictures of every kind that is read, and uploads around them."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

PHOTO = Path(__file__).parents[2] / "examples" / "astronaut.jpg"
FACE = (178, 67, 270, 159)
PNG_MARK = b"\x89PNG\r\n\x1a\n"


def pictures() -> Iterator[bytes]:
    """The photo's face, 72x72 and as small files, in every format and many of their forms."""
    face = Image.open(PHOTO).convert("RGB").crop(FACE).resize((72, 72))
    tiny = face.resize((16, 12))
    exif = Image.Exif()
    exif[0x0112] = 6
    forms: list[tuple[Image.Image, str, dict[str, object]]] = [
        (face, "JPEG", {"quality": 60, "exif": exif}),
        (face, "JPEG", {"quality": 30, "progressive": True}),
        (face.convert("CMYK"), "JPEG", {"quality": 30}),
        (face.convert("L"), "JPEG", {"quality": 40}),
        (face, "PNG", {"exif": exif}),
        (face.convert("P", palette=Image.Palette.ADAPTIVE), "PNG", {"transparency": 1}),
        (tiny.convert("RGBA"), "PNG", {}),
        (tiny.convert("I;16"), "PNG", {}),
        (tiny.convert("1"), "PNG", {}),
        (face, "WEBP", {"quality": 30, "exif": exif}),
        (tiny.convert("RGBA"), "WEBP", {"lossless": True}),
        (tiny, "WEBP", {"save_all": True, "append_images": [tiny.rotate(180)]}),
        (face, "GIF", {}),
        (tiny, "GIF", {"save_all": True, "append_images": [tiny.rotate(180)], "transparency": 1}),
        (tiny, "BMP", {}),
        (tiny.convert("P"), "BMP", {}),
        (tiny.convert("1"), "BMP", {}),
        (tiny, "TIFF", {}),
        (face, "TIFF", {"compression": "jpeg"}),
        (tiny.convert("CMYK"), "TIFF", {"compression": "tiff_lzw"}),
        (tiny.convert("F"), "TIFF", {"compression": "tiff_deflate"}),
        (tiny.convert("1"), "TIFF", {"compression": "group4"}),
        (tiny, "TIFF", {"compression": "packbits"}),
        (tiny, "AVIF", {}),
    ]
    for image, form, options in forms:
        file = io.BytesIO()
        image.save(file, form, **options)
        yield file.getvalue()
    yield _deep_png()


def _deep_png() -> bytes:
    """RGB of 16 bits a channel that holds 10."""
    row = b"\0" + struct.pack(">HHH", 1023, 700, 3) * 16
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 16, 12, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * 12)),
        (b"IEND", b""),
    )
    chunks = (struct.pack(">I", len(body)) + kind + body + bytes(4) for kind, body in parts)
    return with_checksums(PNG_MARK + b"".join(chunks))


def uploads() -> Iterator[bytes]:
    """Requests as target.py reads them: size of the chunks, type of the content, line end, body."""
    images = list(pictures())
    jpeg, webp = images[1], images[9]
    yield b"\xff" + b"image/jpeg\n" + jpeg
    yield b"\xff" + b"application/octet-stream\n" + webp
    yield b"\xff" + b"text/plain\nhello"
    yield b"\xff" + b"image/jpeg\n"
    for boundary, disposition, more in (
        (b"x", b'form-data; name="file"; filename="a.jpg"', b""),
        (
            b"----WebKitFormBoundary7MA4",
            b'form-data; name="file"; filename="a b\\".jpg"',
            b"Content-Type: image/jpeg\r\n",
        ),
        (b"yy", b"form-data; name=file; filename*=UTF-8''%e2%82%ac.jpg", b"X-Long: " + b"a" * 200 + b"\r\n"),
        (b"yy", b'form-data; name="note"', b""),
    ):
        head = b"--" + boundary + b"\r\nContent-Disposition: " + disposition + b"\r\n" + more + b"\r\n"
        note = b"--" + boundary + b'\r\nContent-Disposition: form-data; name="n"\r\n\r\nhello\r\n'
        kind = b"multipart/form-data; boundary=" + boundary + b"\n"
        yield b"\x40" + kind + note + head + jpeg + b"\r\n--" + boundary + b"--\r\n"
        yield b"\x07" + kind + head + b"\xff\xd8\xffshort\r\n--" + boundary + b"--\r\n"
        yield b"\x03" + kind + head + b"cut off"


def with_checksums(data: bytes) -> bytes:
    """A PNG file with the right checksum on every chunk, or else hardly a mutation would get past the first."""
    if not data.startswith(PNG_MARK):
        return data
    result, at = bytearray(data), 8
    while at + 12 <= len(data):
        end = at + 8 + struct.unpack(">I", data[at : at + 4])[0]
        if end + 4 > len(data):
            break
        result[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(result)


def spliced(data: bytes, others: list[bytes], seed: int) -> bytes:
    """A piece of another seed of the same format put into this one."""
    chance = random.Random(seed)
    same = [other for other in others if other[:3] == data[:3]]
    if not same or len(data) < 16:
        return data
    other = chance.choice(same)
    start = chance.randrange(8, len(other))
    piece = other[start : start + chance.randrange(1, 64)]
    at = chance.randrange(8, len(data))
    return data[:at] + piece + data[at + chance.choice((0, len(piece))) :]

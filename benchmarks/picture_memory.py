"""Peak memory of reading the largest picture that is accepted, by format: ``python -m benchmarks.picture_memory``.

Each picture lies just below the limit, and a little larger one is checked to be refused. `emotion-edge predict` reads
it in a process of its own, after a small one, as later pictures find the networks in memory. The peak is printed beside
what was foreseen, and written to benchmarks/results: what is the process's own, and with it the pages of library files.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

from PIL import Image

from common.records import COMMAND, measured
from edge.decoding import MAX_BYTES, MAX_PIXELS

RESULT = Path(__file__).parent / "results" / "picture_memory.json"
LIMIT_MB = 300
# Pages of library files are the system's cache, seen from the process: about 55 MB, and up to 25 MB more where Linux
# (from 6.16 on, on ext4) holds a file that was read in one go in pieces of 2 MB. So the rest is what is limited.
LIBRARIES_MB = 55
OWN_LIMIT_MB = LIMIT_MB - LIBRARIES_MB
SMALL = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
Size = tuple[int, int]

CHILD = """
import sys
from pathlib import Path
from edge.cli import main
try:
    main()
except SystemExit as end:
    status = end.code
kb = dict(line.split()[:2] for line in Path("/proc/self/status").read_text().splitlines() if line.endswith("kB"))
print(f"peak_kb={kb['VmHWM:']} files_kb={kb['RssFile:']}", file=sys.stderr)
sys.exit(status)
"""


@dataclass(frozen=True)
class Form:
    """A format and mode: what it costs at the limit, and how such a picture is made.

    Attributes:
        bytes_a_pixel: Foreseen memory for each pixel in the file, with the reduction that its size brings.
        make: Width and height in pixels to an encoded picture.
        height: Where the shape is to be extreme.
    """

    bytes_a_pixel: float
    make: Callable[[Size], bytes]
    height: int | None = None

    def size(self, share: float = 0.99) -> Size:
        """The largest picture of this form that is accepted, times a share."""
        pixels = share * min(MAX_BYTES / self.bytes_a_pixel, MAX_PIXELS)
        if self.height:
            return int(pixels / self.height), self.height
        width = round(sqrt(pixels * 4 / 3))
        return width, int(pixels / width)


def _pillow(mode: str, form: str, *, frames: bool = False, **options: Any) -> Callable[[Size], bytes]:
    def make(size: Size) -> bytes:
        image = Image.new(mode, size)
        # Not one colour alone, or a decoder could take a shortcut.
        image.paste(Image.linear_gradient("L").convert(mode), (size[0] // 4, 0))
        more = {"save_all": True, "append_images": [Image.new(mode, size, 9)]} if frames else {}
        file = io.BytesIO()
        image.save(file, form, **options, **more)
        return file.getvalue()

    return make


def _deep_png(size: Size) -> bytes:
    """RGB of 16 bits a channel that holds 12, which is decoded twice."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    row, packer = b"\0" + struct.pack(">HHH", 4095, 2000, 7) * size[0], zlib.compressobj(1)
    data = b"".join(packer.compress(row) for _ in range(size[1])) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _heic(size: Size) -> bytes:
    import pillow_heif

    file = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", size, (90, 120, 40))).save(file, quality=10)
    return file.getvalue()


STRIP = {"tiffinfo": {278: 1 << 20}}  # all rows in one strip
FAST = {"compress_level": 1}
FORMS: dict[str, Form] = {
    "JPEG": Form(7 / 64, _pillow("RGB", "JPEG")),
    "JPEG, progressive": Form(3.25, _pillow("RGB", "JPEG", progressive=True)),
    "JPEG, progressive 4:4:4": Form(7, _pillow("RGB", "JPEG", progressive=True, subsampling=0)),
    "JPEG, progressive CMYK": Form(9, _pillow("CMYK", "JPEG", progressive=True)),
    "PNG, RGB": Form(4.75, _pillow("RGB", "PNG", **FAST)),
    "PNG, RGBA": Form(4.75, _pillow("RGBA", "PNG", **FAST)),
    "PNG, grey and alpha": Form(4.75, _pillow("LA", "PNG", **FAST)),
    "PNG, palette with transparency": Form(1.1875, _pillow("P", "PNG", transparency=0, **FAST)),
    "PNG, palette, 8 pixels high": Form(1.25, _pillow("P", "PNG", transparency=0, **FAST), height=8),
    "PNG, RGBA, 8 pixels high": Form(5, _pillow("RGBA", "PNG", **FAST), height=8),
    "PNG, grey of 16 bits": Form(2 + 1 / 3, _pillow("I;16", "PNG", **FAST)),
    "PNG, RGB of 16 bits": Form(8.75, _deep_png),
    "WebP": Form(16, _pillow("RGB", "WEBP", method=0)),
    "WebP, lossless": Form(16, _pillow("RGBA", "WEBP", lossless=True, method=0, quality=0)),
    "WebP, animated": Form(16, _pillow("RGB", "WEBP", frames=True, method=0)),
    "GIF": Form(1.1875, _pillow("P", "GIF")),
    "GIF, animated": Form(1.1875, _pillow("P", "GIF", frames=True)),
    "BMP": Form(4.75, _pillow("RGB", "BMP")),
    "TIFF": Form(4.75, _pillow("RGB", "TIFF")),
    "TIFF, LZW in one strip": Form(7, _pillow("RGB", "TIFF", compression="tiff_lzw", **STRIP)),
    "TIFF, CMYK deflated in one strip": Form(8, _pillow("CMYK", "TIFF", compression="tiff_deflate", **STRIP)),
    "TIFF, floating point": Form(4.75, _pillow("F", "TIFF")),
    "AVIF": Form(15, _pillow("RGB", "AVIF", speed=10)),
    "AVIF, RGBA": Form(19, _pillow("RGBA", "AVIF", speed=10, subsampling="4:4:4")),
    "HEIC": Form(8, _heic),
}


def measure(form: Form, folder: Path) -> dict[str, Any]:
    """Read the largest accepted picture of a form in a process of its own; AssertionError where the limit fails."""
    path = folder / "picture"
    path.write_bytes(form.make(form.size(1.03)))
    refused = predict(path)
    if "over the limit" not in refused["error"]:
        raise AssertionError(f"a picture above the limit was not refused: {refused}")
    path.write_bytes(form.make(form.size()))
    found = predict(path)
    if found["error"]:
        raise AssertionError(found["error"])
    width, height = form.size()
    foreseen = width * height * form.bytes_a_pixel / 1e6
    return {
        "width": width,
        "height": height,
        "file_bytes": path.stat().st_size,
        "foreseen_mb": round(foreseen),
        **found,
    }


def predict(path: Path) -> dict[str, Any]:
    """Peak memory in MB of a process that reads a small picture and this one, and milliseconds of this one."""
    command = [sys.executable, "-c", CHILD, "predict", str(SMALL), str(path), "--format", "jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"peak_kb=(\d+) files_kb=(\d+)", done.stderr)
    if not found:
        raise AssertionError(done.stderr)
    peak, files = (int(kb) * 1024 / 1e6 for kb in found.groups())
    result = json.loads(done.stdout.splitlines()[-1])
    timing = {f"{name}_ms": round(value) for name, value in result["timing_ms"].items()}
    return {"own_mb": round(peak - files), "peak_mb": round(peak), "error": result["error"] or "", **timing}


def main() -> None:
    """Measure all forms, or those named; print the table and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("forms", nargs="*", default=list(FORMS), help="all by default, with the record")
    chosen = parser.parse_args().forms
    print(
        "| picture | size | file | foreseen | own peak | with library files | decoding |\n"
        "| --- | --- | --- | --- | --- | --- | --- |"
    )
    rows, about = {}, measured(*COMMAND, "benchmarks/picture_memory.py")
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            row = rows[name] = measure(FORMS[name], Path(folder))
            size, kb = f"{row['width']}x{row['height']}", row["file_bytes"] / 1e3
            memory = " | ".join(f"{row[key]} MB" for key in ("foreseen_mb", "own_mb", "peak_mb"))
            print(f"| {name} | {size} | {kb:.0f} kB | {memory} | {row['decode_ms'] / 1e3:.1f} s |", flush=True)
    highest = max(row["own_mb"] for row in rows.values())
    print(f"\nhighest: {highest} MB, wanted at most {OWN_LIMIT_MB}, and {LIBRARIES_MB} MB of library files")
    if len(chosen) == len(FORMS):
        record = {"measured": about, "limit_mb": OWN_LIMIT_MB, "highest_mb": highest, "pictures": rows}
        RESULT.write_text(json.dumps(record, indent=1) + "\n")
    raise SystemExit(highest > OWN_LIMIT_MB)


if __name__ == "__main__":
    main()

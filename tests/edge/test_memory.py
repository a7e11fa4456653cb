"""What reading a picture takes in memory, as its own process measures it, at the limit of what is accepted."""

from __future__ import annotations

import base64
import io
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.picture_memory import FORMS, OWN_LIMIT_MB, measure, predict
from edge.errors import ImageTooLargeError
from edge.images import open_image

# A lossless WebP of 8000x5000 pixels in 38 bytes.
BOMB = base64.b64decode("UklGRh4AAABXRUJQVlA4TBEAAAAvP9/hFAdQyyIXr4CBiOh/AAA=")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "JPEG, progressive CMYK",
        "PNG, RGBA",
        "PNG, palette, 8 pixels high",
        "PNG, RGB of 16 bits",
        "WebP, lossless",
        "TIFF, LZW in one strip",
        "AVIF, RGBA",
    ],
)
def test_the_largest_picture_that_is_accepted_stays_below_300_mb(name: str, tmp_path: Path) -> None:
    found = measure(FORMS[name], tmp_path)  # a little larger one must be refused
    assert found["own_mb"] <= OWN_LIMIT_MB


def test_a_few_bytes_cannot_take_a_gigabyte(tmp_path: Path) -> None:
    with pytest.raises(
        ImageTooLargeError, match=r"8000x5000 pixels .* takes 640 MB of memory, over the limit of 200 MB"
    ):
        open_image(BOMB)
    (tmp_path / "bomb.webp").write_bytes(BOMB)
    assert predict(tmp_path / "bomb.webp")["own_mb"] < 90


def test_a_40_megapixel_photo_stays_below_300_mb(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.linear_gradient("L").convert("RGB").resize((7300, 5500)).save(path)
    found = predict(path)
    assert found["error"] == ""
    assert found["own_mb"] <= OWN_LIMIT_MB


def pictures() -> dict[str, bytes]:
    """Uploads that once took 0.7 to 1.8 GB."""
    files = {"bomb.webp": BOMB}
    for name, mode, form, options in (
        ("palette.png", "P", "PNG", {"transparency": 0}),
        ("photo.jpg", "RGB", "JPEG", {}),
        ("scans.jpg", "RGB", "JPEG", {"progressive": True, "subsampling": 0}),
        ("alpha.png", "RGBA", "PNG", {"compress_level": 1}),
    ):
        file = io.BytesIO()
        Image.new(mode, (7300, 5400)).save(file, form, **options)
        files[name] = file.getvalue()
    return files


SERVE = """
import sys, resource
resource.setrlimit(resource.RLIMIT_DATA, (512 << 20, 512 << 20))
from edge.cli import main
main()
"""


@pytest.mark.slow
def test_no_upload_kills_the_kiosk_under_its_units_limit(environment: dict[str, str], root: Path) -> None:
    httpx = pytest.importorskip("httpx")
    assert "MemoryMax=512M" in (root / "deploy" / "emotion-edge-kiosk.service").read_text()
    assert hasattr(resource, "RLIMIT_DATA")
    command = [sys.executable, "-c", SERVE, "kiosk", "--source", "none", "--port", "0"]
    kiosk = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        line = kiosk.stderr.readline()
        address = line.split()[2]
        statuses: dict[str, Any] = {}
        for name, data in pictures().items():
            headers = {"content-type": "application/octet-stream"}
            reply = httpx.post(f"{address}api/predict", content=data, headers=headers, timeout=60)
            statuses[name] = (reply.status_code, (reply.json().get("error") or {}).get("code"))
        assert statuses == {
            "bomb.webp": (413, "too_many_pixels"),
            "palette.png": (200, None),
            "photo.jpg": (200, None),
            "scans.jpg": (413, "too_many_pixels"),
            "alpha.png": (200, None),
        }
        assert httpx.get(f"{address}healthz").json()["status"] == "ok"
        peak = next(
            row for row in Path(f"/proc/{kiosk.pid}/status").read_text().splitlines() if row.startswith("VmHWM")
        )
        assert int(peak.split()[1]) < 400_000
    finally:
        kiosk.terminate()
        kiosk.wait(20)

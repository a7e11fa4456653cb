"""What is fuzzed, under atheris: ``python tests/fuzz/target.py decode|upload STATUS CORPUS [libFuzzer options]``.

``decode`` gives bytes to load_image and what comes out to the pipeline; only ImageError may come from the first and
nothing from the second. ``upload`` gives a request to the kiosk's upload desk, which must answer with one of the
statuses it documents. STATUS is a file that the number of executions and the memory are written to as they grow.
With ``--replay`` the corpus is run five times over without fuzzing: then memory may not grow any more.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import atheris
from seeds import pictures, spliced, uploads, with_checksums

with atheris.instrument_imports(include=["edge", "PIL", "python_multipart"]):
    from PIL import (  # noqa: F401 - what load_image imports when it meets the format
        AvifImagePlugin,
        BmpImagePlugin,
        GifImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )
    from starlette.requests import Request

    from edge import Classifier, Pipeline
    from edge.errors import ImageError
    from edge.images import load_image
    from edge.kiosk.uploads import UploadDesk

# Small pictures only: a fuzzer learns nothing from the seconds that large ones take.
MAX_PIXELS = 40_000
MAX_BYTES = 20_000
STATUSES = {200, 400, 413, 415}
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
Target = Callable[[bytes], None]


def rss_kb() -> int:
    """Resident memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KB


class Status:
    """Counts executions around a target, and notes them with the memory every thousand."""

    def __init__(self, target: Target, path: Path) -> None:
        self.target, self.path = target, path
        self.executions = 0
        self.began_s = time.monotonic()

    def __call__(self, data: bytes) -> None:
        self.target(data)
        self.executions += 1
        if self.executions % 1000 == 0:
            seconds = round(time.monotonic() - self.began_s, 1)
            line = {"executions": self.executions, "seconds": seconds, "rss_kb": rss_kb()}
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")


def decode_target() -> Target:
    """Bytes to load_image, and the picture to the pipeline."""
    pipeline = Pipeline(Classifier(threads=1))

    def run(data: bytes) -> None:
        try:
            rgb = load_image(data, max_pixels=MAX_PIXELS)
        except ImageError as error:
            if "\n" in str(error):
                raise AssertionError(f"more than one line: {error!r}") from error
            return
        result = pipeline.analyze(rgb)
        if not result.faces or rgb.dtype != "uint8" or rgb.shape != (result.height, result.width, 3):
            raise AssertionError(f"{rgb.shape} {rgb.dtype} gave {result}")
        json.dumps(result.to_dict(), allow_nan=False)

    return run


def upload_target() -> Target:
    """A request to the upload desk: a byte for the size of its chunks, the content type, a line end, the body."""
    desk = UploadDesk(lambda: Pipeline(Classifier(threads=1), "none"), max_bytes=MAX_BYTES, slots=1)
    loop = asyncio.new_event_loop()

    async def post(kind: bytes, body: bytes, size: int) -> None:
        parts = [body[at : at + size] for at in range(0, len(body), size)] or [b""]

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        scope = {"type": "http", "method": "POST", "path": "/api/predict", "headers": [(b"content-type", kind)]}
        scope["query_string"] = b"fallback=true"
        response = await desk.handle(Request(scope, receive))
        reply = json.loads(bytes(response.body))
        # 503 would mean that a place was never given back.
        if response.status_code not in STATUSES or (response.status_code == 200) != ("faces" in reply):
            raise AssertionError(f"{response.status_code} {reply}")

    def run(data: bytes) -> None:
        head, _, body = data[1:].partition(b"\n")
        loop.run_until_complete(post(head, body, max(1, data[0] if data else 1) * 16))

    return run


def mutator(seeds: list[bytes]) -> Callable[[bytes, int, int], bytes]:
    """LibFuzzer's own mutations and pieces of the seeds; PNG checksums are mended most of the time."""

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        changed = spliced(data, seeds, seed) if seed % 8 == 0 else atheris.Mutate(data, max_size)
        return (with_checksums(changed) if seed % 4 else changed)[:max_size]

    return mutate


def replay(status: Status, corpus: Path) -> None:
    """Run the corpus five times and print the memory after each."""
    files = [path.read_bytes() for path in sorted(corpus.iterdir())]
    passes = []
    for _ in range(5):
        for data in files:
            status(data)
        passes.append(rss_kb())
    sys.stdout.write(json.dumps({"inputs": len(files), "rss_kb": passes}) + "\n")


def main() -> None:
    """Set up the named target and fuzz, or replay."""
    name, where, corpus, *options = sys.argv[1:]
    logging.disable()
    seeds = list(pictures() if name == "decode" else uploads())
    status = Status({"decode": decode_target, "upload": upload_target}[name](), Path(where))
    if options == ["--replay"]:
        replay(status, Path(corpus))
        return
    for number, data in enumerate(seeds):
        (Path(corpus) / f"seed-{number:02}").write_bytes(data)
    keywords = {"custom_mutator": mutator(seeds)} if name == "decode" else {}
    atheris.Setup([sys.argv[0], *options, corpus], status, **keywords)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""Does the kiosk's memory stay where it is? One hour with viewers who come and go, uploads, and a camera that drops.

python -m benchmarks.soak_kiosk            # one hour; writes benchmarks/results/soak_kiosk.json
python -m benchmarks.soak_kiosk --print    # prints the last record

The camera is an MJPEG stream over HTTP that ends after half a minute or so and is away for some seconds. Ten minutes at
the end are compared with ten after the first ten: by then whatever comes by chance has met whatever else.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import random
import threading
import time
from pathlib import Path

import click
import cv2

from benchmarks.kiosk_load import PHOTO, follow, kiosk, latest, processed
from benchmarks.memory import LIMIT_KB, watch
from benchmarks.scenes import heads_from, render, two_people
from common.records import KIOSK, measured

RESULT = Path(__file__).parent / "results" / "soak_kiosk.json"
FPS = 15
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=f\r\nConnection: close\r\n\r\n"


def frames() -> list[bytes]:
    """Two people for ten seconds, as JPEG."""
    actors = two_people(heads_from(PHOTO), 10)
    pictures = (render(actors, index / FPS)[:, :, ::-1] for index in range(10 * FPS))
    return [cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures]


class World:
    """Everything around the kiosk, in one event loop: the camera, viewers and uploads."""

    def __init__(self, seed: int = 0) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self._random = random.Random(seed)
        self._frames = frames()
        self._away_until = 0.0

    async def camera(self) -> int:
        """Start the camera; gives its port."""
        server = await asyncio.start_server(self._film, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _film(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            if time.monotonic() > self._away_until:
                await self._send(writer, self._random.uniform(15, 45))
                self.counts["camera drops"] += 1
                self._away_until = time.monotonic() + self._random.uniform(0, 5)
        writer.close()

    async def _send(self, writer: asyncio.StreamWriter, seconds: float) -> None:
        writer.write(HEAD)
        for index in range(round(seconds * FPS)):
            jpeg = self._frames[index % len(self._frames)]
            writer.write(b"--f\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg))
            await writer.drain()
            await asyncio.sleep(1 / FPS)

    async def visit(self, port: int) -> None:
        """Ten viewers of picture and events, each gone after a while and back after another, and one who uploads."""
        await asyncio.gather(*(self._viewer(port) for _ in range(10)), self._uploader(port))

    async def _viewer(self, port: int) -> None:
        while True:
            path = self._random.choice(("/stream.mjpg", "/events"))
            try:
                self.counts["bytes seen"] += await follow(port, path, self._random.uniform(2, 40))
                self.counts[f"visits to {path}"] += 1
            except OSError:
                self.counts["broken visits"] += 1
            await asyncio.sleep(self._random.uniform(0, 20))

    async def _uploader(self, port: int) -> None:
        body = PHOTO.read_bytes()
        head = "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        while True:
            answer = b"nothing"
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(request)
                answer = await reader.read()
                writer.close()
            self.counts[f"uploads answered {answer[9:12].decode()}"] += 1
            await asyncio.sleep(self._random.uniform(2, 8))


def soak(seconds: float) -> dict[str, object]:
    """Run the kiosk that long; its memory, and what it went through."""
    world, loop = World(), asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    camera = asyncio.run_coroutine_threadsafe(world.camera(), loop).result()
    with kiosk(f"http://127.0.0.1:{camera}/") as (process, port, _first):
        end = time.monotonic() + seconds
        visits = asyncio.run_coroutine_threadsafe(world.visit(port), loop)
        found = watch(process.pid, lambda: process.is_running() and time.monotonic() < end, settle_min=10, span_min=10)
        visits.cancel()
        time.sleep(1)
        state = latest(port).get("state", "gone")
        threads, files = process.num_threads(), process.num_fds()
        frames_done = processed(port)
    counts = dict(sorted(world.counts.items()))
    after = {"state_after": state, "threads_after": threads, "open_files_after": files}
    return {"seconds": seconds, "frames": frames_done, "counts": counts, **after, **found}


@click.command()
@click.option("--seconds", default=3600.0, show_default=True, help="How long.")
@click.option("--print", "only_print", is_flag=True, help="Print the record instead of making one.")
def main(*, seconds: float, only_print: bool) -> None:
    """Measure the kiosk's memory over time."""
    if not only_print:
        about = {"measured": measured(*KIOSK, "benchmarks/soak_kiosk.py"), "limit_kb": LIMIT_KB}
        RESULT.write_text(json.dumps({**about, **soak(seconds)}, indent=2) + "\n")
    record = json.loads(RESULT.read_text())
    click.echo(json.dumps(record, indent=2))
    if record["growth_kb"] > record["limit_kb"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

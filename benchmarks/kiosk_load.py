"""The kiosk under load: many viewers, many uploads, and clients that mean no good.

    python benchmarks/kiosk_load.py [--seconds 60] [--uploads 1000] [--output benchmarks/results/kiosk.json]

The kiosk runs in a process of its own on the demo source (two drawn faces, 640x480, 25 frames a second); the clients in
another one, so that neither waits for the other's interpreter. Everything stays on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import cv2
import psutil

from common.records import KIOSK, measured

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "examples" / "astronaut.jpg"
START = "import sys; sys.argv[0] = 'emotion-edge'; from edge.cli import main; main()"


@contextlib.contextmanager
def kiosk(source: str = "demo"):
    """A kiosk in a process of its own; gives it, its port, and the seconds until its first face."""
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    began = time.monotonic()
    command = [sys.executable, "-c", START, "kiosk", "--source", source, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ, cwd=ROOT)
    try:
        found = None
        while found is None:
            line = process.stderr.readline()
            if not line:
                raise SystemExit("the kiosk did not start")
            found = re.search(r"http://localhost:(\d+)/", line)
        port = int(found[1])
        threading.Thread(target=process.stderr.read, daemon=True).start()
        while not latest(port).get("faces"):
            time.sleep(0.02)
        yield psutil.Process(process.pid), port, time.monotonic() - began
    finally:
        process.terminate()
        process.wait(15)


def fetch(port: int, path: str) -> bytes:
    """What an address of the kiosk gives."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
        return reply.read()


def latest(port: int) -> dict:
    """The newest result, or nothing yet."""
    try:
        return json.loads(fetch(port, "/api/latest"))
    except OSError:
        return {}


def processed(port: int) -> int:
    """How many frames went through the pipeline."""
    text = fetch(port, "/metrics").decode()
    return int(float(re.search(r'emotion_edge_stage_seconds_count\{stage="detect"\} ([\d.]+)', text)[1]))


def rate(port: int, seconds: float) -> float:
    """Frames a second through the whole pipeline."""
    first, began = processed(port), time.monotonic()
    time.sleep(seconds)
    return (processed(port) - first) / (time.monotonic() - began)


# --- the clients, in a process of their own -------------------------------------------------------------------------


async def follow(port: int, path: str, seconds: float) -> int:
    """Read one endless answer; how many bytes came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    total = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while part := await reader.read(1 << 18):
                total += len(part)
    writer.close()
    return total


async def viewers(port: int, seconds: float) -> dict:
    """Twenty of the picture and fifty of the events."""
    paths = ["/stream.mjpg"] * 20 + ["/events"] * 50
    totals = await asyncio.gather(*(follow(port, path, seconds) for path in paths))
    return {
        "video_mb": round(sum(totals[:20]) / 1e6, 1),
        "events_mb": round(sum(totals[20:]) / 1e6, 1),
        "least": min(totals),
    }


async def crowd(port: int, seconds: float, video: float, events: float) -> dict:
    """So many of the picture and so many of the events; how many of them were let in."""
    paths = ["/stream.mjpg"] * int(video) + ["/events"] * int(events)

    async def come(place: int, path: str) -> int:
        # One after the other: of more than 128 that come in the same moment, the first are cut off.
        wait_s = place * 0.005
        await asyncio.sleep(wait_s)
        return await follow(port, path, seconds - wait_s)

    totals = await asyncio.gather(*(come(place, path) for place, path in enumerate(paths)))
    # A refusal is a few hundred bytes and the end; the events of a second are more.
    return {"let_in": sum(total > 1000 for total in totals), "mb": round(sum(totals) / 1e6, 1)}


async def uploader(port: int, body: bytes, left: list[int], outcomes: collections.Counter) -> None:
    """Upload until none is left; one that is told to come back does."""
    head = "POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: "
    request = f"{head}{len(body)}\r\n\r\n".encode() + body
    reader = writer = None
    while left[0] > 0:
        left[0] -= 1
        status = "503"
        while status == "503":
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(request)
                answer = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(re.search(rb"content-length: (\d+)", answer, re.I)[1]))
                status = answer[9:12].decode()
            except (OSError, asyncio.IncompleteReadError):
                status, answer = "broken", b"connection: close"
            outcomes[status] += 1
            if b"connection: close" in answer.lower():
                writer = None
            if status == "503":
                await asyncio.sleep(0.2)


async def uploads(port: int, count: float) -> dict:
    """Eight clients that share out so many uploads."""
    outcomes: collections.Counter = collections.Counter()
    left = [int(count)]
    began = time.monotonic()
    await asyncio.gather(*(uploader(port, PHOTO.read_bytes(), left, outcomes) for _ in range(8)))
    return {"outcomes": dict(outcomes), "per_second": round(int(count) / (time.monotonic() - began), 1)}


async def siege(port: int, seconds: float) -> dict:
    """300 clients whose headers never end, 30 that never read, while one honest client asks for a page."""
    links = []
    for _ in range(300):
        links.append(await asyncio.open_connection("127.0.0.1", port))
        links[-1][1].write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-")
    for _ in range(30):
        links.append(await asyncio.open_connection("127.0.0.1", port, limit=1024))
        links[-1][1].write(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
    waits, failures = [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            async with asyncio.timeout(10):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                failures += b" 200 " not in await reader.read(20)
                writer.close()
        except (OSError, TimeoutError):
            failures += 1
        waits.append((time.monotonic() - began) * 1000)
        for _, slow in links[:300:30]:
            with contextlib.suppress(OSError):
                slow.write(b"a")
        await asyncio.sleep(0.1)
    for _, writer in links:
        writer.close()
    waits.sort()
    return {
        "requests": len(waits),
        "failures": failures,
        "median_ms": round(waits[len(waits) // 2], 1),
        "worst_ms": round(waits[-1], 1),
    }


CLIENTS = {"viewers": viewers, "crowd": crowd, "uploads": uploads, "siege": siege}


def clients(kind: str, port: int, *amounts: float) -> subprocess.Popen:
    """Start one kind of clients."""
    command = [sys.executable, __file__, "--client", kind, str(port), *map(str, amounts)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def result_of(process: subprocess.Popen) -> dict:
    """Wait for clients and take what they found."""
    return json.loads(process.communicate()[0])


# --- the measurements -----------------------------------------------------------------------------------------------


def measure_start(folder: Path) -> dict:
    """Seconds from the command to the first face, of the demo and of a video."""
    video = folder / "photo.avi"
    photo = cv2.imread(str(PHOTO))
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 25, (photo.shape[1], photo.shape[0]))
    for _ in range(50):
        writer.write(photo)
    writer.release()
    report = {}
    for name, source in (("demo", "demo"), ("video", str(video))):
        with kiosk(source) as (_process, _port, seconds):
            report[f"seconds_to_first_face_{name}"] = round(seconds, 2)
    return report


def measure_viewers(seconds: float) -> dict:
    """The loop's frame rate alone and with seventy viewers."""
    with kiosk() as (process, port, _):
        before = rate(port, 10)
        process.cpu_percent()
        crowd = clients("viewers", port, seconds + 4)
        time.sleep(2)
        during = rate(port, seconds)
        cpu = process.cpu_percent()
        seen = result_of(crowd)
        time.sleep(1)
        after = rate(port, 10)
    alone = (before + after) / 2
    return {
        "fps_alone": round(alone, 2),
        "fps_with_70_viewers": round(during, 2),
        "loss_percent": round(100 * (1 - during / alone), 1),
        "kiosk_cpu_percent_of_a_core": round(cpu),
        "seconds": seconds,
        **seen,
    }


def measure_uploads(count: int) -> dict:
    """Memory and outcomes over many uploads."""
    with kiosk() as (process, port, _):
        result_of(clients("uploads", port, 100))
        warm = process.memory_info().rss
        halves = []
        for _ in range(2):
            halves.append(result_of(clients("uploads", port, count / 2)))
            halves[-1]["rss_mb"] = round(process.memory_info().rss / 1e6, 1)
        still_live = latest(port)["state"]
    outcomes: collections.Counter = collections.Counter()
    for half in halves:
        outcomes.update(half["outcomes"])
    return {
        "clients": 8,
        "uploads": count,
        "outcomes": dict(outcomes),
        "per_second": halves[1]["per_second"],
        "rss_mb_after_100": round(warm / 1e6, 1),
        "rss_mb_after_half": halves[0]["rss_mb"],
        "rss_mb_after_all": halves[1]["rss_mb"],
        "state_after": still_live,
    }


def measure_siege(seconds: float) -> dict:
    """An honest client among hostile ones."""
    with kiosk() as (_, port, _first):
        before = rate(port, 5)
        attack = clients("siege", port, seconds)
        time.sleep(1)
        during = rate(port, seconds - 2)
        return {**result_of(attack), "fps_alone": round(before, 2), "fps_during": round(during, 2)}


def main() -> None:
    """Run all three, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--uploads", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results" / "kiosk.json")
    parser.add_argument("--client", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        kind, port, *amounts = options.client
        print(json.dumps(asyncio.run(CLIENTS[kind](int(port), *map(float, amounts)))))
        return
    with tempfile.TemporaryDirectory() as folder:
        report = measure(folder, options)
    text = json.dumps(report, indent=2)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text + "\n")
    print(text)


def measure(folder: str, options: argparse.Namespace) -> dict:
    """All measurements, one after the other."""
    return {
        "measured": measured(*KIOSK, "benchmarks/kiosk_load.py"),
        "start": measure_start(Path(folder)),
        "viewers": measure_viewers(options.seconds),
        "uploads": measure_uploads(options.uploads),
        "siege": measure_siege(min(options.seconds, 20)),
    }


if __name__ == "__main__":
    main()

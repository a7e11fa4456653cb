"""Does the stream's memory stay where it is? One hour of the synthetic source, and 200 lost cameras.

python -m benchmarks.soak_stream            # one hour and 200 drops; writes benchmarks/results/soak_stream.json
python -m benchmarks.soak_stream --print    # prints the last record
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import click

from benchmarks.memory import LIMIT_KB, watch
from common.records import STREAM, measured

RESULT = Path(__file__).parent / "results" / "soak_stream.json"


class Flaky:
    """The synthetic source, unplugged after every few frames, and an end after enough of that."""

    name, live = "flaky", True

    def __init__(self, drops: int, stop: threading.Event) -> None:
        from edge.sources.synthetic import SyntheticSource

        self._source = SyntheticSource(2, fps=50)
        self._drops = drops
        self._stop = stop
        self._lives = [0]  # shared by the copies that a reconnect makes
        self._frames = 0

    def open(self) -> None:
        """Plugged in again."""
        self._lives[0] += 1
        self._frames = 0
        self._source.open()

    def read(self, timeout_s: float) -> object:
        """A frame, or the next fault."""
        from edge.errors import CameraLostError

        self._frames += 1
        if self._frames > 20:
            if self._lives[0] > self._drops:
                self._stop.set()
            raise CameraLostError("flaky: unplugged")
        return self._source.read(timeout_s)

    def close(self) -> None:
        """Nothing is held."""
        self._source.close()


def lose_cameras(drops: int) -> None:
    """Run a stream through so many lost cameras (in a process of its own)."""
    from edge.classifier import Classifier
    from edge.stream import Stream

    stop = threading.Event()
    stream = Stream(Flaky(drops, stop), "auto", Classifier(threads=1))  # type: ignore[arg-type]
    stream.run(stop)
    counts = stream.snapshot().counts
    click.echo(json.dumps({"reconnects": counts["reconnects"], "frames": counts["processed"]}))


def soak_drops(drops: int) -> dict[str, object]:
    """A process that loses so many cameras."""
    words = [sys.executable, "-m", "benchmarks.soak_stream", "--child", str(drops)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lost = watch(process.pid, lambda: process.poll() is None)
    counts = json.loads(process.stdout.read() or b"{}") if process.stdout else {}
    return {"drops": drops, **counts, **lost}


def soak_hour(folder: Path, seconds: float, fps: float) -> dict[str, object]:
    """The command itself, with its output file, event log and a rotation every ten minutes."""
    output, events = folder / "out.jsonl", folder / "events.db"
    words = [sys.executable, "-m", "edge", "stream", "--source", "synthetic:2", "--fps", str(fps), "--threads", "1"]
    words += ["--duration", str(seconds), "--output", str(output), "--events", str(events)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE)

    def rotate() -> None:
        if process.poll() is None:
            output.rename(folder / "old.jsonl")
            process.send_signal(signal.SIGHUP)
            timer = threading.Timer(600, rotate)
            timer.daemon = True
            timer.start()

    first = threading.Timer(min(600, seconds / 2), rotate)
    first.daemon = True
    first.start()
    figures = watch(process.pid, lambda: process.poll() is None, span_min=10)
    first.cancel()
    summary = process.stderr.read().decode().strip() if process.stderr else ""
    return {"seconds": seconds, "exit_code": process.returncode, "summary": summary, **figures}


@click.command()
@click.option("--seconds", default=3600.0, show_default=True, help="How long the first part runs.")
@click.option("--fps", default=15.0, show_default=True, help="Frames a second of the first part.")
@click.option("--drops", default=200, show_default=True, help="Lost cameras of the second part.")
@click.option("--part", type=click.Choice(["drops", "hour"]), help="Measure only this; the rest is kept.")
@click.option("--print", "only_print", is_flag=True, help="Print the record instead of making one.")
@click.option("--child", type=int, hidden=True, help="Be the process that loses cameras.")
def main(*, seconds: float, fps: float, drops: int, part: str | None, only_print: bool, child: int | None) -> None:
    """Measure the stream's memory over time."""
    if child is not None:
        lose_cameras(child)
        return
    if not only_print:
        record = json.loads(RESULT.read_text()) if part and RESULT.is_file() else {}
        about = {"measured": measured(*STREAM, "edge/sinks", "benchmarks/soak_stream.py"), "limit_kb": LIMIT_KB}
        if part != "hour":
            record["camera_drops"] = {**about, **soak_drops(drops)}
        if part != "drops":
            with tempfile.TemporaryDirectory() as folder:
                record["hour"] = {**about, **soak_hour(Path(folder), seconds, fps)}
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(record, indent=2) + "\n")
    record = json.loads(RESULT.read_text())
    click.echo(json.dumps(record, indent=2))
    parts = [record[name] for name in ("hour", "camera_drops") if name in record]
    if any(one["growth_kb"] > one["limit_kb"] or one.get("exit_code") for one in parts):
        raise SystemExit(1)


if __name__ == "__main__":
    main()

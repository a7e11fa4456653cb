"""`emotion-edge bulk` on a Dask cluster of this machine: whole runs, kills and reruns."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
from bulk_rows import predicted, rows_of

from edge.bulk.cluster import connect, score_parts


def start(environment: dict[str, str], *arguments: Any) -> subprocess.Popen[bytes]:
    """`emotion-edge bulk score` in the background."""
    command = [sys.executable, "-m", "edge", "bulk", "score", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)


def wait_for_parts(out: Path, count: int, running: subprocess.Popen[bytes]) -> None:
    """Until so many parts are there."""
    for _ in range(1200):
        if len(list(out.glob("part-*.parquet"))) >= count:
            return
        assert running.poll() is None, running.stderr and running.stderr.read().decode()
        time.sleep(0.05)
    raise AssertionError(f"no {count} parts within a minute")


def family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def test_from_pictures_to_the_merged_table(cli: Any, album: Path, tmp_path: Path) -> None:
    listing, out = tmp_path / "l.parquet", tmp_path / "out"
    assert cli("bulk", "list", album, listing).returncode == 0
    done = cli("bulk", "score", listing, out, "--workers", "2", "--part", "2")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.decode().splitlines()
    assert re.fullmatch(r"dashboard: http://127\.0\.0\.1:\d+/status", lines[0])
    assert lines[1].startswith("7 pictures, 3 unreadable, in ")
    assert lines[2:] == [f"4 of 4 parts in {out}, 0 of them from before"]

    again = cli("bulk", "score", listing, out, "--part", "2")
    assert again.stderr.decode().splitlines() == [f"4 of 4 parts in {out}, 4 of them from before"]
    differs = cli("bulk", "score", listing, out, "--part", "2", "--faces", "largest")
    assert (differs.returncode, b"options faces all there, largest here" in differs.stderr) == (1, True)

    (out / "part-00000002.parquet").rename(tmp_path / "kept")
    told = cli("bulk", "status", out).stdout.decode()
    assert re.search(r"parts +3 of 4\npictures +5 of 7\nunreadable +\d\nmissing +2\n", told)
    assert len({re.match(r"\S+ +", line).end() for line in told.splitlines()}) == 1, "one column"
    assert "opencv" in told
    refused = cli("bulk", "merge", out, tmp_path / "r.parquet")
    assert (refused.returncode, b"1 of 4 parts" in refused.stderr) == (1, True)
    assert not (tmp_path / "r.parquet").exists()
    (tmp_path / "kept").rename(out / "part-00000002.parquet")

    expected = predicted(cli, album)
    for name in ("r.parquet", "r.csv"):
        assert cli("bulk", "merge", out, tmp_path / name).returncode == 0
    assert rows_of(tmp_path / "r.parquet") == expected
    assert pq.ParquetFile(tmp_path / "r.parquet").num_row_groups == 1
    table = cli("predict", album, "--format", "csv", "--threads", "1").stdout.decode()
    assert list(csv.reader(io.StringIO((tmp_path / "r.csv").read_text()))) == list(csv.reader(io.StringIO(table)))
    part = (out / "part-00000000.parquet").read_bytes()
    for place, said in ((out / "part-00000000.parquet", b"among the parts"), (listing, b"is a listing")):
        kept = cli("bulk", "merge", out, place)
        assert (kept.returncode, said in kept.stderr) == (2, True), kept.stderr
    assert (out / "part-00000000.parquet").read_bytes() == part
    folder = cli("bulk", "score", album, tmp_path / "other")
    assert (folder.returncode, b"is a folder, not a listing" in folder.stderr) == (1, True), folder.stderr
    named = cli("bulk", "list", album, tmp_path / "l.csv")
    assert (named.returncode, b"give a name such as pictures.parquet" in named.stderr) == (2, True), named.stderr
    wrong = cli("bulk", "merge", out, tmp_path / "r.xlsx")
    assert (wrong.returncode, b"wanted .parquet or .csv" in wrong.stderr) == (1, True)


def test_killed_at_any_moment_a_rerun_does_the_rest(
    cli: Any, environment: dict[str, str], many: Path, tmp_path: Path
) -> None:
    """The driver; in the next run a worker twice, and a worker's child. `make test-bulk` kills each three times."""
    listing, out = tmp_path / "l.parquet", tmp_path / "out"
    cli("bulk", "list", many, listing)
    arguments = (listing, out, "--workers", "2", "--part", "3")
    run = start(environment, *arguments)
    wait_for_parts(out, 9, run)
    left = family(run.pid)
    assert len(left) >= 4
    run.kill()
    run.wait()
    _, alive = psutil.wait_procs(left, timeout=30)
    assert not alive
    before = {path.name: path.stat().st_ino for path in out.glob("part-*")}
    assert 9 <= len(before) < 30
    run = start(environment, *arguments)
    for more, which in ((1, "worker"), (5, "worker"), (9, "child")):
        wait_for_parts(out, len(before) + more, run)
        workers = [one for one in psutil.Process(run.pid).children() if one.children()]
        victim = workers[0] if which == "worker" else workers[-1].children()[0]
        victim.send_signal(signal.SIGKILL)
    assert run.wait(90) == 0, run.stderr and run.stderr.read()
    assert {path.name: path.stat().st_ino for path in out.glob("part-*") if path.name in before} == before
    rows = rows_of(out)
    assert [row["source"] for row in rows] == [f"{many}/{number:03}.jpg" for number in range(120)]
    assert {row["error"] for row in rows} == {None}


def lose(listing: str, k: int, out: str, options: dict[str, Any]) -> dict[str, int]:
    """A scorer that notes each try and loses some parts."""
    with (Path(out) / f"tries-{k}").open("a") as file:
        file.write(f"{time.time()}\n")
    if k % 4 == 1:
        raise OSError(f"part {k} is on a bad disk")
    if k % 4 == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"part": k, "pictures": 1, "unreadable": 0}


def test_lost_parts_are_tried_again_three_times(tmp_path: Path) -> None:
    seen = []
    with connect(workers=2) as client:
        page = urllib.request.urlopen(client.dashboard_link.replace("/status", "/health"), timeout=10)
        assert page.status == 200
        assert "127.0.0.1" in client.scheduler.address
        given = {"listing": "l", "out": str(tmp_path), "options": {}, "progress": seen.append, "score": lose}
        lost = score_parts(client, iter([0, 1, 3]), **given).lost
        lost |= score_parts(client, iter([2]), **given).lost  # apart: its worker's death is no try of another part
    assert sorted(one["part"] for one in seen) == [0, 3]
    assert lost == {1: "OSError: part 1 is on a bad disk", 2: "the workers that had it died"}
    for k in (1, 2):
        assert len((tmp_path / f"tries-{k}").read_text().splitlines()) == 4


class _Client:
    """Counts what is under way; a real one cannot tell."""

    def __init__(self, client: Any) -> None:
        self._client, self.most, self.sent, self.seen = client, 0, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def submit(self, *arguments: Any, **options: Any) -> Any:
        self.sent += 1
        self.most = max(self.most, self.sent - self.seen)
        return self._client.submit(*arguments, **options)


def quick(listing: str, k: int, out: str, options: dict[str, Any]) -> dict[str, int]:
    return {"part": k, "pictures": 1, "unreadable": 0}


def test_three_parts_a_core_are_under_way(tmp_path: Path) -> None:
    from distributed import Client

    with Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=":0") as real:
        client = _Client(real)

        def count(_: dict[str, int]) -> None:
            client.seen += 1

        score_parts(client, iter(range(100)), listing="", out="", options={}, progress=count, score=quick)
    assert client.seen == 100
    assert 6 <= client.most <= 7  # one that has just ended is counted after the next is sent


def test_lost_parts_are_named_and_the_exit_code_is_1(cli: Any, many: Path, tmp_path: Path) -> None:
    listing, out = tmp_path / "l.parquet", tmp_path / "out"
    cli("bulk", "list", many, listing)
    for k in (2, 3, 4, 7):
        (out / f"part-{k:08}.parquet").mkdir(parents=True)
    done = cli("bulk", "score", listing, out, "--workers", "1", "--part", "15", "--no-detect")
    assert done.returncode == 1
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith("error: lost 4 parts after 4 tries each: 2-4, 7 (")
    assert "Traceback" not in done.stderr.decode()
    assert len(rows_of(out)) == 60


def test_wrong_usage(cli: Any, tmp_path: Path) -> None:
    pem = tmp_path / "a.pem"
    pem.write_text("x")
    for more, said in (
        (["--tls-cert", pem], b"give all three"),
        (["--scheduler", "tls://127.0.0.1:1"], b"a tls:// scheduler needs --tls-ca-file"),
        (["--scheduler", "tcp://127.0.0.1:1", "--workers", "2"], b"give one of them"),
    ):
        done = cli("bulk", "score", tmp_path / "l", tmp_path / "o", *more)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr

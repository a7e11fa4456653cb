"""A cluster of two nodes with network namespaces of their own and a local S3, killed piece by piece."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from edge.bulk.rows import decode

pytestmark = pytest.mark.cluster
HOST = "10.77.{}.1"
COPIES = 90
MOMENTS = (2, 8, 14)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("", 0))
        return int(one.getsockname()[1])


def until(true: Callable[[], Any], what: str, seconds: float = 240) -> None:
    for _ in range(int(seconds * 10)):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


@pytest.fixture(scope="module")
def namespaces() -> Iterator[list[list[str]]]:
    """Two network namespaces, each joined to this one by a cable; yields what a command in each begins with."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and iproute2")

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    names = [f"edge{os.getpid()}n{number}" for number in (1, 2)]
    try:
        for number, name in enumerate(names, 1):
            cable = f"e{os.getpid() % 10**6}v{number}"
            ip("netns", "add", name)
            ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("addr", "add", f"{HOST.format(number)}/24", "dev", cable)
            ip("link", "set", cable, "up")
            inside = ("-n", name)
            ip(*inside, "addr", "add", f"10.77.{number}.2/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip(*inside, "link", "set", device, "up")
            ip(*inside, "route", "add", "default", "via", HOST.format(number))
        yield [["ip", "netns", "exec", name] for name in names]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@pytest.fixture(scope="module")
def storage(photo: Path) -> Iterator[Any]:
    """A bucket with pictures; yields its port and file system."""
    server = shutil.which("moto_server")
    if server is None:
        pytest.skip("moto_server is not there; make test-bulk installs it")
    port = free_port()
    running = subprocess.Popen(
        [server, "-H", "0.0.0.0", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    keys = {"access_key": "a", "secret_key": "b", "region": "us-east-1", "allow_bucket_creation": True}
    system = fs.S3FileSystem(endpoint_override=f"127.0.0.1:{port}", scheme="http", **keys)

    def answers() -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(answers, "moto answers")
        system.create_dir("archive")
        for number in range(COPIES):
            with system.open_output_stream(f"archive/photos/{number % 3}/{number:03}.jpg") as file:
                file.write(photo.read_bytes())
        with system.open_output_stream("archive/photos/cut.jpg") as file:
            file.write(photo.read_bytes()[:9000])
        yield port, system
    finally:
        running.kill()
        running.wait()


class Cluster:
    """A scheduler here and a node a namespace; drivers run here."""

    def __init__(self, namespaces: list[list[str]], s3_port: int, environment: dict[str, str]) -> None:
        self._namespaces, self._s3_port = namespaces, s3_port
        self._environment = {
            **environment,
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_DEFAULT_REGION": "us-east-1",
            "DASK_DISTRIBUTED__WORKER__DAEMON": "False",
        }
        self.port = free_port()
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.nodes: list[subprocess.Popen[bytes]] = []

    def start(self, command: list[str], number: int = 0, **options: Any) -> subprocess.Popen[bytes]:
        """A command here or in a namespace, with S3 at the address that is seen there."""
        host = HOST.format(number) if number else "127.0.0.1"
        before = self._namespaces[number - 1] if number else []
        environment = {**self._environment, "AWS_ENDPOINT_URL": f"http://{host}:{self._s3_port}"}
        return subprocess.Popen([*before, *command], env=environment, **options)

    def up(self) -> None:
        """Start whatever is not running."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        dask = [sys.executable, "-m", "dask"]
        if self.scheduler is None or self.scheduler.poll() is not None:
            for node in self.nodes:
                kill_all(node.pid)
            self.nodes = []
            command = [*dask, "scheduler", "--host", "0.0.0.0", "--port", str(self.port), "--no-dashboard"]
            self.scheduler = self.start(command, **quiet)
        self.nodes = [node for node in self.nodes if node.poll() is None]
        for number in (1, 2)[len(self.nodes) :]:
            address = f"tcp://{HOST.format(number)}:{self.port}"
            command = [*dask, "worker", address, "--nthreads", "1", "--nworkers", "1", "--no-dashboard"]
            self.nodes.append(self.start(command, number, **quiet))

    def score(self, listing: str, out: str) -> subprocess.Popen[bytes]:
        """A driver."""
        command = [sys.executable, "-m", "edge", "bulk", "score", listing, out, "--part", "4", "--limit-s", "5"]
        return self.start([*command, "--scheduler", f"tcp://127.0.0.1:{self.port}"], stderr=subprocess.PIPE)

    def down(self) -> None:
        """End everything."""
        for one in [*self.nodes, *([self.scheduler] if self.scheduler else [])]:
            kill_all(one.pid)
            one.wait()


def kill_all(pid: int) -> None:
    """Kill a process and its descendants at once: a machine that lost its power."""
    if not psutil.pid_exists(pid):
        return
    first = psutil.Process(pid)
    for one in [first, *first.children(recursive=True)]:
        if one.is_running():
            one.send_signal(signal.SIGKILL)


@pytest.fixture
def cluster(
    namespaces: list[list[str]], storage: Any, environment: dict[str, str], crashing: dict[str, str]
) -> Iterator[Cluster]:
    cluster = Cluster(namespaces, storage[0], {**environment, **crashing})
    try:
        yield cluster
    finally:
        cluster.down()


@pytest.mark.parametrize("victim", ["worker", "node", "driver", "scheduler"])
def test_whatever_is_killed_a_rerun_ends_with_every_picture_once(
    cluster: Cluster, storage: Any, tmp_path: Path, photo: Path, victim: str
) -> None:
    _, system = storage
    os.mkfifo(tmp_path / "hang.jpg")
    (tmp_path / "crash.jpg").symlink_to(photo)
    names = [f"s3://archive/photos/{number % 3}/{number:03}.jpg" for number in range(COPIES)]
    names[5], names[30], names[50] = (
        str(tmp_path / "hang.jpg"),
        str(tmp_path / "crash.jpg"),
        "s3://archive/photos/cut.jpg",
    )
    names[60] = "s3://archive/photos/missing.jpg"
    (tmp_path / "names.txt").write_text("\n".join(names))
    listing, out = f"s3://archive/{victim}.parquet", f"s3://archive/out-{victim}"
    listed = cluster.start([sys.executable, "-m", "edge", "bulk", "list", str(tmp_path / "names.txt"), listing])
    assert listed.wait(60) == 0

    def parts() -> list[str]:
        found = system.get_file_info(fs.FileSelector(f"archive/out-{victim}", allow_not_found=True))
        return sorted(info.path for info in found if info.base_name.startswith("part-"))

    cluster.up()
    driver = cluster.score(listing, out)
    for count in MOMENTS:
        until(lambda count=count: len(parts()) >= count, f"{count} parts")
        assert driver.poll() is None, driver.stderr and driver.stderr.read().decode()
        if victim == "worker":
            nanny = psutil.Process(cluster.nodes[0].pid)
            max(nanny.children(), key=lambda one: len(one.children())).kill()
        elif victim == "node":
            kill_all(cluster.nodes.pop(0).pid)
            cluster.up()
        else:
            (driver if victim == "driver" else cluster.scheduler).kill()
            assert driver.wait(90) == (1 if victim == "scheduler" else -9)
            said = driver.stderr.read().decode()
            assert "Traceback" not in said
            if victim == "scheduler":
                assert said.splitlines()[-1].startswith("error: the scheduler went away; what is done is kept")
            cluster.up()
            driver = cluster.score(listing, out)
    code = driver.wait(180)
    said = driver.stderr.read().decode()
    if code == 1 and "lost" in said:  # a part that met all kills: the command says so, and takes it up again
        driver = cluster.score(listing, out)
        code, said = driver.wait(180), driver.stderr.read().decode()
    assert code == 0, said
    rows = []
    for path in parts():
        with system.open_input_file(path) as file:
            rows += decode(pq.read_table(file))
    assert [row["source"] for row in rows] == names
    errors = {index: row["error"] for index, row in enumerate(rows) if row["error"] is not None}
    assert sorted(errors) == [5, 30, 50, 60]
    assert errors[5] == "took longer than 5 s and was given up"
    assert errors[30] == "ended the process that read it (SIGSEGV)"
    assert errors[50].startswith("is a damaged")
    assert errors[60] == "cannot be read: No such file or directory"
    assert all(len(row["faces"]) == 1 for index, row in enumerate(rows) if index not in errors)


def test_a_bucket_is_walked_and_merged(cluster: Cluster, storage: Any, tmp_path: Path) -> None:
    """No cluster is needed here: the command's own works on S3 too."""
    edge = [sys.executable, "-m", "edge", "bulk"]
    for command in (
        ["list", "s3://archive/photos/1", "s3://archive/one.parquet"],
        ["list", "s3://archive/photos/**/00*.jpg", "s3://archive/pattern.parquet"],
        ["score", "s3://archive/one.parquet", "s3://archive/one", "--part", "7", "--workers", "2", "--no-detect"],
        ["merge", "s3://archive/one", "s3://archive/one.csv"],
        ["merge", "s3://archive/one", str(tmp_path / "one.parquet")],
    ):
        assert cluster.start([*edge, *command]).wait(90) == 0, command
    sources = pq.read_table(tmp_path / "one.parquet")["source"].to_pylist()
    assert sources == [f"s3://archive/photos/1/{number:03}.jpg" for number in range(1, COPIES, 3)]
    _, system = storage
    with system.open_input_file("archive/one.csv") as file:
        assert len(file.read().splitlines()) == 1 + len(sources)
    with system.open_input_file("archive/pattern.parquet") as file:
        assert pq.read_metadata(file).num_rows == 10
    assert not [one for one in system.get_file_info(fs.FileSelector("archive")) if "partial" in one.path]

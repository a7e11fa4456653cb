"""Driver, scheduler and worker over TLS on loopback, with certificates of an authority made here."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from bulk_rows import predicted, rows_of

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An authority, a certificate of it, and one of an authority that nobody trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words: Any) -> None:
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=folder)

    for name in ("ca", "strange-ca"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem",
                "-subj", f"/CN={name}", "-days", 2)  # fmt: skip
    for name, authority in (("node", "ca"), ("strange", "strange-ca")):
        openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=x"
        )
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                "-CAcreateserial", "-out", f"{name}.pem", "-days", 2)  # fmt: skip
    return {path.name: path for path in folder.iterdir()}


def tls(certificates: dict[str, Path], name: str) -> list[str]:
    files = {"ca-file": "ca.pem", "cert": f"{name}.pem", "key": f"{name}.key"}
    return [word for option, file in files.items() for word in (f"--tls-{option}", str(certificates[file]))]


@pytest.fixture(scope="module")
def scheduler(certificates: dict[str, Path], environment: dict[str, str]) -> Iterator[str]:
    """Address of a scheduler with one worker."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    address, ours = f"tls://127.0.0.1:{port}", tls(certificates, "node")
    dask, quiet = [sys.executable, "-m", "dask"], {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {**environment, "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}
    with ExitStack() as stack:
        for command in (
            ["scheduler", "--host", "127.0.0.1", "--port", str(port), "--protocol", "tls", "--no-dashboard", *ours],
            ["worker", address, "--nthreads", "1", "--no-dashboard", *ours],
        ):
            process = stack.enter_context(subprocess.Popen([*dask, *command], env=environment, **quiet))
            stack.callback(process.kill)
        yield address


def test_a_listing_is_scored_over_tls(
    cli: Any, scheduler: str, certificates: dict[str, Path], album: Path, tmp_path: Path
) -> None:
    listing, out = tmp_path / "l.parquet", tmp_path / "out"
    assert cli("bulk", "list", album, listing).returncode == 0
    words = ("bulk", "score", listing, out, "--part", "3", "--scheduler", scheduler)
    done = cli(*words, *tls(certificates, "node"))
    assert done.returncode == 0, done.stderr
    assert rows_of(out) == predicted(cli, album)


def test_a_certificate_of_another_authority_is_refused(
    cli: Any, scheduler: str, certificates: dict[str, Path], album: Path, tmp_path: Path
) -> None:
    listing, out = tmp_path / "l.parquet", tmp_path / "out"
    assert cli("bulk", "list", album, listing).returncode == 0
    done = cli("bulk", "score", listing, out, "--scheduler", scheduler, *tls(certificates, "strange"))
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: no scheduler answers at " + os.fsencode(scheduler))
    assert done.stderr.count(b"\n") == 1
    assert not list(out.glob("part-*"))

"""Two processes on loopback, or two devices, train one network together and end with the same weights."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from weights import weights_of

pytestmark = pytest.mark.slow


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


def test_two_workers_end_with_equal_weights(fit: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    run = tmp_path / "together"
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    configs = [json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}) for index in range(2)]
    workers = [fit(run, "epochs=2", env={"TF_CONFIG": config}) for config in configs]
    outputs = [worker.communicate(timeout=400)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs

    chief, other = weights_of(run / "model.keras"), weights_of(run / "worker-1" / "model.keras")
    assert chief.keys() == other.keys()
    assert all(np.array_equal(chief[name], other[name]) for name in chief)
    logs = [(folder / "log.csv").read_text() for folder in (run, run / "worker-1")]
    assert logs[0] == logs[1]
    assert logs[0].count("\n") == 3


def test_two_devices_of_one_machine_keep_equal_weights(
    fit: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = fit(tmp_path / "run", "epochs=2", script="two_devices.py")
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    (line,) = [line for line in output.splitlines() if line.startswith("devices 2")]
    assert line.endswith("same True")
    assert len(weights_of(tmp_path / "run" / "model.keras")) > 0
    assert (tmp_path / "run" / "log.csv").read_text().count("\n") == 3


def test_tf_config_that_is_not_json_is_refused(fit: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    process = fit(tmp_path / "run", env={"TF_CONFIG": "two machines"})
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "TF_CONFIG is not JSON" in output.splitlines()[-1]
    assert "Traceback" not in output

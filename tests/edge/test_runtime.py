"""Which interpreter is taken, and what is said when there is none. Processes of their own: two runtimes do not mix."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from edge.classifier import default_model_path
from edge.runtime import RUNTIMES, default_threads

TELL = (
    "from pathlib import Path; import sys; from edge.runtime import load;"
    "r = load(Path(sys.argv[1]), threads=2); print(r.name, r.version, r.delegate, r.threads, *sys.modules)"
)


def run(code: str, *args: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["ai_edge_litert", "tflite_runtime"])
@pytest.mark.parametrize("form", ["uint8", "float32"])
def test_forced_runtime_runs_quietly(name: str, form: str, bare_models: Path) -> None:
    pytest.importorskip(name)
    done = run(TELL, bare_models / f"{form}.tflite", EMOTION_EDGE_RUNTIME=name)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "the interpreter's chatter is held back"
    told, release, delegate, threads, *modules = done.stdout.split()
    assert (told, release, threads) == (name, version(RUNTIMES[name][1][0]), "2")
    assert delegate in ("XNNPACK", "none")
    assert [other for other in RUNTIMES if other in modules] == [name]


LOAD_TOGETHER = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from edge.runtime import load
sys.setswitchinterval(1e-6)
with ThreadPoolExecutor(8) as pool:
    loaded = list(pool.map(load, [Path(sys.argv[1])] * 64))
os.write(2, b"still here")
"""


def test_threads_that_load_at_once_leave_stderr_in_its_place() -> None:
    done = run(LOAD_TOGETHER, default_model_path())
    assert done.returncode == 0, done.stderr
    assert done.stderr == "still here"


@pytest.mark.parametrize(("name", "delegate"), [("ai_edge_litert", "XNNPACK"), ("tflite_runtime", "none")])
def test_a_delegate_is_named_if_it_runs_the_convolutions(name: str, delegate: str) -> None:
    pytest.importorskip(name)
    done = run(TELL, default_model_path(), EMOTION_EDGE_RUNTIME=name)
    assert done.stdout.split()[2] == delegate


def test_litert_comes_first(bare_models: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    done = run(TELL, bare_models / "uint8.tflite", EMOTION_EDGE_RUNTIME="")
    assert done.stdout.startswith("ai_edge_litert ")


def test_tensorflow_is_the_last_resort(bare_models: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    hide = "import sys; sys.modules['ai_edge_litert'] = sys.modules['tflite_runtime'] = None;"
    done = run(hide + TELL, bare_models / "uint8.tflite", EMOTION_EDGE_RUNTIME="", TF_CPP_MIN_LOG_LEVEL="3")
    if "No module named 'tensorflow'" in done.stderr:
        pytest.skip("TensorFlow is not installed")
    assert done.stdout.startswith("tensorflow "), done.stderr


def test_errors_of_the_interpreter_are_passed_on(bare_models: Path, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    cut = tmp_path / "cut.tflite"
    cut.write_bytes((bare_models / "uint8.tflite").read_bytes()[:700])
    done = run(TELL, cut, EMOTION_EDGE_RUNTIME="ai_edge_litert")
    assert "edge.errors.ModelError: ai_edge_litert" in done.stderr
    assert "cannot load the model: " in done.stderr.splitlines()[-1]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot limit a process to some cores")
def test_default_threads_leave_one_core_free() -> None:
    cores = os.sched_getaffinity(0)
    assert default_threads() == max(1, len(cores) - 1)
    one = run(
        "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])});"
        "from edge.runtime import default_threads; print(default_threads())",
        min(cores),
    )
    assert one.stdout == "1\n"


@pytest.mark.parametrize(
    ("name", "package"),
    [("ai_edge_litert", "ai-edge-litert>=2.1,<3"), ("tflite_runtime", "tflite-runtime"), ("tensorflow", "tensorflow")],
)
def test_a_named_runtime_that_is_missing_says_how_to_install_that_one(name: str, package: str) -> None:
    hide = f"import sys; sys.modules['{name}'] = None; from edge.runtime import find_runtime; find_runtime()"
    done = run(hide, EMOTION_EDGE_RUNTIME=name)
    last = done.stderr.strip().splitlines()[-1]
    assert f"EMOTION_EDGE_RUNTIME names {name}, which cannot be imported" in last
    if name == "tflite_runtime" and sys.version_info >= (3, 12):
        assert "name ai_edge_litert instead" in last
        return
    remedy = last.partition("install it with: pip install ")[2]
    assert remedy.startswith(f"'{package}")
    assert all(
        other not in remedy for other in ("tflite-runtime", "ai-edge-litert", "tensorflow") if other not in package
    )

"""The oldest and the newest runtime a device may have, each in an environment of its own under ``.venvs/``.

They cannot live together: one needs numpy 1, the other is best proved with numpy 2. ``python -m convert.runtimes``
makes them all beforehand; a conversion makes what is missing and keeps it. Delete a folder to have it made anew.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from convert.errors import ConversionError

ENVIRONMENTS = Path(__file__).resolve().parents[1] / ".venvs"
PROBE = Path(__file__).with_name("probe.py")


@dataclass(frozen=True, slots=True)
class Runtime:
    """An environment and what is installed into it."""

    name: str
    requirements: tuple[str, ...]
    newest_python: tuple[int, int] | None = None

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return ENVIRONMENTS / self.name / "bin" / "python"

    @property
    def ready(self) -> bool:
        """Whether it was made to the end, from these requirements."""
        try:
            return self._mark.read_text() == self._wanted and self.python.exists()
        except OSError:
            return False

    @property
    def _mark(self) -> Path:
        return ENVIRONMENTS / self.name / ".requirements"

    @property
    def _wanted(self) -> str:
        return "\n".join(self.requirements)

    def make(self) -> None:
        """Make the environment if it is not there.

        Raises:
            ConversionError: No fitting Python, or the packages cannot be installed.
        """
        if self.ready:
            return
        folder = ENVIRONMENTS / self.name
        for step in (
            [_base_python(self), "-m", "venv", "--clear", str(folder)],
            [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *self.requirements],
        ):
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode:
                why = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
                raise ConversionError(
                    f"environment {folder} cannot be made: {why}; needs {', '.join(self.requirements)}"
                )
        self._mark.write_text(self._wanted)


OLDEST = Runtime("tflite", ("tflite-runtime==2.14.0", "numpy>=1.26,<2"), newest_python=(3, 11))
NEWEST = Runtime("litert", ("ai-edge-litert>=2.1,<3", "numpy>=2"))
MEDIAPIPE = Runtime("mediapipe", ("mediapipe>=0.10.30",))  # a client of the metadata, for the tests
RUNTIMES = (OLDEST, NEWEST)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a runtime made of a model.

    Attributes:
        runtime: Its package and version, like ``tflite-runtime 2.14.0``.
        delegated: Operators that a delegate such as XNNPACK took over.
        ms: Threads to median milliseconds a picture.
        outputs: Raw outputs (N, 5) in the model's own dtype; None if they were not wanted or the model does not run.
        error: Why the model does not run there, or None.
    """

    runtime: str
    delegated: int
    ms: dict[int, float]
    outputs: NDArray[Any] | None
    error: str | None

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """The outputs as float32; uint8 outputs have scale 1/256."""
        if self.outputs is None:
            raise ConversionError(f"{self.runtime} gave no outputs: {self.error}")
        if self.outputs.dtype == np.uint8:
            return self.outputs.astype(np.float32) / np.float32(256)
        return self.outputs.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Job:
    """A `.tflite` file to be run in a runtime's own environment.

    Attributes:
        runtime: Which one.
        model: The file; outputs are kept next to it.
        pictures: A .npy file, uint8 (N, height, width, 3) RGB.
        outputs: Keep the outputs of all pictures.
        delegates: Let the runtime use its default delegates (XNNPACK).
        threads: Thread counts to time.
        timed: How many pictures each round of a timing goes over.
    """

    runtime: Runtime
    model: Path
    pictures: Path
    outputs: bool = True
    delegates: bool = True
    threads: tuple[int, ...] = ()
    timed: int = 20

    @property
    def _kept(self) -> Path:
        return self.model.with_suffix(f".{self.runtime.name}.{'' if self.delegates else 'plain.'}npy")

    def start(self) -> subprocess.Popen[str]:
        """Begin, without waiting."""
        wish = {
            "model": str(self.model),
            "pictures": str(self.pictures),
            "outputs": str(self._kept) if self.outputs else None,
            "delegates": self.delegates,
            "threads": self.threads,
            "timed": self.timed,
        }
        # -I: nothing of the calling environment gets in.
        command = [str(self.runtime.python), "-I", str(PROBE), json.dumps(wish)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process: subprocess.Popen[str]) -> Probe:
        """Wait for what :meth:`start` began."""
        out, err = process.communicate()
        if process.returncode:
            # A runtime that dies (abort, segmentation fault) leaves no output; that is a finding about the model too.
            why = (err.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
            return Probe(self.runtime.requirements[0].replace("==", " "), 0, {}, None, f"died: {why}")
        said = json.loads(out)
        error = said.get("error")
        return Probe(
            runtime=f"{said['runtime'].replace('_', '-')} {said['version']}",
            delegated=said.get("delegated", 0),
            ms={int(count): ms for count, ms in said.get("ms", {}).items()},
            outputs=np.load(self._kept) if self.outputs and not error else None,
            error=explain(error) if error else None,
        )


def probe(*jobs: Job) -> list[Probe]:
    """Run jobs side by side; an interruption ends them all."""
    processes: list[subprocess.Popen[str]] = []
    try:
        processes.extend(job.start() for job in jobs)
        return [job.finish(process) for job, process in zip(jobs, processes, strict=True)]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()


def explain(error: str) -> str:
    """Name the operator and version that a runtime lacks, if that is what its message says."""
    missing = re.search(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'", error)
    return f"lacks operator {missing[1]} version {missing[2]}" if missing else error[:300]


def _base_python(runtime: Runtime) -> str:
    limit = runtime.newest_python
    if limit is None or sys.version_info[:2] <= limit:
        return sys.executable
    name = f"python{limit[0]}.{limit[1]}"
    if found := shutil.which(name):
        return found
    raise ConversionError(f"{runtime.requirements[0]} needs {name}, which is not installed; install it and try again")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, type=click.Choice([r.name for r in (*RUNTIMES, MEDIAPIPE)]))
def command(names: tuple[str, ...]) -> None:
    """Make the environments that conversions and their tests run models in; all of them if no NAMES are given."""
    for runtime in (*RUNTIMES, MEDIAPIPE):
        if not names or runtime.name in names:
            click.echo(f"{runtime.name}: {'there' if runtime.ready else 'making it'}", err=True)
            try:
                runtime.make()
            except ConversionError as error:
                raise click.ClickException(str(error)) from error


__all__ = ["MEDIAPIPE", "NEWEST", "OLDEST", "RUNTIMES", "Job", "Probe", "Runtime", "explain", "probe"]

if __name__ == "__main__":
    command()

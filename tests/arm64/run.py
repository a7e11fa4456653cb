"""Runs the package on arm64 under QEMU and compares it with this machine: ``python tests/arm64/run.py bookworm``.

Exits with 1 if anything differs or a test fails, and with 75 if the user land cannot be made here. The whole run
writes its record; ``--quick`` is shorter and writes none.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from alike import alike
from pictures import PHOTO, listed
from userland import CPU, ROOT, SYSTEMS, CannotBeMadeError, System, environment, make, releases

from common.records import COMMAND, measured

ANSWERS = Path(__file__).with_name("answers.py")
TESTS = ROOT / "tests" / "edge"
QUICK = ("test_preprocess.py", "test_haar.py")
WHOLE = (
    *QUICK,
    "test_images.py",
    "test_pipeline.py",
    "test_annotate.py",
    "test_atomic.py",
    "test_classifier.py::test_shipped_model_conforms",
)
OTHER_CPUS = {"cortex-a53": "Pi 3", "cortex-a76": "Pi 5"}
CANNOT = 75


def there(system: System, *arguments: str | Path, cpu: str = CPU, check: bool = True) -> str:
    """What a command of the user land's Python prints."""
    environ = {**environment(system, "packages"), "QEMU_CPU": cpu}
    done = subprocess.run(
        [system.interpreter, *arguments], env=environ, cwd=system.folder, capture_output=True, text=True, check=False
    )
    if check and done.returncode:
        raise SystemExit(f"{system.name}, {cpu}: {arguments} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def commands(system: System) -> list[str]:
    """Run the installed command's own verbs; gives those that worked."""
    program = system.folder / "project" / "bin" / "emotion-edge"
    doctor = there(system, program, "doctor")
    sys.stderr.write(doctor)
    facts = json.loads(there(system, program, "info", "--format", "json"))
    picture = json.loads(there(system, program, "predict", PHOTO, "--format", "json"))
    if facts["runtime"]["name"] != system.runtime or len(picture["faces"]) != 1:
        raise SystemExit(f"{system.name}: {facts['runtime']}, {picture}")
    return ["doctor", "info", "predict"]


def tests(system: System, names: tuple[str, ...]) -> dict[str, int]:
    """Run some of the package's tests; gives how many passed, failed and were skipped."""
    program = system.folder / "packages" / "bin" / "pytest"
    files = [f"{TESTS}/{name}" for name in names]
    quiet = (
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not data",
        "-k",
        "not limit_can_be_raised",
        "-c",
        ROOT / "pyproject.toml",
    )
    printed = there(system, program, *quiet, *files, check=False)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", printed)}
    if not counts.get("passed") or counts.get("failed") or counts.get("error"):
        sys.stderr.write(printed)
    return {"passed": 0, "failed": counts.pop("error", 0), "skipped": 0, **counts}


def same(mine: list[dict[str, Any]], theirs: list[dict[str, Any]], key: str) -> int:
    """In how many pictures one thing is identical."""
    return sum(a[key] == b[key] for a, b in zip(mine, theirs, strict=True))


def here(system: System, *arguments: str | Path) -> dict[str, Any]:
    """What answers.py finds on this machine."""
    environ = environment(system, "here")
    command = [sys.executable, ANSWERS, *arguments]
    return json.loads(subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout)


def compare(system: System, pictures: Path, cpus: tuple[str, ...]) -> dict[str, Any]:
    """Read the pictures here and there; gives in how many each thing is identical, the network's bytes among them."""
    mine, theirs = here(system, pictures), json.loads(there(system, ANSWERS, pictures))
    record = {
        "versions": {"arm64": theirs["versions"], "here": mine["versions"]},
        "faces": len(theirs["faces"]),
        "photos": len(theirs["photos"]),
        "photos_with_faces": sum(bool(photo["boxes"]) for photo in theirs["photos"]),
        "identical": {
            "face_pictures_decoded": same(mine["faces"], theirs["faces"], "decoded"),
            "face_inputs": same(mine["faces"], theirs["faces"], "input"),
            "face_outputs": same(mine["faces"], theirs["faces"], "output"),
            "photos_decoded": same(mine["photos"], theirs["photos"], "decoded"),
            "photo_boxes": same(mine["photos"], theirs["photos"], "boxes"),
        },
        "photo_answers": same(mine["photos"], theirs["photos"], "answers"),
        "photo_answers_alike": sum(
            alike(a["answers"], b["answers"]) for a, b in zip(mine["photos"], theirs["photos"], strict=True)
        ),
    }
    for cpu in cpus:
        other = json.loads(there(system, ANSWERS, pictures, "--faces-only", cpu=cpu))
        record["identical"][f"face_outputs_as_{cpu}"] = same(theirs["faces"], other["faces"], "output")
    return record


def faults(record: dict[str, Any]) -> list[str]:
    """What is not as it must be."""
    whole = {"face": record["faces"], "phot": record["photos"]}
    wrong = [name for name, count in record["identical"].items() if count != whole[name[:4]]]
    if record["photo_answers_alike"] != record["photos"]:
        wrong.append("photo_answers_alike")
    tests = record["tests"]
    return wrong + ([f"tests: {tests}"] if tests["failed"] or not tests["passed"] else [])


def main() -> None:
    """Make the user land, run everything, say and keep what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("--quick", action="store_true", help="fewer tests and photos, one processor, no record")
    options = parser.parse_args()
    system, quick = SYSTEMS[options.system], options.quick
    began, begun = time.monotonic(), measured(*COMMAND, "tests/arm64")
    try:
        make(system)
    except CannotBeMadeError as error:
        sys.stderr.write(f"arm64 {system.name} cannot be run here: {error}\n")
        raise SystemExit(CANNOT) from error
    made_s = time.monotonic() - began
    pictures, word = listed(200, 6 if quick else 24, system.folder)
    record: dict[str, Any] = {
        "measured": begun,
        "system": f"Debian {system.name}, arm64, minimal user land",
        "emulator": f"{(system.folder / 'qemu-version').read_text()}, -cpu {CPU}",
        "packages": releases(system),
        "commands_run": commands(system),
        "pictures": word,
        **compare(system, pictures, () if quick else tuple(OTHER_CPUS)),
        "tests": tests(system, QUICK if quick else WHOLE),
        "seconds_to_make": round(made_s),
        "seconds": round(time.monotonic() - began),
    }
    text = json.dumps(record, indent=2)
    sys.stdout.write(text + "\n")
    wrong = faults(record)
    if wrong:
        raise SystemExit(f"arm64 {system.name}: not identical, or failed: {', '.join(wrong)}")
    if not quick:
        (ROOT / "benchmarks" / "results" / f"arm64-{system.name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

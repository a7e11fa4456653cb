"""Changes `edge` in one place after the other and counts the changes that its tests notice: `make mutation`.

    python tests/mutation/run.py [PART …] [--minutes 30] [--sample 40] [--again]

Mutants are made by Cosmic Ray: comparisons, arithmetic, numbers, conditions, exceptions and decorators, each replaced
by its neighbour or its opposite. A copy of the checkout is changed, never the checkout. A run that was stopped goes on
where it was: a file keeps its answers until its text changes. The record is benchmarks/results/mutation.json; what
survives and why is in docs/mutation.md.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.plugins import get_operator, operator_names

from common.records import measured

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venvs" / "dev" / "bin" / "python"
STATE = ROOT / ".venvs" / "mutation-state"
RECORD = ROOT / "benchmarks" / "results" / "mutation.json"
LEFT_OUT = "not slow and not data and not browser and not cluster and not engine and not photos"
Run = Callable[..., tuple[str, str]]
# Part: the files that are changed, and the tests that belong to them, quick ones first.
PARTS = {
    "preprocess": (["preprocess.py"], ["test_preprocess.py"]),
    "classifier": (["classifier.py"], ["test_classifier.py"]),
    "pipeline": (["pipeline.py", "reader.py"], ["test_pipeline.py"]),
    "assignment": (["stream/assignment.py"], ["stream/test_stream_parts.py"]),
    "smoothing": (
        ["stream/smoothing.py", "stream/schedule.py", "stream/scene.py"],
        ["stream/test_stream_parts.py", "stream/test_engine.py"],
    ),
    "tracker": (["stream/tracker.py"], ["stream/test_tracker.py", "stream/test_engine.py"]),
    "search": (["stream/engine.py", "stream/search.py"], ["stream/test_engine.py", "stream/test_search.py"]),
    "loop": (
        ["stream/capture.py", "stream/loop.py", "stream/slot.py", "stream/stats.py"],
        ["stream/test_stream_parts.py", "stream/test_stream_ends.py", "stream/test_stream_faults.py"],
    ),
    "lines": (["sinks/formats.py", "sinks/lines.py"], ["test_formats.py", "test_lines.py"]),
    "events": (["sinks/events.py", "sinks/eventfile.py"], ["stream/test_event_outages.py", "stream/test_event_log.py"]),
    "mqtt": (
        ["sinks/mqtt.py", "sinks/homeassistant.py"],
        ["stream/test_mqtt_messages.py", "stream/test_home_assistant.py", "stream/test_mqtt.py"],
    ),
    "background": (["sinks/background.py"], ["stream/test_background_sink.py"]),
    "video": (["sinks/video.py"], ["stream/test_video_sink.py"]),
}
# A union is an annotation nearly everywhere, and annotations are never computed.
NEIGHBOURS = {
    *("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Div", "Mod_Mul", "Pow_Mul"),
    *("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is", "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt"),
    *("Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt", "USub_UAdd", "Delete_Not"),
}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Every change of a source: what it is called, and the whole text with it."""
    for name in operator_names():
        word = name.removeprefix("core/")
        kind, _, pair = word.partition("Operator_")
        if (pair and pair not in NEIGHBOURS) or get_operator(name).arguments():
            continue
        occurrence = 0
        while (text := MutationVisitor.mutate_code(source, get_operator(name)(), occurrence)) is not None:
            with contextlib.suppress(SyntaxError):  # the star before keyword arguments is no multiplication
                compile(text, "", "exec")
                yield f"{pair or kind}:{occurrence}", text
            occurrence += 1


def changed(before: str, after: str) -> dict[str, Any]:
    """The first line that differs, before and after."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    line, (old, new) = next((n, pair) for n, pair in enumerate(pairs, 1) if pair[0] != pair[1])
    return {"line": line, "before": old.strip(), "after": new.strip()}


@contextlib.contextmanager
def copy_of_checkout() -> Iterator[Path]:
    """The checkout as it is, without what git ignores, and its tests' models made once for all runs."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    with tempfile.TemporaryDirectory() as folder:
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                # With its time, which bytecode is known by: that of a mutant must be another one.
                shutil.copy2(ROOT / name, Path(folder) / name)
        yield Path(folder)


@contextlib.contextmanager
def runner(copy: Path) -> Iterator[Run]:
    """What runs tests in the copy: see runner.py."""
    # No plugins: loading those that the tests here do not use takes four times as long as a quick test.
    own = {"PYTHONPATH": str(copy), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "EMOTION_TEST_MODELS": str(STATE / "models")}
    with subprocess.Popen(
        [PYTHON, copy / "tests/mutation/runner.py"],
        cwd=copy,
        env=os.environ | own,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def run(tests: list[str], limit_s: float, keep_bytecode: bool = False) -> tuple[str, str]:
            names = [f"tests/edge/{name}" for name in tests]
            request = (["-qx", "-p", "no:cacheprovider", "-m", LEFT_OUT, *names], limit_s, keep_bytecode)
            assert process.stdin and process.stdout
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            outcome, output = json.loads(process.stdout.readline())
            return outcome, output

        yield run


def run_part(part: str, copy: Path, run: Run, ends_s: float, sample: int, again: bool) -> None:
    """Test the mutants of a part's files until all have an answer or the time is over."""
    files, tests = PARTS[part]
    began = time.monotonic()
    outcome, output = run(tests, 1200, keep_bytecode=True)
    if outcome != "survived":
        sys.exit(f"{part}: its tests fail without any change:\n{output[-3000:]}")
    limit_s = max(20.0, 8 * (time.monotonic() - began))
    for name in files:
        source = (ROOT / "edge" / name).read_text()
        state = STATE / f"{name.replace('/', '-')}-{hashlib.sha256(source.encode()).hexdigest()[:16]}.json"
        answers: dict[str, Any] = json.loads(state.read_text()) if state.is_file() else {}
        every = dict(mutants(source))
        chosen = list(every)
        random.Random(1).shuffle(chosen)
        for key in chosen[: sample or None]:
            outcome = answers.get(key, {}).get("outcome")
            if time.monotonic() > ends_s or outcome in ("killed", "timeout") or (outcome and not again):
                continue
            (copy / "edge" / name).write_text(every[key])
            outcome, _ = run(tests, limit_s)
            answers[key] = {"outcome": outcome, **changed(source, every[key])}
            state.write_text(json.dumps(answers, indent=1))
            sys.stdout.write(f"{name} {len(answers)}/{len(every)} {outcome} {key}: {answers[key]['after']}\n")
            sys.stdout.flush()
        shutil.copy2(ROOT / "edge" / name, copy / "edge" / name)
        record(name, source, len(every), answers)


def record(name: str, source: str, count: int, answers: dict[str, Any]) -> None:
    """Put a file's answers into the record."""
    whole = json.loads(RECORD.read_text()) if RECORD.is_file() else {"measured": {"files": {}}, "found": {}}
    lived = [{"mutant": key, **one} for key, one in answers.items() if one["outcome"] == "survived"]
    for one in lived:
        del one["outcome"]
    about = measured(f"edge/{name}")
    whole["measured"] = about | {"files": whole["measured"]["files"] | about["files"]}
    whole["found"][f"edge/{name}"] = {
        "mutants": count,
        "tested": len(answers),
        "killed": len(answers) - len(lived),
        "by_time_limit": sum(one["outcome"] == "timeout" for one in answers.values()),
        "survivors": sorted(lived, key=lambda one: (one["line"], one["mutant"])),
    }
    RECORD.write_text(json.dumps(whole, indent=1) + "\n")


def main() -> None:
    """Run the parts asked for, and print what of each file survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after so long; the next run goes on")
    parser.add_argument("--sample", type=int, default=0, help="test so many mutants of each file, drawn by lot")
    parser.add_argument("--again", action="store_true", help="test the survivors again, after tests were added")
    given = parser.parse_args()
    STATE.mkdir(parents=True, exist_ok=True)
    ends_s = time.monotonic() + given.minutes * 60
    with copy_of_checkout() as copy, runner(copy) as run:
        for part in given.parts or PARTS:
            run_part(part, copy, run, ends_s, given.sample, given.again)
    for name, one in json.loads(RECORD.read_text())["found"].items():
        share = one["killed"] / one["tested"] if one["tested"] else 0
        counts = f"{one['killed']:4} of {one['tested']:4} killed ({share:.0%}), {one['mutants']} mutants"
        sys.stdout.write(f"{name:28} {counts}\n")


if __name__ == "__main__":
    main()

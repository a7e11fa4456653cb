"""docs/benchmarks.md shows the committed records, and says which of them are older than the code they measure."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import page, table
from common import records


def test_the_page_shows_the_records_and_marks_what_is_stale() -> None:
    shown = page.PAGE.read_text()
    assert shown == page.written(shown), "records or code have changed since; write it anew with: make benchmarks-page"
    assert set(page.BLOCKS) == set(re.findall(r"<!-- begin: (\w+) -->", shown))


def test_a_record_is_stale_when_what_it_depends_on_changes(tmp_path: Path) -> None:
    (tmp_path / "room" / "__pycache__").mkdir(parents=True)
    files = {"room": tmp_path / "room" / "one.py", "single.py": tmp_path / "single.py"}
    for path in files.values():
        path.write_text("1")
    about = {"files": {name: records.digest(tmp_path / name) for name in files}}
    (tmp_path / "room" / "__pycache__" / "one.pyc").write_text("compiled")
    assert records.state(about, tmp_path) == "current"
    files["room"].write_text("2")
    assert records.state(about, tmp_path) == "**stale** since `room` changed"
    files["single.py"].unlink()
    assert records.state(about, tmp_path) == "**stale** since `room`, `single.py` changed"
    files["room"].write_text("1")
    (tmp_path / "room" / "two.py").write_text("")
    assert records.state(about, tmp_path) == "**stale** since `room`, `single.py` changed"


def test_what_is_measured_now_is_current() -> None:
    about = records.measured(*records.KIOSK, *records.COMMAND, *records.BULK)
    assert records.state(about) == "current"
    assert all(about["files"].values()), "each of the files and folders exists"
    assert records.state(about | {"files": {}}) != "current"


@pytest.mark.parametrize("name", ["run", "detection", "page"])
def test_each_starts_by_itself(name: str) -> None:
    """They import one another."""
    subprocess.run([sys.executable, "-c", f"import benchmarks.{name}"], check=True, cwd=records.ROOT)


COMMANDS = [path for path in sorted((records.ROOT / "benchmarks").glob("[!_]*.py")) if "__main__" in path.read_text()]


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_who_asks_for_help_measures_nothing(path: Path) -> None:
    before = records.digest(page.RESULTS)
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{path.stem}", "--help"],
        cwd=records.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.lower().startswith("usage")
    assert records.digest(page.RESULTS) == before


def test_a_record_that_does_not_say_when_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps({"fast": {"ms": 1}}))
    with pytest.raises(ValueError, match="fast does not say when"):
        list(records.parts(tmp_path / "one.json"))


def test_a_goal_that_is_not_reached_is_said() -> None:
    start = {
        "ours": {"peak_rss_mb": 100.0},
        "described": {"times_ours": {"median": 11.0}, "times_ours_cpu": {"median": 15.0}, "peak_rss_mb": 500.0},
    }
    words = [line.split(":")[0] for line in table.targets({"start": {"found": start}})]
    assert words == ["MISSED", "met", "MISSED"]

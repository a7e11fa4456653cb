"""The README's table of benchmarks is the committed record, and nothing else."""

import json
from pathlib import Path

from benchmarks import table


def test_the_readme_shows_the_record(root: Path, tmp_path: Path) -> None:
    record = json.loads((root / "benchmarks" / "results" / "peers.json").read_text())
    copy = tmp_path / "README.md"
    copy.write_text((root / "README.md").read_text())
    table.write(copy, record)
    assert copy.read_text() == (root / "README.md").read_text()


def test_a_goal_that_is_not_reached_is_said() -> None:
    start = {
        "ours": {"peak_rss_mb": 100.0},
        "described": {"times_ours": {"median": 11.0}, "times_ours_cpu": {"median": 13.0}, "peak_rss_mb": 500.0},
    }
    words = [line.split(":")[0] for line in table.targets({"start": {"found": start}})]
    assert words == ["MISSED", "met", "MISSED"]

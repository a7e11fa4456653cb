"""The table in docs/benchmarks.md is the committed record, and nothing else."""

import json
from pathlib import Path

from benchmarks import table


def test_the_page_shows_the_record(root: Path, tmp_path: Path) -> None:
    record = json.loads((root / "benchmarks" / "results" / "peers.json").read_text())
    copy = tmp_path / "benchmarks.md"
    copy.write_text((root / "docs" / "benchmarks.md").read_text())
    table.write(copy, record)
    assert copy.read_text() == (root / "docs" / "benchmarks.md").read_text()


def test_a_goal_that_is_not_reached_is_said() -> None:
    start = {
        "ours": {"peak_rss_mb": 100.0},
        "described": {"times_ours": {"median": 11.0}, "times_ours_cpu": {"median": 15.0}, "peak_rss_mb": 500.0},
    }
    words = [line.split(":")[0] for line in table.targets({"start": {"found": start}})]
    assert words == ["MISSED", "met", "MISSED"]

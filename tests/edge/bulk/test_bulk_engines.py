"""The snippets of docs/bulk.md, run as they stand there; an engine that is not installed is skipped."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from bulk_rows import predicted, rows_of

pytestmark = pytest.mark.engine


def snippet(root: Path, name: str) -> str:
    """The code block after the comment that names it."""
    text = (root / "docs" / "bulk.md").read_text()
    found = re.search(rf"<!-- snippet: {name} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found, name
    return found[1]


@pytest.mark.parametrize("name", ["ray", "spark", "slurm", "parallel"])
def test_a_snippet_reads_every_picture(
    cli: Any, root: Path, album: Path, tmp_path: Path, environment: dict[str, str], name: str
) -> None:
    listing, out = tmp_path / "l.parquet", tmp_path / "out"
    assert cli("bulk", "list", album, listing).returncode == 0
    code = snippet(root, name).replace("500", "3")
    assert code.count("\n") <= 6
    if name in ("ray", "spark"):
        if find_spec({"ray": "ray", "spark": "pyspark"}[name]) is None:
            pytest.skip(f"{name} is not installed")
        names = f"listing, out, pictures = {str(listing)!r}, {str(out)!r}, 7\n"
        commands = [[sys.executable, "-c", names + code]]
    else:
        code = code.replace("/shared/pictures.parquet", str(listing)).replace("/shared/out", str(out))
        if name == "parallel":
            if shutil.which("parallel") is None:
                pytest.skip("GNU parallel is not installed")
            commands = [["bash", "-ec", code.replace("19999", "2")]]
        else:  # Slurm itself runs this file once a number of its array
            commands = [["bash", "-ec", f"export SLURM_ARRAY_TASK_ID={k}\n{code}"] for k in range(3)]
    place = Path(sys.executable).parent
    environment = {**environment, "PATH": f"{place}:{environment['PATH']}"}
    for command in commands:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=300, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert rows_of(out) == predicted(cli, album)

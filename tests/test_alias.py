"""``emotion_edge`` is ``edge`` under another name, not a second copy."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "code",
    [
        "import edge, emotion_edge; assert emotion_edge.Pipeline is edge.Pipeline",
        "from emotion_edge import Pipeline, Box; import edge; assert Pipeline is edge.Pipeline and Box is edge.Box",
        "import emotion_edge.types, edge.types; assert emotion_edge.types is edge.types",
        "from emotion_edge.errors import EdgeError; import edge; assert EdgeError is edge.EdgeError",
        "import emotion_edge.kiosk.settings, edge.kiosk.settings as two; assert emotion_edge.kiosk.settings is two",
        "import edge.types, emotion_edge.types; assert edge.types.__spec__.name == edge.types.__name__ == 'edge.types'",
        "from emotion_edge import *; Pipeline, EdgeError",
    ],
)
def test_every_name_is_the_same_object(code: str) -> None:
    run(code)


def test_it_loads_nothing_more_than_edge() -> None:
    tell = "import sys; import {}; print(*sys.modules)"
    more = set(run(tell.format("emotion_edge")).split()) - set(run(tell.format("edge")).split())
    assert "emotion_edge" in more
    assert not {name.partition(".")[0] for name in more} & {"edge", "numpy", "cv2", "PIL", "click"}


def test_a_part_that_does_not_exist_is_not_there() -> None:
    with pytest.raises(AssertionError, match=r"No module named 'edge\.nonsense'"):
        run("import emotion_edge.nonsense")


def test_it_is_a_command_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emotion_edge", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("emotion-edge, version ")

"""What importing loads: start-up on a small device is mostly imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

# Modules of the standard library that take long to load and serve no verb's help.
SLOW = {"asyncio", "concurrent", "email", "http", "logging", "multiprocessing", "sqlite3", "ssl", "unittest", "xml"}
ROOMS_ABOVE = {"common", "convert", "keras", "matplotlib", "scipy", "sklearn", "tensorflow", "train"}


def loaded(code: str) -> set[str]:
    """Top-level modules in a fresh process after running code."""
    tell = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def foreign(modules: set[str]) -> set[str]:
    """Those that neither Python nor its site start-up brings."""
    return {name for name in modules - loaded("") if name not in sys.stdlib_module_names}


def test_import_edge_loads_nothing_else() -> None:
    code = (
        "import edge; dir(edge); edge.__version__; edge.EMOTIONS; edge.Box; edge.Face; edge.FrameResult; edge.EdgeError"
    )
    modules = loaded(code)
    assert foreign(modules) == {"edge"}
    assert not modules & SLOW


@pytest.mark.parametrize(
    "code",
    [
        "import edge.cli; edge.cli.cli(['--help'], standalone_mode=False)",
        "import edge.cli; edge.cli.cli(['--version'], standalone_mode=False)",
        "import edge.cli; edge.cli.cli(['predict', '--help'], standalone_mode=False)",
        "import edge.cli; edge.cli.cli(['info', '--help'], standalone_mode=False)",
        "import edge.cli; edge.cli.cli(['bulk', 'score', '--help'], standalone_mode=False)",
    ],
)
def test_help_loads_only_click(code: str) -> None:
    modules = loaded(code)
    assert foreign(modules) == {"edge", "click"}
    assert not modules & SLOW


def test_predict_loads_only_what_it_needs() -> None:
    code = (
        "import edge.cli\n"
        "try: edge.cli.cli(['predict', 'examples/astronaut.jpg'], standalone_mode=False)\n"
        "except SystemExit: pass"
    )
    root = Path(__file__).parent.parent
    tell = f"import sys\n{code}\nprint(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True, cwd=root)
    modules = set(done.stderr.split())
    plugins = {name for name in modules if name.startswith("PIL.") and name.endswith("ImagePlugin")}
    assert "PIL.JpegImagePlugin" in plugins
    assert plugins <= {"PIL.JpegImagePlugin"}
    assert not modules & {"PIL.ImageDraw", "PIL.ImageFont", "asyncio", "concurrent.futures", "sqlite3", "http", "ssl"}
    assert not {name.split(".")[0] for name in modules} & {"dask", "distributed", "pyarrow"}


def test_the_kiosk_starts_without_what_it_may_never_need() -> None:
    code = (
        "import sys\n"
        "from edge.cli import kiosk\n"
        "from edge.kiosk.service import Kiosk\n"
        "from edge.kiosk.settings import KioskSettings\n"
        "from edge.kiosk.sources import choose_source\n"
        "config = KioskSettings(source='demo', port=0)\n"
        "Kiosk(config, choose_source(config))\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "edge.kiosk.service" in modules
    assert not modules & {"PIL", "edge.pipeline", "edge.report", "edge.sinks.events", "edge.sinks.mqtt", "sqlite3"}


def test_every_exported_name_exists() -> None:
    import edge

    for name in edge.__all__:
        assert getattr(edge, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = edge.nonsense


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("edge", ROOMS_ABOVE),
        ("common", {"train", "convert", "keras", "tensorflow"}),
        ("train", {"convert"}),
        ("convert", {"train"}),
    ],
)
def test_rooms_import_only_what_lies_below(room: str, forbidden: set[str]) -> None:
    for path in (Path(__file__).parent.parent / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            assert not {name.split(".")[0] for name in names} & forbidden, f"{path}:{node.lineno}"

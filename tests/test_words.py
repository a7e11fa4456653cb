"""Names are the field's terms: words of our own for predictions, labels, duplicates or rotation do not come back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Predictions, probabilities and outputs; labels; evaluation; duplicates; rotated; detect; next to.
AVOIDED = {
    "answer",
    "answers",
    "answered",
    "asked",
    "beside",
    "copies",
    "judge",
    "judged",
    "judges",
    "look",
    "looked",
    "looks",
    "stray",
    "told",
    "turned",
}
KEPT = {"same_answer", "most_same_answer", "LEAST_SAME_ANSWER"}  # keys of records that are committed


def names(path: Path) -> Iterator[tuple[int, str]]:
    """Functions, classes, parameters and variables that a file names, with their lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def words(name: str) -> set[str]:
    """``drawAnswers_of`` to draw, answers and of."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


@pytest.mark.parametrize("room", ["edge", "common", "train", "convert"])
def test_names_are_the_fields_terms(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, name in names(path)
        if words(name) & AVOIDED and name not in KEPT
    ]
    assert found == []

"""Results as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from edge.labels import EMOTIONS
from edge.sinks.formats import COLUMNS, WRITERS, CsvWriter, JsonWriter, describe
from edge.types import Box, Face, FrameResult

CHANCES = dict(zip(EMOTIONS[::-1], (0.1, 0.2, 0.05, 0.6, 0.05), strict=True))
FACE = Face(Box(1, 2, 30, 40), "Happy", 0.6, True, CHANCES)
GUESS = Face(Box(5, 6, 7, 8), "Happy", 0.6, False, CHANCES)
TWO = FrameResult("a.jpg", 100, 80, (FACE, GUESS), timing_ms={"detect": 1.234})
NONE = FrameResult("b.jpg", 100, 80, (FACE,), fallback=True)
BAD = FrameResult('odd,"name"\n.jpg', 0, 0, error="is empty (0 bytes)")


def written(form: str, *results: FrameResult) -> str:
    file = io.BytesIO()
    writer = WRITERS[form](file)
    for result in results:
        writer.write(result)
    writer.close()
    return file.getvalue().decode("utf-8")


def test_text() -> None:
    assert written("text", TWO, NONE, BAD).splitlines() == [
        "a.jpg: Happy 60% (face 1 of 2, 30x40 at (1, 2))",
        "a.jpg: not confident, best guess Happy 60% (face 2 of 2, 7x8 at (5, 6))",
        "b.jpg: no face found; the whole picture reads as Happy 60%",
    ]
    assert describe(FrameResult("c.jpg", 100, 80)) == ["c.jpg: no face found"]
    assert describe(FrameResult("x\n\x1b.jpg", 1, 1, (FACE,)))[0].startswith(r"x\n\x1b.jpg: ")


@pytest.mark.parametrize("results", [(), (TWO,), (TWO, NONE, BAD)])
def test_json_is_valid_whenever_it_ends(results: tuple[FrameResult, ...]) -> None:
    wanted = [result.to_dict() for result in results]
    assert json.loads(written("json", *results)) == wanted
    assert [json.loads(line) for line in written("jsonl", *results).splitlines()] == wanted


def test_names_are_written_as_they_are_and_moments_in_thousandths() -> None:
    assert '"source":"Küche.jpg"' in written("jsonl", FrameResult("Küche.jpg", 1, 1))
    frame, file = FrameResult("cam", 64, 48, (FACE,), frame=7), io.BytesIO()
    writer = CsvWriter(file, frames=True)
    for time_s in (None, 1.23456):
        writer.write(replace(frame, time_s=time_s))
    header, *rows = csv.reader(io.StringIO(file.getvalue().decode(), newline=""))
    assert [row[header.index("time_s")] for row in rows] == ["0.0", "1.235"]


@pytest.mark.parametrize("results", [(), (TWO,)])
def test_json_of_a_single_picture_is_a_line(results: tuple[FrameResult, ...]) -> None:
    file = io.BytesIO()
    writer = JsonWriter(file, single=True)
    for result in results:
        writer.write(result)
    writer.close()
    lines = file.getvalue().splitlines(keepends=True)
    assert all(line.endswith(b"\n") for line in lines)
    assert [json.loads(line) for line in lines] == [result.to_dict() for result in results]


def test_csv_rows_hold_what_json_holds() -> None:
    assert written("csv").splitlines() == [",".join(COLUMNS)], "a file of no pictures has a header too"
    rows = list(csv.DictReader(io.StringIO(written("csv", TWO, NONE, BAD), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["source"], row["face"]) for row in rows] == [
        ("a.jpg", "1"),
        ("a.jpg", "2"),
        ("b.jpg", "1"),
        ('odd,"name"\n.jpg', ""),
    ]
    assert [row["fallback"] for row in rows] == ["0", "0", "1", "0"]
    assert [rows[0][name] for name in ("x", "y", "w", "h", "emotion")] == ["1", "2", "30", "40", "Happy"]
    assert {name: float(rows[0][name]) for name in EMOTIONS} == CHANCES, "columns go by name, not by the model's order"
    assert rows[3]["error"] == "is empty (0 bytes)"
    assert rows[3]["emotion"] == ""

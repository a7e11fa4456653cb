"""The table that a person chooses a format from, as JSON and as Markdown."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from convert.measure import Score
from convert.runtimes import Probe
from convert.verify import THREADS, Agreement, Verdict


@dataclass(frozen=True, slots=True)
class About:
    """What the rows of a table have in common.

    Attributes:
        version: Version of the model.
        data: What was measured on, and which label counts as right.
        trained: The Keras model itself on the same pictures.
    """

    version: str
    data: str
    trained: Score


@dataclass(frozen=True, slots=True)
class Table:
    """All formats of one model.

    Attributes:
        about: What they have in common.
        rows: One a format.
        sha256: Format to the hash of its finished file; a refused format has none.
    """

    about: About
    rows: tuple[Verdict, ...]
    sha256: Mapping[str, str]

    def to_json(self) -> str:
        """Every figure, for programs."""
        tree = {
            "model_version": self.about.version,
            "measured_on": self.about.data,
            "machine": machine(),
            "trained": self.about.trained.rounded(),
            "formats": {row.form: self._row(row) for row in self.rows},
        }
        return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"

    def _row(self, row: Verdict) -> dict[str, Any]:
        return {
            "kB": _kilobytes(row),
            "sha256": self.sha256.get(row.form),
            "refused": row.refused,
            "runtimes": {ran.runtime: _ran(ran, row.scores.get(ran.runtime)) for ran in row.probes},
            "agreements": [asdict(agreement) for agreement in row.agreements],
        }

    def to_markdown(self) -> str:
        """The figures that a choice needs, for people."""
        runtimes = [ran.runtime for ran in self.rows[0].probes] if self.rows else []
        heads = ["format", "kB", "accuracy", "macro recall", "points lost", "same prediction", "ECE"]
        heads += [f"{runtime}, ms at {' / '.join(map(str, THREADS))} threads" for runtime in runtimes]
        trained = self.about.trained
        lines = [
            f"Model {self.about.version}. Measured on {self.about.data}.",
            "",
            _line(heads),
            _line(["---", *["---:"] * (len(heads) - 1)]),
            _line(["trained (Keras)", "", *_quality(trained)[:2], "", "", _quality(trained)[4], *[""] * len(runtimes)]),
        ]
        lines += [_line(self._cells(row)) for row in self.rows]
        lines += [
            "",
            f"Quality is that in the first runtime which runs the format. Times are medians of the quietest of several"
            f" rounds on {machine()}.",
        ]
        for agreement in (found for row in self.rows for found in row.agreements):
            lines += ["", _sentence(agreement)]
        for row in self.rows:
            lines += [f"\n`{row.form}` refused: {row.refused}." for _ in range(bool(row.refused))]
            lines += [
                f"\n`{row.form}` in {ran.runtime}: {ran.error}." for ran in row.probes if ran.error and not row.refused
            ]
        return "\n".join(lines) + "\n"

    def _cells(self, row: Verdict) -> list[str]:
        measured = next((row.scores[ran.runtime] for ran in row.probes if ran.runtime in row.scores), None)
        quality = _quality(measured) if measured else ["", "", "", "", ""]
        times = [" / ".join(f"{ran.ms[count]:.2f}" for count in THREADS) if ran.ms else "no" for ran in row.probes]
        return [row.form, f"{_kilobytes(row):.0f}", *quality, *times]


def machine() -> str:
    """Processor and cores that the times were taken on, and how busy they were with all that ran."""
    name = platform.machine()
    try:
        models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    except OSError:
        models = []
    if models:
        name = models[0].split(":", 1)[1].strip()
    return f"{name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def _kilobytes(row: Verdict) -> float:
    return round(row.size / 1000, 1)


def _ran(ran: Probe, measured: Score | None) -> dict[str, Any]:
    return {
        "error": ran.error,
        "delegated_operators": ran.delegated,
        "ms": {str(count): round(ms, 3) for count, ms in ran.ms.items()},
        "score": measured.rounded() if measured else None,
    }


def _quality(found: Score) -> list[str]:
    return [
        f"{found.accuracy:.2%}",
        f"{found.macro_recall:.2%}",
        f"{found.points_lost:.2f}",
        f"{found.same_answer:.2%}",
        f"{found.ece:.3f}",
    ]


def _sentence(agreement: Agreement) -> str:
    if agreement.identical:
        return f"{agreement.pair}: equal bit by bit on {agreement.pictures} pictures."
    return (
        f"{agreement.pair}: at most {agreement.largest_step}/256 apart on {agreement.pictures} pictures,"
        f" same prediction on {agreement.same_answer:.2%}."
    )


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


__all__ = ["About", "Table", "machine"]

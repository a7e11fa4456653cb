"""``emotion-edge report``: what an event log comes to, by hour or day."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from edge.cli.options import takes
from edge.settings import Loaded, Verb, setting
from edge.settings.shared import ReportSettings


@dataclass(frozen=True)
class ReportVerbSettings(ReportSettings):
    """Everything that can be set about ``report``."""

    by: Literal["hour", "day"] = setting("day", "What is added up.")
    format: Literal["text", "csv", "json", "html"] = setting(
        "text", "Form of the report; html is one file that needs nothing else."
    )
    language: Literal["en", "de", "fr", "es", "hi"] = setting("en", "Language of the report as text and html.")


@click.command("report")
@click.argument("log", type=click.Path(path_type=Path, readable=False), metavar="LOG")
@takes(Verb("report", ReportVerbSettings))
def command(log: Path, loaded: Loaded[ReportVerbSettings]) -> None:
    """Say what the event log LOG comes to: visits, dwell, minutes by emotion, camera down-time.

    LOG is the file of `stream --events` or `kiosk --event-log`; it is read as it stands, also while it is written.
    """
    from edge.report import read_report
    from edge.report.forms import to_csv, to_json, to_text
    from edge.report.page import to_html
    from edge.words import Words

    settings = loaded.settings
    report = read_report(log, settings.by, min_visits=settings.min_visits)
    if report.written:
        click.echo(f"note: {report.title} is being written; this is how it stands now", err=True)
    if not report.groups:
        click.echo(f"note: {report.title} holds no visits yet", err=True)
    words = Words(settings.language)
    forms = {
        "text": lambda: to_text(report, words),
        "html": lambda: to_html(report, words),
        "csv": lambda: to_csv(report),
        "json": lambda: to_json(report),
    }
    click.echo(forms[settings.format]())


__all__ = ["command"]

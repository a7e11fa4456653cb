"""A report as text, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

from edge.labels import EMOTIONS
from edge.report.figures import TOTAL, Group, Report
from edge.words import Words

COLUMNS = ("group", "visits", "dwell_mean_s", "dwell_median_s", "face_minutes", "unsure_share", "down_minutes")


def to_text(report: Report, words: Words) -> str:
    """A table for people, and a line or two above it."""
    names = ("head.visits", "head.dwell", "head.minutes")
    emotions = [words(f"emotion.{name}") for name in EMOTIONS]
    heads = ("", *(words(f"report.{name}") for name in names), *emotions, words("unsure"), words("report.head.down"))
    lines = [heads, *(_cells(group, words) for group in filled(report)), _cells(report.total, words)]
    widths = [max(_width(line[index]) for line in lines) for index in range(len(heads))]
    table = [_line(cells, widths) for cells in lines]
    return "\n".join([*summary(report, words), "", *table])


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    """Cells below each other: the first to the left, the others to the right."""
    gaps = [" " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)]
    rest = "".join(f"  {gap}{cell}" for cell, gap in zip(cells[1:], gaps[1:], strict=True))
    return (cells[0] + gaps[0] + rest).rstrip()


def _width(text: str) -> int:
    """Places on a terminal: marks above and below a letter take none."""
    return sum(unicodedata.category(letter) not in ("Mn", "Me") for letter in text)


def to_csv(report: Report) -> str:
    """A row a group, without the total; an empty cell is not known, or left out."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*COLUMNS, *(f"{name}_minutes" for name in EMOTIONS)))
    for group in report.groups:
        values = group.to_dict()
        minutes = values["emotion_minutes"] or {}
        writer.writerow((*(values[name] for name in COLUMNS), *(minutes.get(name) for name in EMOTIONS)))
    return text.getvalue().rstrip("\n")


def to_json(report: Report) -> str:
    """One object."""
    return json.dumps(report.to_dict(), ensure_ascii=False, separators=(",", ":"))


def summary(report: Report, words: Words) -> list[str]:
    """What a report comes to, a line each."""
    total = report.total
    if not total.visits:
        lines = [words("report.text.none", title=report.title)]
    else:
        dwell = {"median": seconds(total.dwell_median_s, words), "mean": seconds(total.dwell_mean_s, words)}
        key = "report.text.visit" if total.visits == 1 else "report.text.visits"
        lines = [words(key, title=report.title, n=total.visits, **dwell)]
    if report.busiest:
        hour, visits = report.busiest
        key = "report.text.busiest.visit" if visits == 1 else "report.text.busiest"
        lines.append(words(key, hour=hour, n=visits))
    lines.append(words("report.text.down", n=words.number(total.down_minutes)))
    if any(group.emotion_minutes is None and group.visits for group in report.groups):
        lines.append(words("report.text.few", n=report.min_visits))
    return lines


def filled(report: Report) -> list[Group]:
    """The groups that have anything."""
    return [group for group in report.groups if group.visits or group.face_minutes or group.down_minutes]


def label(group: Group, words: Words) -> str:
    """A group's hour or day, or the word for all of them."""
    return words("report.total") if group.label == TOTAL else group.label


def seconds(value: float | None, words: Words) -> str:
    """Seconds for people; a dash where there are none."""
    return "-" if value is None else words("report.s", n=words.number(value, 0 if value >= 10 else 1))


def share(value: float | None, words: Words) -> str:
    """A share in percent; a dash where there is none."""
    return "-" if value is None else words.percent(value)


def emotion_minutes(group: Group, words: Words) -> tuple[str, ...]:
    """Minutes of each emotion; dashes where visits are too few to tell."""
    minutes = group.emotion_minutes
    return tuple("-" if minutes is None else words.number(minutes[name], 1) for name in EMOTIONS)


def _cells(group: Group, words: Words) -> tuple[str, ...]:
    return (
        label(group, words),
        str(group.visits),
        "-" if group.dwell_median_s is None else words.number(group.dwell_median_s, 1),
        words.number(group.face_minutes, 1),
        *emotion_minutes(group, words),
        share(group.unsure_share, words),
        words.number(group.down_minutes),
    )


__all__ = ["emotion_minutes", "filled", "label", "seconds", "share", "summary", "to_csv", "to_json", "to_text"]

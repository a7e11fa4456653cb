"""The figures of a report: an event log's rows added up by local hour or day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import fmean, median
from typing import Any, Literal

from edge.labels import EMOTIONS
from edge.report.log import LogRows, read_log

By = Literal["hour", "day"]
HOUR_S = 3600
TOTAL = "total"  # the label of all of them
FILLED_MAX = 1000  # with more, as after a clock that stood at 1970, empty hours and days are left out


@dataclass(frozen=True, slots=True)
class Group:
    """One hour or day, or all of them.

    Attributes:
        label: Local time of its start, as ``2026-11-28 14:00`` or ``2026-11-28``; ``total``.
        visits: Faces that came; one that leaves and comes back is another.
        dwell_mean_s: Mean seconds a visit lasted; None without one.
        dwell_median_s: Median of the same.
        face_minutes: Minutes faces were there, over all faces.
        emotion_minutes: Minutes each emotion was shown and sure; None where visits are too few to tell.
        unsure_share: Share of `face_minutes` that was not sure, 0 to 1; None without any.
        down_minutes: Minutes without a camera.
    """

    label: str
    visits: int
    dwell_mean_s: float | None
    dwell_median_s: float | None
    face_minutes: float
    emotion_minutes: dict[str, float] | None
    unsure_share: float | None
    down_minutes: float

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, rounded."""
        minutes = self.emotion_minutes
        return {
            "group": self.label,
            "visits": self.visits,
            "dwell_mean_s": _rounded(self.dwell_mean_s, 1),
            "dwell_median_s": _rounded(self.dwell_median_s, 1),
            "face_minutes": round(self.face_minutes, 2),
            "emotion_minutes": minutes and {name: round(value, 2) for name, value in minutes.items()},
            "unsure_share": _rounded(self.unsure_share, 4),
            "down_minutes": round(self.down_minutes, 2),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says.

    Attributes:
        title: What it is about.
        by: ``hour`` or ``day``.
        min_visits: Groups with fewer visits tell nothing by emotion.
        groups: Every hour or day from the first that has something to the last, in order.
        total: All of them; its minutes by emotion are those of the groups that tell theirs.
        busiest: The hour with most visits and their number; None without a visit.
        written: Whether the log was being written.
    """

    title: str
    by: By
    min_visits: int
    groups: tuple[Group, ...]
    total: Group
    busiest: tuple[str, int] | None
    written: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "schema": 1,
            "title": self.title,
            "by": self.by,
            "min_visits": self.min_visits,
            "total": self.total.to_dict(),
            "busiest_hour": self.busiest and {"hour": self.busiest[0], "visits": self.busiest[1]},
            "groups": [group.to_dict() for group in self.groups],
        }


def read_report(path: Path, by: By, *, min_visits: int = 5, day: date | None = None, title: str = "") -> Report:
    """Read an event log and add it up.

    Args:
        path: The log; it is not changed, and may be written meanwhile.
        by: What a group is. Hours and days are those of the device's time zone; where that is not a whole number of
            hours from UTC, an hour begins at UTC's full hour and belongs to the day it begins in.
        min_visits: Groups with fewer visits tell nothing by emotion.
        day: This day alone.
        title: What it is about; the file's name by default.

    Raises:
        LogError: The log cannot be read.
    """
    rows = read_log(path)
    return _add_up(rows, by, min_visits, day, title or path.name)


@dataclass(slots=True)
class _Sums:
    dwell_s: list[float] = field(default_factory=list)
    shown_s: float = 0.0
    sure_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(EMOTIONS, 0.0))
    down_s: float = 0.0

    def add(self, other: _Sums) -> None:
        self.dwell_s += other.dwell_s
        self.shown_s += other.shown_s
        self.down_s += other.down_s
        for name, seconds in other.sure_s.items():
            self.sure_s[name] = self.sure_s.get(name, 0.0) + seconds

    def group(self, label: str, sure_s: dict[str, float] | None) -> Group:
        minutes = sure_s and {name: seconds / 60 for name, seconds in sure_s.items()}
        return Group(
            label,
            len(self.dwell_s),
            fmean(self.dwell_s) if self.dwell_s else None,
            median(self.dwell_s) if self.dwell_s else None,
            self.shown_s / 60,
            minutes,
            1 - sum(self.sure_s.values()) / self.shown_s if self.shown_s else None,
            self.down_s / 60,
        )


def _add_up(rows: LogRows, by: By, min_visits: int, day: date | None, title: str) -> Report:
    hours = _by_hour(rows)
    if day is not None:
        hours = {hour: sums for hour, sums in hours.items() if _local(hour).date() == day}
    groups: dict[str, _Sums] = {label: _Sums() for label in _labels(hours, by)}
    for hour, sums in sorted(hours.items()):
        groups[_label(hour, by)].add(sums)
    total, sure_s, any_enough = _Sums(), dict.fromkeys(EMOTIONS, 0.0), False
    shown = []
    for label, sums in groups.items():
        total.add(sums)
        enough = len(sums.dwell_s) >= min_visits and sums.shown_s > 0
        shown.append(sums.group(label, sums.sure_s if enough else None))
        for name, seconds in sums.sure_s.items() if enough else ():
            sure_s[name] = sure_s.get(name, 0.0) + seconds
        any_enough |= enough
    best = max(hours, key=lambda hour: (len(hours[hour].dwell_s), -hour), default=None)
    busiest = None if best is None or not hours[best].dwell_s else (_label(best, "hour"), len(hours[best].dwell_s))
    return Report(
        title, by, min_visits, tuple(shown), total.group(TOTAL, sure_s if any_enough else None), busiest, rows.written
    )


def _by_hour(rows: LogRows) -> dict[float, _Sums]:
    """Sums by the hour's start in Unix seconds."""
    hours: dict[float, _Sums] = defaultdict(_Sums)
    for started, seconds in rows.visits:
        hours[started // HOUR_S * HOUR_S].dwell_s.append(seconds)
    for hour, emotion, seconds, sure in rows.hours:
        hours[hour].shown_s += seconds
        hours[hour].sure_s[emotion] = hours[hour].sure_s.get(emotion, 0.0) + sure
    for began, until in rows.outages:
        for hour, seconds in _parts(began, until):
            hours[hour].down_s += seconds
    return hours


def _parts(began: float, until: float) -> Iterator[tuple[float, float]]:
    """The hours that a time reaches over, and its seconds in each."""
    while began < until:
        hour = began // HOUR_S * HOUR_S
        end = min(until, hour + HOUR_S)
        yield hour, end - began
        began = end


def _labels(hours: Iterable[float], by: By) -> list[str]:
    """Labels from the first hour to the last, also of those between that have nothing."""
    known = sorted(hours)
    if not known:
        return []
    first, last = _local(known[0]).date(), _local(known[-1]).date()
    count = (last - first).days + 1 if by == "day" else int((known[-1] - known[0]) // HOUR_S) + 1
    if count > FILLED_MAX:
        every = [_label(hour, by) for hour in known]
    elif by == "hour":
        every = [_label(known[0] + index * HOUR_S, by) for index in range(count)]
    else:
        every = [str(first + timedelta(days=index)) for index in range(count)]
    return list(dict.fromkeys(every))


def _label(hour: float, by: By) -> str:
    return f"{_local(hour):%Y-%m-%d %H:%M}" if by == "hour" else f"{_local(hour):%Y-%m-%d}"


def _local(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s).astimezone()


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


__all__ = ["TOTAL", "By", "Group", "Report", "read_report"]

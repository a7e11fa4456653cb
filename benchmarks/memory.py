"""How much memory a process holds over time, and how benchmarks judge it."""

from __future__ import annotations

import datetime
import statistics
import time
from collections.abc import Callable
from pathlib import Path

LIMIT_KB = 2048  # what a process may grow by once it has settled


def watch(
    pid: int, running: Callable[[], bool], *, settle_min: int = 1, span_min: int = 1, every_s: float = 2.0
) -> dict[str, object]:
    """RSS in kB of a process in each minute, and how the last minutes differ from the first after it settled.

    What grows is judged by the lowest of each minute: just after what lies free went back to the system, which a stream
    and a kiosk do once a minute. The median shows what is in use besides; a single look can fall on a moment with some
    frames (0.9 MB each) more or less under way.

    Args:
        pid: The process.
        running: Whether to go on.
        settle_min: From which minute on memory has to stay.
        span_min: How many minutes at either end are compared, by their median.
        every_s: Seconds between two looks.
    """
    began = time.monotonic()
    minutes: dict[int, list[int]] = {}
    while running():
        rss = rss_kb(pid)
        if rss:
            minutes.setdefault(int((time.monotonic() - began) / 60), []).append(rss)
        time.sleep(every_s)
    looks = [minutes[minute] for minute in sorted(minutes)]
    if len(looks) > 1 and len(looks[-1]) < len(looks[-2]) / 2:
        looks.pop()  # a part of a minute
    medians, lowest = [round(statistics.median(one)) for one in looks], [min(one) for one in looks]
    settled = min(settle_min, len(looks) - 1)

    def growth(values: list[int]) -> int:
        return round(statistics.median(values[-span_min:]) - statistics.median(values[settled:][:span_min]))

    return {
        "rss_kb_by_minute": medians,
        "rss_lowest_kb_by_minute": lowest,
        "rss_largest_kb": max(max(one) for one in looks[settled:]),
        "growth_of_medians_kb": growth(medians),
        "growth_kb": growth(lowest),
    }


def rss_kb(pid: int) -> int:
    """Resident memory in kB; 0 where there is no such process."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def now() -> str:
    """Date and time for a record."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


__all__ = ["LIMIT_KB", "now", "rss_kb", "watch"]

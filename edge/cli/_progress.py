"""What `predict` says on standard error: bad pictures at once, a running line on a terminal, a summary at the end."""

from __future__ import annotations

from collections import Counter
from time import monotonic

import click

from edge.naming import one_line
from edge.sources.files import HEIC, STDIN, VIDEOS, Skipped
from edge.types import FrameResult

CLEAR = "\r\x1b[K"


class Progress:
    """Counts what is done.

    Args:
        total: How many pictures there are; None where nobody watches.
        skipped: Files passed over, counted by suffix while folders are listed.
    """

    def __init__(self, total: int | None, skipped: Skipped) -> None:
        self.done = self.bad = self.kept = 0
        self._faceless = 0
        self._emotions: Counter[str] = Counter()
        self._skipped = skipped
        self._total = total
        self._began = self._shown = monotonic()

    def keep(self, bad: bool) -> None:
        """Count a picture that an earlier run has read."""
        self.kept += 1
        self.bad += bad

    def count(self, result: FrameResult) -> None:
        """Count a picture; one that cannot be read is reported."""
        self.done += 1
        if result.error is not None:
            self.bad += 1
            self.clear()
            name = "standard input" if result.source == STDIN else one_line(result.source)
            click.echo(f"error: {name} {result.error}", err=True)
        elif result.fallback or not result.faces:
            self._faceless += 1
        else:
            self._emotions.update(face.emotion for face in result.faces)
        now = monotonic()
        if self._total is not None and now - self._shown > 0.1:
            self._shown = now
            each_s = (now - self._began) / self.done
            left_s = round(each_s * max(0, self._total - self.kept - self.done))
            line = f"{self.kept + self.done} of {self._total} pictures, {self.bad} unreadable, {_duration(left_s)} left"
            click.echo(CLEAR + line, nl=False, err=True)

    def clear(self) -> None:
        """Take the running line away, before something else is written."""
        if self._total is not None:
            click.echo(CLEAR, nl=False, err=True)

    def end(self) -> None:
        """Say what was found."""
        self.clear()
        faces = sum(self._emotions.values())
        emotions = ", ".join(f"{emotion} {count}" for emotion, count in self._emotions.most_common())
        parts = [
            counted(self.done, "picture") + (f" and {self.kept} that were there already" if self.kept else ""),
            counted(faces, "face") + (f" ({emotions})" if emotions else ""),
            f"{self._faceless} without a face",
            f"{self.bad} unreadable",
        ]
        if self._skipped:
            kinds = ", ".join(f"{count} {suffix}" for suffix, count in self._skipped.most_common())
            parts.append(f"{counted(sum(self._skipped.values()), 'other file')} skipped ({kinds})")
        click.echo(f"{', '.join(parts)}, in {monotonic() - self._began:.1f} s", err=True)
        if HEIC & self._skipped.keys():
            click.echo("HEIC pictures are read after: pip install 'emotion-edge[heic]'", err=True)
        if VIDEOS & self._skipped.keys():
            click.echo("videos are followed with: emotion-edge stream --source FILE", err=True)


def counted(number: int, thing: str) -> str:
    """``1 picture``, ``2 pictures``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _duration(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


__all__ = ["Progress", "counted"]

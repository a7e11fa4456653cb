"""Plots as SVG: bars over time, stacked where they have parts. No script; the page styles them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from edge.words import Words

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 12, 30
_STEPS = (1, 2, 5)


def bars(title: str, labels: Sequence[str], layers: Sequence[tuple[str, str, Sequence[float]]], words: Words) -> str:
    """Bars over time.

    Args:
        title: What they show, for those who do not see them.
        labels: What each bar stands for.
        layers: Class of the colour, name, and a value for each bar, from the bottom up.
        words: How numbers are written.
    """
    sums = [sum(values[index] for _, _, values in layers) for index in range(len(labels))]
    step = _step(max(sums, default=0.0))
    top = max(step, -(-max(sums, default=0.0) // step) * step)
    inner_w, inner_h = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    pitch = inner_w / max(len(labels), 1)
    width = max(min(pitch * 0.8, 48.0), 0.5)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        *_scale(step, top, inner_h, words),
    ]
    for index, label in enumerate(labels):
        x, y = LEFT + (index + 0.5) * pitch - width / 2, float(TOP + inner_h)
        for kind, name, values in layers:
            high = values[index] / top * inner_h
            if high > 0:
                y -= high
                parts.append(
                    f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{high:.1f}">'
                    f"<title>{escape(label)}: {escape(name)} {_plain(values[index], words)}</title></rect>"
                )
    parts += _axis(labels, pitch)
    return "".join([*parts, "</svg>"])


def _step(most: float) -> float:
    """The distance of the scale's lines: 1, 2 or 5 times a power of ten, for at most five of them."""
    size = 1.0
    while True:
        for factor in _STEPS:
            if most <= 5 * factor * size:
                return factor * size
        size *= 10


def _scale(step: float, top: float, inner_h: int, words: Words) -> list[str]:
    lines = []
    for index in range(round(top / step) + 1):
        y = TOP + inner_h * (1 - index * step / top)
        lines.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_plain(index * step, words)}</text>')
    return lines


def _plain(value: float, words: Words) -> str:
    """A number without needless digits."""
    return words.number(value, 0 if value == round(value) else 1)


def _axis(labels: Sequence[str], pitch: float) -> list[str]:
    """As many labels as have room: hours of one day, or days; fewer on narrow screens, where letters are larger."""
    days = [label[:10] for label in labels]
    if len(set(days)) == 1 and len(labels[0]) > 10:
        named = [(float(index), label[11:]) for index, label in enumerate(labels)]
    else:  # each day in the middle of its hours
        named = [(days.index(day) + (days.count(day) - 1) / 2, day[5:]) for day in dict.fromkeys(days)]
    wide = _with_room([(LEFT + (index + 0.5) * pitch, name) for index, name in named], 8)
    narrow = _with_room(wide, 17)
    y = HEIGHT - BOTTOM + 9
    return [
        f'<text x="{x:.1f}" y="{y}" class="{"at" if (x, name) in narrow else "at between"}">{escape(name)}</text>'
        for x, name in wide
    ]


def _with_room(labels: list[tuple[float, str]], letter: float) -> list[tuple[float, str]]:
    """Labels that do not touch, where a letter is so wide."""
    kept: list[tuple[float, str]] = []
    for x, name in labels:
        if not kept or x - kept[-1][0] >= len(name) * letter:
            kept.append((x, name))
    return kept


__all__ = ["bars"]

"""A report as one HTML file that needs nothing else: figures, plots, and a table of all numbers."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape

from edge import __version__
from edge.labels import EMOTIONS
from edge.report.figures import Group, Report
from edge.report.forms import emotion_minutes, filled, label, seconds, share
from edge.report.plots import bars
from edge.words import Words

STYLE = """
:root { color-scheme: dark light; --ground: #0d1219; --panel: #171f2b; --line: #34435a; --ink: #f2f5fa; --soft: #b1bfd2;
  --visits: #5fe0d0; --Angry: #ff7a70; --Happy: #ffd24a; --Neutral: #a9bdd3; --Sad: #74abff; --Surprise: #d59bff;
  --unsure: #55647a; --down: #ff7a70; }
@media (prefers-color-scheme: light) { :root { --ground: #eef2f7; --panel: #ffffff; --line: #b9c6d6; --ink: #131c29;
  --soft: #46566b; --visits: #0b6b62; --Angry: #d23b30; --Happy: #d99a00; --Neutral: #66788f; --Sad: #2f6fd6;
  --Surprise: #9548d0; --unsure: #c3ccd8; --down: #d23b30; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0.5rem 0 1rem; }
h2 { font-size: 1.1rem; margin: 0 0 0.5rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.75rem; margin: 0; }
.figures div, section { background: var(--panel); border-radius: 0.75rem; padding: 0.75rem 1rem; }
dt { color: var(--soft); }
dd { margin: 0; font-size: 1.6rem; font-variant-numeric: tabular-nums; }
dd span { white-space: nowrap; }
section { margin-top: 0.75rem; overflow-x: auto; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { fill: var(--soft); font-size: 12px; }
.at { text-anchor: middle; dominant-baseline: hanging; }
@media (max-width: 40rem) { svg text { font-size: 26px; } .between { display: none; } }
.grid { stroke: var(--line); stroke-width: 1; }
.key { list-style: none; display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; padding: 0; margin: 0.5rem 0 0; }
.key svg { display: inline-block; width: 0.8rem; vertical-align: -0.05rem; margin-right: 0.35rem; }
.visits { fill: var(--visits); } .Angry { fill: var(--Angry); } .Happy { fill: var(--Happy); }
.Neutral { fill: var(--Neutral); } .Sad { fill: var(--Sad); } .Surprise { fill: var(--Surprise); }
.not-sure { fill: var(--unsure); } .down { fill: var(--down); }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.5rem; text-align: right; white-space: nowrap; }
tbody :is(th, td) { border-top: 1px solid var(--line); }
thead th { color: var(--soft); line-height: 1.2; white-space: normal; vertical-align: bottom; }
:is(h2, th)::first-letter { text-transform: uppercase; }
th[colspan] { text-align: center; border-bottom: 1px solid var(--line); }
tr > th[scope="row"], thead tr:first-child > th:first-child { position: sticky; left: -1rem; background: var(--panel);
  text-align: left; }
@media (max-width: 56rem) { table { font-size: 0.8rem; } th, td { padding: 0.25rem 0.15rem; } }
p { color: var(--soft); }
"""
# The kiosk's own pages allow no style inside; this one alone does.
STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()


def to_html(report: Report, words: Words) -> str:
    """The page."""
    title = escape(words(f"report.title.{report.by}", title=report.title))
    parts = [
        f'<!doctype html><html lang="{words.language}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title} · emotion-edge</title><style>{STYLE}</style></head><body><main>",
        f"<h1>{title}</h1>",
        _figures(report, words),
        *(_plots(report, words) if report.groups else (f"<p>{words('report.none')}</p>",)),
        _table(report, words),
        f"<p>{words('report.note', n=report.min_visits)} emotion-edge {__version__}.</p></main></body></html>",
    ]
    return "\n".join(parts)


def _figures(report: Report, words: Words) -> str:
    total = report.total
    facts = {
        words("report.visits"): str(total.visits),
        words("report.lasts"): seconds(total.dwell_median_s, words),
        words("report.busiest"): _busiest(report),
        words("unsure"): share(total.unsure_share, words),
        words("report.down"): words("report.min", n=words.number(total.down_minutes)),
    }
    entries = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items())
    return f'<dl class="figures">{entries}</dl>'


def _plots(report: Report, words: Words) -> list[str]:
    groups = report.groups
    labels = [group.label for group in groups]
    visits = [float(group.visits) for group in groups]
    layers = [
        (name, words(f"emotion.{name}"), [round((group.emotion_minutes or {}).get(name, 0.0), 1) for group in groups])
        for name in EMOTIONS
    ]
    # Where the emotions of a group are not shown, a bar of what was not sure alone would seem to be all of it.
    unsure = [
        round((group.unsure_share or 0) * group.face_minutes, 1) if group.emotion_minutes else 0.0 for group in groups
    ]
    layers.append(("not-sure", words("unsure"), unsure))
    plots = {
        words("report.visits"): [("visits", words("report.visits"), visits)],
        words("report.byEmotion"): layers,
    }
    if report.total.down_minutes:
        down = [round(group.down_minutes, 1) for group in groups]
        plots[words("report.downMinutes")] = [("down", words("report.minutes"), down)]
    return [
        f"<section><h2>{name}</h2>{bars(name, labels, shown, words)}{_key(shown) if len(shown) > 1 else ''}</section>"
        for name, shown in plots.items()
    ]


def _key(layers: list[tuple[str, str, list[float]]]) -> str:
    mark = '<svg viewBox="0 0 10 10" aria-hidden="true"><rect class="{}" width="10" height="10" rx="2"/></svg>'
    return f'<ul class="key">{"".join(f"<li>{mark.format(kind)}{name}</li>" for kind, name, _ in layers)}</ul>'


def _table(report: Report, words: Words) -> str:
    names = ("head.visits", "dwellMedian", "dwellMean", "faceMinutes")
    before = [words(f"report.{name}") for name in (report.by, *names)]
    after = [words("unsure"), words("report.downMinutes")]
    emotions = f'<th scope="colgroup" colspan="{len(EMOTIONS)}">{words("report.byEmotion")}</th>'
    tall = '<th scope="col" rowspan="2">{}</th>'
    first = "".join([*map(tall.format, before), emotions, *map(tall.format, after)])
    second = "".join(f'<th scope="col">{words(f"emotion.{name}")}</th>' for name in EMOTIONS)
    rows = "".join(_row(group, report, words) for group in (*filled(report), report.total))
    head = f"<thead><tr>{first}</tr><tr>{second}</tr></thead>"
    title = words("report.all")
    table = f"<table>{head}<tbody>{rows}</tbody></table>"
    return f'<section tabindex="0" aria-label="{title}"><h2>{title}</h2>{table}</section>'


def _row(group: Group, report: Report, words: Words) -> str:
    cells = (
        str(group.visits),
        seconds(group.dwell_median_s, words),
        seconds(group.dwell_mean_s, words),
        words.number(group.face_minutes, 1),
        *emotion_minutes(group, words),
        share(group.unsure_share, words),
        words.number(group.down_minutes),
    )
    name = label(group, words) if group is report.total else _when(group.label, report)
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _busiest(report: Report) -> str:
    """The busiest hour, without its year; a line breaks before the hour alone."""
    if report.busiest is None:
        return "-"
    *date, hour = _when(report.busiest[0], report).split()
    return " ".join(f"<span>{part}</span>" for part in (*(day[5:] for day in date), hour))


def _when(label: str, report: Report) -> str:
    """An hour or day, without the date where there is but one."""
    one_day = report.groups[0].label[:10] == report.groups[-1].label[:10]
    return (label[11:] if one_day else "") or label


__all__ = ["STYLE_HASH", "to_html"]

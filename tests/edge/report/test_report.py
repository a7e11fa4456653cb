"""What a report makes of an event log, and what it says of files that are none."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from edge.labels import EMOTIONS
from edge.report import read_report
from edge.report.forms import to_csv, to_json, to_text
from edge.report.page import STYLE, to_html
from edge.sinks.eventfile import open_log
from edge.sinks.events import EventSink
from edge.types import Box, Face, FrameResult
from edge.words import LANGUAGES, Words, preferred

ENGLISH = Words()
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch):
    def zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    zone("UTC")
    yield zone
    monkeypatch.undo()
    time.tzset()


def log_of(
    path: Path, *spans: tuple[float, str, int, float, float], outages: tuple[tuple[float, float], ...] = ()
) -> Path:
    """A log of spans: track, emotion, sure, minutes from noon (UTC), seconds."""
    db = open_log(path)
    db.execute("INSERT INTO runs VALUES (1, 'cam', ?, ?)", (NOON, NOON + 3600))
    for track, emotion, sure, minute, seconds in spans:
        began = NOON + minute * 60
        db.execute(
            "INSERT INTO spans (run, track, emotion, confident, started, ended, frames, confidence) "
            "VALUES (1, ?, ?, ?, ?, ?, 1, 0.8)",
            (track, emotion, sure, began, began + seconds),
        )
    for began, until in outages:
        db.execute("INSERT INTO outages (run, started, ended) VALUES (1, ?, ?)", (NOON + began * 60, NOON + until * 60))
    db.close()
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Five visits in one hour, two in the next, and a camera that was away over the hour's end."""
    five = [(track, "Happy", 1, 5.0 * track, 60.0) for track in range(1, 6)]
    unsure = [(1, "Sad", 0, 6.0, 30.0)]  # the first visit goes on, not sure
    two = [(track, "Surprise", 1, 70.0, 120.0) for track in (8, 9)]
    return log_of(tmp_path / "faces.db", *five, *unsure, *two, outages=((50.0, 65.0),))


def test_visits_dwell_minutes_and_down_time_by_hour(log: Path):
    report = read_report(log, "hour")
    first, second = report.groups
    assert [group.label for group in report.groups] == ["2026-11-28 12:00", "2026-11-28 13:00"]
    assert (first.visits, second.visits, report.total.visits) == (5, 2, 7)
    assert (first.dwell_median_s, second.dwell_median_s) == pytest.approx((60, 120))
    assert first.dwell_mean_s == pytest.approx((4 * 60 + 90) / 5)
    assert first.emotion_minutes == pytest.approx({**dict.fromkeys(EMOTIONS, 0.0), "Happy": 5.0})
    assert first.unsure_share == pytest.approx(30 / 330)
    assert (first.down_minutes, second.down_minutes) == pytest.approx((10, 5))
    assert report.busiest == ("2026-11-28 12:00", 5)


def test_few_visits_tell_nothing_by_emotion_in_any_form(log: Path):
    report = read_report(log, "hour")
    assert report.groups[1].emotion_minutes is None
    assert report.total.emotion_minutes["Surprise"] == 0, "the total would tell what the group does not"
    told = json.loads(to_json(report))
    assert told["groups"][1]["emotion_minutes"] is None
    row = list(csv.DictReader(io.StringIO(to_csv(report))))[1]
    assert [row[f"{name}_minutes"] for name in EMOTIONS] == [""] * 5
    assert row["visits"] == "2"
    line = next(line for line in to_text(report, ENGLISH).splitlines() if line.startswith("2026-11-28 13:00"))
    assert line.split()[5:10] == ["-"] * 5
    assert ": Surprise" not in to_html(report, ENGLISH)
    open_one = read_report(log, "hour", min_visits=2)
    assert open_one.groups[1].emotion_minutes["Surprise"] == pytest.approx(4.0)
    assert "13:00: Surprise 4" in to_html(open_one, ENGLISH)


def test_days_add_up_their_hours(log: Path):
    report = read_report(log, "day")
    assert [group.label for group in report.groups] == ["2026-11-28"]
    assert report.total.visits == report.groups[0].visits == 7
    assert report.total.emotion_minutes["Surprise"] == pytest.approx(4.0)
    assert report.busiest == ("2026-11-28 12:00", 5)


@pytest.mark.parametrize(
    ("zone", "labels", "day"),
    [
        ("Asia/Kolkata", ["2026-11-28 17:30", "2026-11-28 18:30"], "2026-11-28"),
        ("Pacific/Auckland", ["2026-11-29 01:00", "2026-11-29 02:00"], "2026-11-29"),
    ],
)
def test_hours_and_days_are_those_of_the_device(log: Path, in_utc, zone: str, labels: list[str], day: str):
    in_utc(zone)
    assert [group.label for group in read_report(log, "hour").groups] == labels
    assert [group.label for group in read_report(log, "day").groups] == [day]
    assert read_report(log, "hour", day=date.fromisoformat(day)).total.visits == 7
    assert read_report(log, "hour", day=date(2026, 11, 27)).total.visits == 0


def test_empty_hours_between_are_there_but_not_for_half_a_century(tmp_path: Path):
    report = read_report(log_of(tmp_path / "a.db", (1, "Sad", 1, 0, 5), (2, "Sad", 1, 180, 5)), "hour")
    assert [group.visits for group in report.groups] == [1, 0, 0, 1]
    assert len(to_text(report, ENGLISH).splitlines()) == 4 + 1 + 4, "empty hours take no line"
    report = read_report(log_of(tmp_path / "b.db", (1, "Sad", 1, 0, 5), (2, "Sad", 1, -2e7, 5)), "hour")
    assert [group.visits for group in report.groups] == [1, 1]


def test_few_visits_have_no_bar_by_emotion_not_even_of_what_was_not_sure(tmp_path: Path):
    many = [(track, "Happy", track > 1, 5.0 * track, 60.0) for track in range(1, 6)]
    few = [(track, "Sad", 0, 70.0, 120.0) for track in (8, 9)]
    page = to_html(read_report(log_of(tmp_path / "faces.db", *many, *few), "hour"), ENGLISH)
    by_emotion = page[page.index("Minutes by emotion") :]
    by_emotion = by_emotion[: by_emotion.index("</svg>")]
    assert re.findall("<title>(.*?)</title>", by_emotion) == [
        "2026-11-28 12:00: Happy 4",
        "2026-11-28 12:00: Not sure 1",
    ]


def test_hours_of_one_day_are_told_without_it(log: Path):
    page = to_html(read_report(log, "hour", day=date(2026, 11, 28)), ENGLISH)
    assert "<dd><span>12:00</span></dd>" in page
    assert re.findall('scope="row">(.*?)<', page) == ["12:00", "13:00", "total"]
    page = to_html(read_report(log, "day"), ENGLISH)
    assert re.findall('scope="row">(.*?)<', page) == ["2026-11-28", "total"]


def test_hours_of_several_days_are_told_with_them(tmp_path: Path):
    visits = [(1, "Happy", 1, 0.0, 60.0), (2, "Happy", 1, 1440.0, 60.0), (3, "Happy", 1, 1440.0, 60.0)]
    page = to_html(read_report(log_of(tmp_path / "faces.db", *visits), "hour"), ENGLISH)
    assert "<dd><span>11-29</span> <span>12:00</span></dd>" in page
    assert re.findall('scope="row">(.*?)<', page) == ["2026-11-28 12:00", "2026-11-29 12:00", "total"]
    axis = re.findall('class="at[^"]*">(.*?)</text>', page[: page.index("</svg>")])
    assert axis == ["11-28", "11-29"]


def test_the_page_needs_nothing_else_and_its_plots_are_svg(log: Path):
    page = to_html(read_report(log, "hour"), ENGLISH)
    for word in ("http", "src=", "href=", "url(", "<script", "<img", "style="):
        assert word not in page
    plots = [
        Xml.fromstring(part + "</svg>") for part in page.split("</svg>")[:-1] for part in [part[part.index("<svg") :]]
    ]
    bars = list(plots[0].iter("rect"))
    assert [rect.find("title").text for rect in bars] == [
        "2026-11-28 12:00: Visits 5",
        "2026-11-28 13:00: Visits 2",
    ]
    heights = [float(rect.get("height")) for rect in bars]
    assert heights[0] / heights[1] == pytest.approx(2.5, rel=0.01)


def result(time_s: float, state: str, *tracks: int) -> FrameResult:
    chances = dict.fromkeys(EMOTIONS, 0.2)
    faces = tuple(Face(Box(0, 0, 9, 9), "Happy", 0.8, True, chances, track=track) for track in tracks)
    return FrameResult("cam", 640, 480, faces=faces, frame=1, time_s=time_s, state=state)


class Days:
    """Unix time and the monotonic clock of an event log."""

    def __init__(self) -> None:
        self.now, self.since_boot = NOON, 10.0

    def sink(self, path: Path) -> EventSink:
        return EventSink(path, clock=lambda: self.now, monotonic=lambda: self.since_boot)

    def see(self, sink: EventSink, state: str, minutes: float) -> None:
        """A result in this state, and what passes after it."""
        sink.write(None, result(self.since_boot, state))
        self.now += minutes * 60
        self.since_boot += minutes * 60


@pytest.mark.parametrize("jump_s", [0.0, 86400.0])
def test_a_camera_that_was_away_is_down_time_whatever_the_clock(tmp_path: Path, jump_s: float):
    days = Days()
    sink = days.sink(tmp_path / "log.db")
    days.see(sink, "ok", 1)
    days.see(sink, "reconnecting", 7)
    days.now += jump_s
    days.see(sink, "ok", 5)
    days.see(sink, "lost", 2)
    sink.close()
    assert read_report(tmp_path / "log.db", "day").total.down_minutes == pytest.approx(9)


def test_what_a_crash_cut_short_lasts_until_the_next_run(tmp_path: Path):
    days, path = Days(), tmp_path / "log.db"
    days.see(days.sink(path), "reconnecting", 4)  # never closed
    assert read_report(path, "day").total.down_minutes == 0, "its end is not known"
    sink = days.sink(path)
    days.see(sink, "reconnecting", 2)
    days.see(sink, "ok", 1)
    sink.close()
    assert read_report(path, "day").total.down_minutes == pytest.approx(6)


def test_down_time_is_forgotten_with_its_days(tmp_path: Path):
    days, path = Days(), tmp_path / "log.db"
    sink = days.sink(path)
    days.see(sink, "reconnecting", 3)
    days.see(sink, "ok", 1)
    sink.close()
    days.now += 31 * 86400
    sink = days.sink(path)
    days.see(sink, "ok", 1)
    sink.close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM outages").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (1,)


def test_every_form_on_the_command_line(cli, log: Path):
    assert json.loads(cli("report", log, "--format", "json").stdout)["total"]["visits"] == 7
    assert cli("report", log, "--by", "hour", "--format", "csv").stdout.count(b"\n") == 3
    assert cli("report", log, "--format", "html").stdout.startswith(b"<!doctype html>")
    done = cli("report", log, env={"EMOTION_EDGE_REPORT_MIN_VISITS": "100"})
    assert b"groups of fewer than 100 visits" in done.stdout
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.db", None, b"No such file"),
        ("folder", "folder", b"Is a directory"),
        ("empty.db", b"", b"is an empty file"),
        ("photo.db", b"\xff\xd8\xff" * 999, b"is not an event log"),
        ("other.db", "CREATE TABLE places (name TEXT)", b"another program's database"),
        ("old.db", "CREATE TABLE runs (id); CREATE TABLE spans (id); PRAGMA user_version = 2", b"layout 2, wanted 3"),
        ("new.db", "CREATE TABLE runs (id); CREATE TABLE spans (id); PRAGMA user_version = 99", b"a newer"),
    ],
)
def test_what_is_no_log_is_one_line(cli, tmp_path: Path, name: str, content, words: bytes):
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        with sqlite3.connect(path) as db:
            db.executescript(content)
    done = cli("report", path)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert words in done.stderr


def test_a_log_without_visits_says_so(cli, tmp_path: Path):
    open_log(tmp_path / "log.db").close()
    done = cli("report", tmp_path / "log.db", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)["groups"]) == (0, [])
    assert done.stderr == b"note: log.db holds no visits yet\n"
    assert b"No visits yet" in cli("report", tmp_path / "log.db", "--format", "html").stdout


def test_a_log_that_another_program_locks_is_said(cli, log: Path):
    with sqlite3.connect(log, isolation_level=None) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("BEGIN EXCLUSIVE")
        done = cli("report", log)
        db.execute("ROLLBACK")
    assert done.returncode == 1
    assert b"is locked by another program" in done.stderr


def test_a_log_that_is_being_written_is_read_and_said(cli, tmp_path: Path, environment: dict[str, str]):
    path = tmp_path / "log.db"
    words = ["stream", "--source", "synthetic:2", "--format", "none", "--events", str(path)]
    process = subprocess.Popen([sys.executable, "-m", "edge", *words], env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            done = cli("report", path, "--format", "json")
            if done.returncode == 0 and json.loads(done.stdout)["total"]["visits"] == 2:
                break
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.2)
        assert done.stderr == b"note: log.db is being written; this is how it stands now\n"
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert process.returncode == 0
    for _ in range(2):  # SQLite keeps its files for a reader, too
        assert cli("report", path).stderr == b"", "what has just ended is no longer written"


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_page_are_in_every_language(log: Path, language: str):
    words, report = Words(language), read_report(log, "hour")
    text, page = to_text(report, words), to_html(report, words)
    assert f'<html lang="{language}">' in page
    assert words("report.visits") in page and words("report.note", n=5) in page and words("emotion.Sad") in page
    for said in (text, page):
        assert "{" not in said.replace(STYLE, "") and "report." not in said
        for english in ("visits", "Busiest", "Not sure") if language != "en" else ():
            assert english.lower() not in re.sub("<style>.*?</style>|class=.*?>", "", said, flags=re.S).lower()
    head, *rows = text.split("\n\n")[1].splitlines()
    assert head.endswith(words("report.head.down"))
    ends = {sum(unicodedata.category(letter) not in ("Mn", "Me") for letter in row) for row in (head, *rows)}
    assert len(ends) == 1, "columns end where their heads do"


def test_one_visit_is_one(tmp_path: Path):
    text = to_text(read_report(log_of(tmp_path / "log.db", (1, "Happy", 1, 0, 8)), "day"), ENGLISH)
    assert text.splitlines()[:2] == ["log.db: 1 visit of 8.0 s", "busiest hour: 2026-11-28 12:00, 1 visit"]


def test_numbers_are_written_as_the_language_does():
    assert (Words("de").number(1.25, 1), Words("en").number(1.25, 1)) == ("1,2", "1.2")
    assert (Words("fr").percent(0.5), Words("hi").percent(0.5)) == ("50\N{NO-BREAK SPACE}%", "50%")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("nl, fr;q=0.4, es;q=0.7", "es"),
        ("en;q=0.1, hi", "hi"),
        ("ja", "en"),
        ("de;q=0", "en"),
        ("*;;q=..9 ü", "en"),
    ],
)
def test_the_language_is_the_first_known_one_that_is_asked_for(header: str, language: str):
    assert preferred(header) == language

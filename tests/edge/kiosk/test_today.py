"""The owner's page of the day."""

import time
from datetime import date

import httpx
import pytest
from chromium_pages import CHROMIUM, SCREENS
from kiosk_stage import Stage, room, running, until

from edge.kiosk.tokens import Gate
from edge.labels import EMOTIONS
from edge.report import read_report
from edge.report.page import to_html
from edge.sinks.eventfile import open_log
from edge.words import LANGUAGES, Words

TOKEN = "a-token-of-good-length"
WIDER = "Math.max(...[...document.querySelectorAll('section')].map((one) => one.scrollWidth - one.clientWidth))"
# Letters of a plot that lie on each other.
TOUCHING = """[...document.querySelectorAll("section > svg")].flatMap((plot) => {
  const all = [...plot.querySelectorAll("text")].map((one) => [one.textContent, one.getBoundingClientRect()]);
  const seen = all.filter(([, one]) => one.width > 0);
  return seen.flatMap(([name, a], index) => seen.slice(index + 1).filter(([, b]) => a.left < b.right && b.left < a.right
    && a.top + a.height / 4 < b.bottom - b.height / 4 && b.top + b.height / 4 < a.bottom - a.height / 4)
    .map(([other]) => [name, other]));
})"""
LEAST_LETTER = """Math.min(...[...document.querySelectorAll("section > svg")].map((plot) => {
  const scale = plot.getBoundingClientRect().width / plot.viewBox.baseVal.width;
  return scale * parseFloat(getComputedStyle(plot.querySelector("text")).fontSize);
}))"""


@pytest.fixture
def log(tmp_path):
    """Six visits a moment ago, and one of another day."""
    path = tmp_path / "events.db"
    db = open_log(path)
    now = time.time()
    db.execute("INSERT INTO runs VALUES (1, 'cam', ?, ?)", (now - 60, now))
    for track, began in enumerate([*[now - 1.0] * 6, now - 3 * 86400]):
        db.execute(
            "INSERT INTO spans (run, track, emotion, confident, started, ended, frames, confidence) "
            "VALUES (1, ?, 'Happy', 1, ?, ?, 9, 0.9)",
            (track, began, began + 0.5),
        )
    db.close()
    return path


@pytest.fixture
def owners(log):
    with running(None, source="none", gate=Gate(TOKEN), event_log=log) as kiosk:
        yield kiosk


def test_the_day_is_shown_to_who_has_the_token(owners):
    with httpx.Client(base_url=owners.url) as client:
        assert client.get("/today").status_code == 401
        reply = client.get("/today", headers={"authorization": f"Bearer {TOKEN}"})
    assert reply.status_code == 200
    assert "<dt>Visits</dt><dd>6</dd>" in reply.text
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert reply.headers["cache-control"] == "no-store"


def test_it_speaks_the_kiosks_language_or_else_the_browsers(owners, log):
    headers = {"authorization": f"Bearer {TOKEN}", "accept-language": "fr-FR,fr;q=0.9"}
    assert "<dt>Visites</dt><dd>6</dd>" in httpx.get(owners.url + "/today", headers=headers).text
    with running(None, source="none", event_log=log, language="de") as german:
        assert "<dt>Besuche</dt><dd>6</dd>" in httpx.get(german.url + "/today", headers=headers).text


def test_without_a_log_or_with_a_broken_one_it_says_so(tmp_path):
    with running(None, source="none") as kiosk:
        reply = httpx.get(kiosk.url + "/today")
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "no_event_log")
    (tmp_path / "log.db").write_bytes(b"no log " * 99)
    with running(None, source="none", event_log=tmp_path / "log.db") as kiosk:
        reply = httpx.get(kiosk.url + "/today")
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "no_report")
        assert str(tmp_path) not in reply.text


def test_a_camera_that_was_lost_is_in_the_days_numbers(tmp_path):
    with running(Stage(room(460)), timeout_s=0.5, event_log=tmp_path / "log.db") as kiosk:
        until(lambda: kiosk.latest and kiosk.latest.faces)
        kiosk.stage.lose()
        until(lambda: kiosk.latest.state == "reconnecting")
        time.sleep(1.0)  # the time away is what is measured here
        kiosk.stage.find()
        until(lambda: kiosk.latest.state == "ok")
        assert httpx.get(kiosk.url + "/today").status_code == 200
    report = read_report(tmp_path / "log.db", "day")
    assert report.total.down_minutes * 60 >= 1.0
    assert report.total.visits >= 1


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory):
    """The log of two weeks, twelve visits in each of five hours a day."""
    path = tmp_path_factory.mktemp("fortnight") / "faces.db"
    db, first = open_log(path), 1_795_000_000 // 86400 * 86400
    db.execute("INSERT INTO runs VALUES (1, 'cam', ?, ?)", (first, first + 14 * 86400))
    for visit in range(14 * 5 * 12):
        began = first + visit // 60 * 86400 + (9 + visit // 12 % 5) * 3600 + visit % 12 * 250
        emotion, sure = EMOTIONS[visit % 5], visit % 9 > 0
        db.execute(
            "INSERT INTO spans (run, track, emotion, confident, started, ended, frames, confidence) "
            "VALUES (1, ?, ?, ?, ?, ?, 9, 0.9)",
            (visit, emotion, sure, began, began + 200),
        )
    db.execute("INSERT INTO outages (run, started, ended) VALUES (1, ?, ?)", (first + 40_000, first + 44_000))
    db.close()
    return path


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_fits_its_screen_in_every_language(browser, fortnight, tmp_path, language):
    days, hours = read_report(fortnight, "day"), read_report(fortnight, "hour")
    one_day = read_report(fortnight, "hour", day=date.fromisoformat(days.groups[3].label))
    for report in (days, hours, one_day):
        (tmp_path / "report.html").write_text(to_html(report, Words(language)), "utf-8")
        for width, height in (SCREENS[name] for name in ("pi", "phone", "hd")):
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"file://{tmp_path}/report.html")
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            if width > 800 or (width == 800 and report is not hours):  # elsewhere the table scrolls by itself
                assert page.evaluate(WIDER) <= 0, (report.by, width)
            assert page.evaluate(TOUCHING) == [], (report.by, width)
            assert page.evaluate(LEAST_LETTER) >= 11, (report.by, width)
            page.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
@pytest.mark.parametrize(("theme", "colour"), [("dark", "rgb(95, 224, 208)"), ("light", "rgb(11, 107, 98)")])
def test_chromium_applies_its_style_under_its_policy(browser, owners, theme, colour):
    context = browser.new_context(viewport={"width": 800, "height": 480}, color_scheme=theme, bypass_csp=False)
    page = context.new_page()
    faults = []
    page.on("console", lambda line: faults.append(line.text))
    page.goto(f"{owners.url}/?token={TOKEN}")
    page.wait_for_url(f"{owners.url}/")
    faults.clear()
    page.goto(owners.url + "/today")
    assert page.eval_on_selector("rect.visits", "bar => getComputedStyle(bar).fill") == colour
    assert not faults
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    context.close()

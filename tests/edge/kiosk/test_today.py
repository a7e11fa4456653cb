"""The owner's page of the day."""

import time

import httpx
import pytest
from chromium_pages import CHROMIUM
from kiosk_stage import Stage, room, running, until

from edge.kiosk.tokens import Gate
from edge.report import read_report
from edge.sinks.eventfile import open_log

TOKEN = "a-token-of-good-length"


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
        until(lambda: kiosk.latest.state == "ok", 30)
        assert httpx.get(kiosk.url + "/today").status_code == 200
    report = read_report(tmp_path / "log.db", "day")
    assert report.total.down_minutes * 60 >= 1.0
    assert report.total.visits >= 1


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

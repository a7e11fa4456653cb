"""A visitor's own phone: the QR code on the kiosk's screen, and what its pass opens, and for how long."""

import re
import sys

import cv2
import httpx
import numpy as np
import pytest
import zxingcpp
from chromium_pages import IN_CHROMIUM, give, soon, state
from kiosk_stage import PHOTO, ROOT, Stage, room, running, until
from starlette.routing import Route

from edge.cli.kiosk import _gate, _say_where
from edge.errors import ConfigError
from edge.kiosk import phone
from edge.kiosk.passes import PATHS, TURN_S, VISITS_TURNS, Passes
from edge.kiosk.security import VISIT
from edge.kiosk.settings import KIOSK, KioskSettings
from edge.kiosk.tokens import Gate

TOKEN = "a-token-of-good-length"
NET = {"host": "0.0.0.0"}
OTHERS = ("/", "/?screen=1", "/today", "/metrics", "/events", "/stream.mjpg", "/phone.svg", "/api/latest")


class Clock:
    def __init__(self):
        self.now_s = 1000.0 * TURN_S

    def __call__(self):
        return self.now_s


def in_chromium(test):
    for mark in IN_CHROMIUM:
        test = mark(test)
    return test


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def locked(clock, tmp_path):
    """A kiosk that phones can reach and that asks for its token, with a clock that the test sets."""
    gate = Gate(TOKEN)
    gate.passes = Passes(clock)
    with running(Stage(room(460)), gate=gate, timeout_s=0.5, event_log=tmp_path / "log.db", **NET) as kiosk:
        until(lambda: kiosk.latest and kiosk.latest.faces)
        yield kiosk


@pytest.fixture
def visitor(locked):
    """A phone that has opened the address of the code."""
    with httpx.Client(base_url=locked.url) as client:
        shown = locked.kiosk.site.gate.passes.current()
        assert client.get(f"/upload?pass={shown}").status_code == 200
        yield client


def read(picture):
    """What the QR code in a picture says. Not by OpenCV, whose reader never reads about one code in thirty."""
    found = zxingcpp.read_barcode(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    return found.text if found else ""


def seen(page):
    """What the QR code on a page says."""
    return read(cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR))


def test_a_pass_ends_after_one_turn_more_and_says_nothing_of_the_next(clock):
    made, other = Passes(clock), Passes(clock)
    shown = made.current()
    assert made.opens_with(shown)
    assert not other.opens_with(shown), "another kiosk, or this one started anew"
    assert not made.opens_with("") and not made.opens_with(shown[:-1]) and not made.opens_with("ü")
    clock.now_s += TURN_S
    assert made.current() != shown
    assert made.opens_with(shown), "someone is about to scan it"
    clock.now_s += TURN_S
    assert not made.opens_with(shown)
    assert not made.opens_with_cookie(shown) and not made.opens_with(made.cookie())


def test_a_pass_opens_the_upload_page_and_what_it_needs(visitor):
    for path in ("/upload", "/privacy", "/api/about"):
        assert visitor.get(path).status_code == 200, path
    reply = visitor.post("/api/predict", content=PHOTO.read_bytes(), headers={"content-type": "image/jpeg"})
    assert [face["emotion"] for face in reply.json()["faces"]] == ["Happy"]
    about = visitor.get("/api/about").json()
    assert (about["visitor"], about["source"]) == (True, "")


def test_a_pass_opens_the_addresses_that_the_guide_names_and_no_other(visitor, locked):
    guide = (ROOT / "docs" / "raspberry-pi.md").read_text("utf-8")
    named = re.search(r"pass of its own, which opens (.*?) and nothing else", guide, re.DOTALL)[1]
    opened = set(re.findall(r"`(/[a-z/]+)`", named))
    assert opened == set(PATHS)
    # Whoever comes without a pass gets these too: a form to log in, and "ok" or not.
    everyones = {"/login", "/healthz"}
    served = {route.path for route in locked.kiosk.site.app()._app.routes if isinstance(route, Route)}
    assert opened | everyones < served
    for path in served - opened - everyones:
        for method in ("GET", "HEAD", "POST"):
            assert visitor.request(method, path).status_code == 401, path
    for path in ("/?screen=1", "/upload/", "/upload/../today", "/api", "/api/predict/x", "//upload"):
        assert visitor.get(path).status_code == 401, path
    assert set(visitor.get("/healthz").json()) == {"status"}


def test_the_pass_itself_opens_no_other_address(locked):
    shown = locked.kiosk.site.gate.passes.current()
    with httpx.Client(base_url=locked.url) as client:
        for path in OTHERS:
            reply = client.get(path, params={"pass": shown, "token": shown})
            assert reply.status_code == 401 and "set-cookie" not in reply.headers, path
        assert client.get("/api/about", headers={"authorization": f"Bearer {shown}"}).status_code == 401


def test_a_photographed_code_ends_and_a_phones_visit_too(locked, visitor, clock):
    shown = locked.kiosk.site.gate.passes.current()
    clock.now_s += 2 * TURN_S
    page = {"accept": "text/html"}
    late = httpx.get(f"{locked.url}/upload?pass={shown}", headers=page)
    assert late.status_code == 401
    assert "This code has ended" in late.text and "set-cookie" not in late.headers
    assert visitor.get("/upload").status_code == 200
    clock.now_s += VISITS_TURNS * TURN_S
    assert visitor.get("/upload").status_code == 401
    assert visitor.post("/api/predict", content=b"").status_code == 401


def test_the_cookie_of_a_visit_is_kept_from_scripts_and_other_sites(locked):
    reply = httpx.get(f"{locked.url}/upload?pass={locked.kiosk.site.gate.passes.current()}")
    cookie = reply.headers["set-cookie"].lower()
    assert cookie.startswith(VISIT) and "httponly" in cookie and "samesite=strict" in cookie
    assert f"max-age={VISITS_TURNS * TURN_S}" in cookie


@in_chromium
def test_a_phone_follows_the_code_on_the_screen(visit, locked):
    screen = visit(f"/?screen=1&token={TOKEN}", at=locked.url)
    state(screen, "ok")
    screen.wait_for_selector(".stage > .phone img")
    address = until(lambda: seen(screen))
    number = phone._own_number()
    assert address.startswith(f"http://{number}:{locked.port}/upload?pass=")
    mobile = visit(address.partition(str(locked.port))[2], "phone", at=locked.url)
    mobile.wait_for_selector("#file", state="attached")
    soon(mobile, "document.querySelectorAll('nav a').length === 2 && document.documentElement.lang === 'en'")
    assert mobile.locator("#notice").is_hidden()
    give(mobile, PHOTO)
    mobile.wait_for_selector(".card")
    mobile.click(".brand")
    mobile.wait_for_selector("#drop")
    mobile.goto(locked.url + "/")
    mobile.wait_for_selector("input[name=token]")


@in_chromium
@pytest.mark.parametrize("screen", ["pi", "portrait", "hd"])
def test_the_code_can_be_read_with_no_one_there_too(visit, locked, screen):
    locked.stage.show(room())
    page = visit(f"/?screen=1&token={TOKEN}", screen, at=locked.url)
    page.wait_for_selector("#attract .phone img")
    until(lambda: "/upload?pass=" in seen(page))
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") == 0


@in_chromium
def test_the_code_makes_way_for_faces(visit, locked):
    page = visit(f"/?screen=1&token={TOKEN}", at=locked.url)
    page.wait_for_selector(".stage > .phone[data-corner='bottom left'] img")
    page.evaluate(
        """() => {
          const box = document.createElement("div");
          box.className = "box";
          box.style.cssText = "left: 0; top: 60%; width: 20%; height: 40%";
          document.querySelector("#boxes").append(box);
          setInterval(() => document.querySelector("#boxes").append(box), 20);
        }"""
    )
    page.wait_for_selector(".phone[data-corner^='top']:visible")


@in_chromium
@pytest.mark.parametrize("faces", [(300, 300), (200, 200, 200), (150,) * 4, (105,) * 6])
def test_on_an_upright_screen_the_code_stands_below_the_cards_of_several(visit, locked, faces):
    locked.stage.show(room(*faces))
    page = visit(f"/?screen=1&token={TOKEN}", "portrait", at=locked.url)
    page.wait_for_selector(".board > .phone.below:visible img")
    soon(page, f"document.querySelectorAll('.card:not([hidden])').length === {min(len(faces), 4)}")
    until(lambda: "/upload?pass=" in seen(page))
    code = page.locator(".phone").bounding_box()
    assert page.locator(".phone img").bounding_box()["width"] >= 110
    assert code["y"] + code["height"] <= 800
    for others in (".card:not([hidden])", ".people .note", ".stage"):
        for box in (one.bounding_box() for one in page.locator(others).all()):
            apart = box["x"] + box["width"] <= code["x"] or box["y"] + box["height"] <= code["y"]
            assert apart, others


@in_chromium
def test_an_ended_code_is_explained_in_the_phones_language(visit, locked):
    page = visit("/upload?pass=old", "phone", at=locked.url, language="de")
    soon(page, "document.querySelector('h1').textContent === 'Dieser Code ist abgelaufen'")


@in_chromium
def test_where_no_phone_can_come_there_is_no_code(visit, kiosk):
    page = visit("/?screen=1")
    state(page, "ok")
    assert page.locator(".phone, script[src*=phone]").count() == 0
    assert httpx.get(kiosk.url + "/phone.svg").status_code == 404


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, None),
        ({"host": "::1"}, None),
        ({"host": "192.0.2.7"}, "http://192.0.2.7:8000/"),
        ({"host": "kiosk.lan"}, "http://kiosk.lan:8000/"),
        ({"public_url": "https://museum.example/emotion/"}, "https://museum.example/emotion/"),
    ],
)
def test_the_address_is_one_that_a_phone_can_reach(settings, address):
    assert phone.phone_address(KioskSettings(**settings), 8000) == address


def test_the_address_of_others_is_checked_and_its_name_answers():
    environ = {"EMOTION_EDGE_KIOSK_PUBLIC_URL": "https://museum.example/emotion"}
    assert KIOSK.load(environ=environ).settings.public_url == "https://museum.example/emotion/"
    for wrong in ("museum.example", "ftp://museum.example/", "https://", "https://museum.example/?a=b"):
        with pytest.raises(ConfigError, match=r"such as https://"):
            KIOSK.load(environ={"EMOTION_EDGE_KIOSK_PUBLIC_URL": wrong})
    with running(None, source="none", public_url="https://museum.example/emotion/") as kiosk:
        assert httpx.get(kiosk.url, headers={"host": "museum.example"}).status_code == 200
        assert httpx.get(kiosk.url, headers={"host": "other.example"}).status_code == 421


def blocks(text):
    """What a QR code of text blocks says: two rows of modules a line, of which a terminal shows blocks as light."""
    lines = [line for line in text.splitlines() if set(line) <= set("█▀▄ ") and len(line) > 20]
    rows = []
    for line in lines:
        rows += [[one in "█▀" for one in line], [one in "█▄" for one in line]]
    picture = np.pad(np.kron(np.array(rows, np.uint8) * 255, np.ones((8, 8), np.uint8)), 40)  # on a dark terminal
    return read(picture)


def test_the_start_says_address_and_code_and_a_new_token_in_it_once(tmp_path, capsys):
    config = KioskSettings(host="192.0.2.7", token_file=tmp_path / "token")
    for _ in range(2):
        gate, new = _gate(config)
        assert gate is not None
        _say_where(config, 8000, "none", new)
        said = capsys.readouterr().err
        address = "http://192.0.2.7:8000/"
        assert address in said.splitlines()
        assert blocks(said) == (f"{address}?token={new}" if new else address)
    assert not new
    _say_where(KioskSettings(), 8000, "none")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_without_the_library_the_reason_is_said_and_nothing_is_shown(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "segno", None)
    _say_where(KioskSettings(host="192.0.2.7"), 8000, "none")
    assert "segno is not installed; install it with: pip install" in capsys.readouterr().err
    with running(Stage(room(460)), **NET) as kiosk:
        assert "phone.js" not in httpx.get(kiosk.url + "/?screen=1").text
        assert httpx.get(kiosk.url + "/phone.svg").status_code == 404

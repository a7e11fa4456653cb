"""The device's own screen: nothing leads away, nothing of a visitor is left behind, and Chromium shows nothing else."""

import getpass
import json
import os
import shutil
import subprocess
import sys

import pytest
from chromium_pages import CHROMIUM, IN_CHROMIUM, soon, state
from kiosk_stage import ROOT, Stage, room, running

from edge.kiosk.tokens import Gate

POLICY = ROOT / "deploy" / "chromium-policy.json"
TOKEN = "a-token-of-good-length"


def marked(test):
    for mark in IN_CHROMIUM:
        test = mark(test)
    return test


@marked
def test_nothing_leads_away(visit, kiosk):
    page = visit("/?screen=1")
    state(page, "ok")
    assert page.locator("nav a:visible").count() == 0
    page.evaluate("document.querySelector('nav a[href=privacy]').click()")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<a id=away href=privacy>away</a>')")
    page.evaluate("document.getElementById('away').click()")
    page.wait_for_timeout(300)
    assert page.url == kiosk.url + "/?screen=1"
    page.click(".brand")
    state(page, "ok")
    assert page.url == kiosk.url + "/?screen=1"
    plain = visit("/")
    state(plain, "ok")
    assert plain.locator("nav a:visible").count() == 3


@marked
def test_after_a_minute_without_a_touch_or_a_face_it_starts_anew(visit, kiosk):
    page = visit("/?screen=1")
    state(page, "ok")
    page.evaluate("window.before = true; window.later = 0; window.now = performance.now.bind(performance)")
    page.evaluate("performance.now = () => window.now() + window.later")
    page.select_option("#language", "de")
    page.click("#theme")
    page.mouse.click(5, 5)
    page.evaluate("window.later += 70_000")
    page.wait_for_timeout(2500)
    assert page.evaluate("window.before"), "someone is there"
    kiosk.stage.show(room())
    page.mouse.click(5, 5)
    page.evaluate("window.later += 50_000")
    soon(page, "!document.querySelector('.card')")
    page.wait_for_timeout(2500)
    assert page.evaluate("window.before"), "it is less than a minute"
    with page.expect_navigation():
        page.evaluate("window.later += 15_000")
    assert page.evaluate("!window.before")
    soon(page, "document.documentElement.lang === 'en'")
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("document.documentElement.dataset.theme") is None


@marked
def test_a_link_with_the_token_leads_to_the_screen(visit):
    with running(Stage(room(460)), gate=Gate(TOKEN)) as locked:
        page = visit(f"/?screen=1&token={TOKEN}", at=locked.url)
        state(page, "ok")
        assert page.url == locked.url + "/?screen=1"


def test_the_installer_puts_the_policy_where_chromium_looks(tmp_path):
    environ = os.environ | {"DESTDIR": str(tmp_path), "SCREEN_USER": getpass.getuser()}
    subprocess.run(["sh", ROOT / "deploy/install-kiosk.sh"], env=environ, check=True, capture_output=True)
    (policy, again) = (json.loads(path.read_text()) for path in tmp_path.rglob("policies/managed/emotion-edge.json"))
    assert policy == again
    assert policy["URLBlocklist"] == ["*"]
    address, page = policy["URLAllowlist"]
    assert address == "localhost"
    assert page.startswith("file:///") and page.endswith("/.config/emotion-edge/open.html")
    assert policy | {"URLAllowlist": []} == json.loads(POLICY.read_text()) | {"URLAllowlist": []}
    subprocess.run(["sh", ROOT / "deploy/install-kiosk.sh", "uninstall"], env=environ, check=True, capture_output=True)
    assert not list(tmp_path.rglob("emotion-edge.json"))


LOOK = """
import sys
from playwright.sync_api import Error, sync_playwright
with sync_playwright() as tool:
    page = tool.chromium.launch_persistent_context(
        sys.argv[2], executable_path=sys.argv[1], args=["--no-sandbox", "--disable-gpu"]
    ).new_page()
    try:
        page.goto(sys.argv[3])
        print(page.content())
    except Error as error:
        print(error)
"""


def _own_mounts():
    return shutil.which("unshare") and subprocess.run(["unshare", "-m", "true"], check=False).returncode == 0


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
@pytest.mark.skipif(not _own_mounts(), reason="needs a mount of its own: run as root")
def test_chromium_shows_the_kiosk_and_nothing_else(kiosk, tmp_path):
    """With the policy in a /etc/chromium that this one Chromium alone sees."""
    managed = tmp_path / "etc" / "policies" / "managed"
    managed.mkdir(parents=True)
    policy = json.loads(POLICY.read_text())
    assert policy.pop("DeveloperToolsAvailability") == 2  # with it, no test could look either
    (managed / "policy.json").write_text(json.dumps(policy))

    def look(address):
        command = ["unshare", "-m", "sh", "-c", f'mount --bind {tmp_path}/etc /etc/chromium && exec "$@"', "sh"]
        command += [sys.executable, "-c", LOOK, CHROMIUM, str(tmp_path / "profile"), address]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    with running(None, source="none") as other:
        assert "api/predict" in look(f"http://localhost:{other.port}/")
        assert "ERR_BLOCKED_BY_ADMINISTRATOR" in look(f"http://127.0.0.1:{other.port}/")
    assert "ERR_BLOCKED_BY_ADMINISTRATOR" in look("file:///etc/passwd")

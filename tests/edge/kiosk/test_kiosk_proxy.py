"""Behind nginx and Caddy, with TLS, below a path: the examples of deploy/ before a real kiosk, also in Chromium."""

import os
import re
import shutil
import subprocess

import httpx
import pytest
from broker import free_port
from chromium_pages import CHROMIUM, give, state
from kiosk_stage import PHOTO, ROOT, Stage, room, running, until

from edge.cli.kiosk import _gate
from edge.errors import ConfigError
from edge.kiosk.logins import FailedLogins
from edge.kiosk.security import COOKIE
from edge.kiosk.settings import KIOSK, KioskSettings
from edge.kiosk.tokens import Gate

PROXIES = {"nginx": shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"), "caddy": shutil.which("caddy")}
TOKEN = "a-token-of-good-length"


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxied(request, tmp_path_factory, certificates):
    """A kiosk that asks for its token, and the address of a proxy before it."""
    if PROXIES[request.param] is None:
        pytest.skip(f"{request.param} is not installed (Debian: nginx-light, caddy)")
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    with running(Stage(room(460)), gate=Gate(TOKEN), trusted_proxy=("127.0.0.1",)) as kiosk:
        until(lambda: kiosk.latest and kiosk.latest.faces)
        if request.param == "nginx":
            command = _nginx(folder, port, kiosk.port, certificates)
        else:
            command = _caddy(folder, port, kiosk.port)
        process = subprocess.Popen(command, env=os.environ | {"HOME": str(folder)}, stderr=subprocess.DEVNULL)
        address = f"https://127.0.0.1:{port}/emotion"
        try:
            until(lambda: _answers(address))
            yield kiosk, address
        finally:
            process.terminate()
            process.wait(20)


def _nginx(folder, port, kiosk_port, certificates):
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("http://127.0.0.1:8000/", f"http://127.0.0.1:{kiosk_port}/")
    text = re.sub(r"/etc/ssl/\S+\.pem", str(certificates / "server.pem"), text)
    text = re.sub(r"/etc/ssl/\S+\.key", str(certificates / "server.key"), text)
    head = f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    head += "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(f"{head}{text}\n}}\n")
    return [PROXIES["nginx"], "-c", folder / "nginx.conf", "-e", folder / "error.log"]


def _caddy(folder, port, kiosk_port):
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    text = text.replace("\nkiosk.local {", f"\nhttps://127.0.0.1:{port} {{")
    text = text.replace("reverse_proxy 127.0.0.1:8000", f"reverse_proxy 127.0.0.1:{kiosk_port}")
    # Nothing of the machine's own: no port 80, no trusted certificate, no control port.
    head = f"{{\nadmin off\nskip_install_trust\nauto_https disable_redirects\nstorage file_system {folder}/caddy\n}}\n"
    (folder / "Caddyfile").write_text(head + text)
    return [PROXIES["caddy"], "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]


def _answers(address):
    try:
        return httpx.get(address + "/healthz", verify=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def client(proxied):
    with httpx.Client(base_url=proxied[1], verify=False, timeout=30) as client:
        yield client


def test_the_cookie_is_secure_and_for_its_path(client):
    reply = client.post("/login", data={"token": TOKEN})
    assert (reply.status_code, reply.headers["location"]) == (303, "./")
    assert "Secure" in reply.headers["set-cookie"]
    assert "path=" not in reply.headers["set-cookie"].lower()
    assert client.get("/api/latest").status_code == 200


def test_the_client_is_the_one_before_the_proxy(proxied, caplog):
    kiosk, address = proxied
    kiosk.kiosk.site.gate.failed = FailedLogins()
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.7", verify=False)) as client:
        client.get(address + "/api/latest", headers={"authorization": "Bearer wrong", "x-forwarded-for": "10.9.8.7"})
    assert "a login from 127.0.0.7 failed" in caplog.text
    caplog.clear()
    with running(None, source="none", gate=Gate(TOKEN), trusted_proxy=("10.0.0.0/8",)) as other:
        claimed = {"authorization": "Bearer wrong", "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https"}
        httpx.get(other.url + "/api/latest", headers=claimed)
        assert "a login from 127.0.0.1 failed" in caplog.text, "who is no proxy may claim nothing"
        reply = httpx.post(other.url + "/login", data={"token": TOKEN}, headers=claimed)
        assert "Secure" not in reply.headers["set-cookie"]


def test_no_picture_touches_the_disk_of_the_proxy(client):
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "image/jpeg"}
    reply = client.post("/api/predict", content=PHOTO.read_bytes(), headers=headers)
    # nginx's workers may write nowhere here, and what they would buffer on a disk would fail; Caddy passes all on.
    assert (reply.status_code, len(reply.json()["faces"])) == (200, 1)


def test_another_site_may_not_post_through_the_proxy(client):
    reply = client.post("/login", data={"token": TOKEN}, headers={"origin": "https://evil.example"})
    assert reply.status_code == 403


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
def test_everything_works_below_a_path(visit, proxied, browser):
    _, address = proxied
    page = visit("/", at=address, ignore_https_errors=True)
    page.fill("input[name=token]", TOKEN)
    page.click("button[type=submit]")
    state(page, "ok")
    assert page.url == address + "/"
    page.wait_for_selector(".card .word")
    page.wait_for_selector("nav a[href='./'][aria-current]")
    until(lambda: page.evaluate("!document.getElementById('picture').hidden"))
    (cookie,) = [one for one in page.context.cookies() if one["name"] == COOKIE]
    assert cookie["secure"] and cookie["httpOnly"] and cookie["path"].rstrip("/") == "/emotion"
    page.select_option("#language", "de")
    until(lambda: page.evaluate("document.documentElement.lang") == "de")
    page.click("nav a[href='upload']")
    page.wait_for_selector("nav a[href='upload'][aria-current]")
    give(page, PHOTO)
    page.wait_for_selector(".card")
    page.click("nav a[href='privacy']")
    page.wait_for_selector("#log-words")
    assert page.url == address + "/privacy"
    page.click(".brand")
    state(page, "ok")
    other = visit(f"/?token={TOKEN}", at=address, ignore_https_errors=True)
    state(other, "ok")
    assert other.url == address + "/"


def test_no_address_in_the_pages_begins_at_the_root():
    for path in [*(ROOT / "edge/kiosk/html").glob("*.html"), *(ROOT / "edge/kiosk/static").rglob("*.*")]:
        found = re.findall(
            r"""(?:(?:href|src|action|url)=["']?|url\(["']?|fetch\(["'`]|EventSource\(["'`])/[^"'`)]*""",
            path.read_text(),
        )
        assert not found, f"{path.name}: {found}; a kiosk may stand below a path, so addresses are relative"


def test_a_kiosk_behind_a_proxy_asks_for_its_token_also_on_its_own_address(tmp_path):
    path = tmp_path / "token"
    assert _gate(KioskSettings(token_file=path)) == (None, "")
    assert _gate(KioskSettings(token_file=path, trusted_proxy=("127.0.0.1",)))[0] is not None


@pytest.mark.parametrize(("given", "kept"), [("127.0.0.1", "127.0.0.1"), ("10.0.0.0/8", "10.0.0.0/8"), ("::1", "::1")])
def test_proxies_are_addresses_or_networks(given, kept):
    loaded = KIOSK.load(environ={"EMOTION_EDGE_KIOSK_TRUSTED_PROXY": given})
    assert loaded.settings.trusted_proxy == (kept,)
    with pytest.raises(ConfigError, match=r"such as 127\.0\.0\.1"):
        KIOSK.load(environ={"EMOTION_EDGE_KIOSK_TRUSTED_PROXY": "proxy.lan"})

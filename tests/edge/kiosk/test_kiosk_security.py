"""Who gets in, and what hostile requests come to."""

import contextlib
import socket
import time

import httpx
import pytest
from kiosk_stage import PHOTO, Stage, room, running, until

from edge.kiosk.logins import FailedLogins
from edge.kiosk.protocol import Limits
from edge.kiosk.security import COOKIE, HEADERS
from edge.kiosk.tokens import Gate

TOKEN = "a-token-of-good-length"


@pytest.fixture(scope="module")
def locked():
    with running(Stage(room(460)), gate=Gate(TOKEN), allow_host=("kiosk.example",)) as kiosk:
        until(lambda: kiosk.latest and kiosk.latest.faces)
        yield kiosk


@pytest.fixture
def client(locked):
    with httpx.Client(base_url=locked.url, timeout=10) as client:
        yield client


def bearer(token=TOKEN):
    return {"authorization": f"Bearer {token}"}


DATA = [
    "/api/latest",
    "/api/about",
    "/api/openapi.json",
    "/events",
    "/stream.mjpg",
    "/metrics",
    "/",
    "/upload",
    "/privacy",
    "/today",
]


@pytest.mark.parametrize("path", DATA)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong"),
        {"authorization": "Bearer"},
        {"authorization": TOKEN},
        {"authorization": f"Basic {TOKEN}"},
        {"cookie": f"{COOKIE}={TOKEN}"},
        {"cookie": f"{COOKIE}="},
        {"cookie": "\x01=;;;"},
        {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1"},
        {"authorization": b"Bearer \xff\xfe"},
    ],
)
def test_without_the_token_nobody_gets_anything(client, path, headers):
    reply = client.get(path, headers=headers)
    assert reply.status_code == 401
    assert reply.json() == {"error": {"code": "token", "message": "The token is missing or wrong."}}


def test_without_the_token_nothing_is_analysed(client, locked):
    reply = client.post("/api/predict", content=PHOTO.read_bytes(), headers={"content-type": "image/jpeg"})
    assert reply.status_code == 401


def test_without_the_token_health_says_yes_or_no(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert "model" in client.get("/healthz", headers=bearer()).json()


def test_a_browser_is_asked_for_the_token(client):
    reply = client.get("/", headers={"accept": "text/html"})
    assert reply.status_code == 401
    assert 'name="token"' in reply.text


def test_the_token_opens_everything(client):
    for path in ("/", "/api/latest", "/metrics"):
        assert client.get(path, headers=bearer()).status_code == 200


def test_an_address_with_the_token_gives_a_cookie_and_moves_on(client):
    reply = client.get("/", params={"token": TOKEN})
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert TOKEN not in cookie + reply.text
    assert client.get("/api/latest").status_code == 200


def test_the_form_gives_a_cookie(client):
    assert client.post("/login", data={"token": "wrong"}).status_code == 401
    assert "set-cookie" not in client.post("/login", data={"token": "wrong"}).headers
    asked = {"accept": "text/html"}
    wrong = client.post("/login", data={"token": "wrong"}), client.get("/?token=wrong", headers=asked)
    assert all('role="alert" data-i18n="login.wrong"' in reply.text for reply in wrong)
    assert 'role="alert" hidden' in client.get("/", headers=asked).text
    reply = client.post("/login", data={"token": TOKEN})
    assert (reply.status_code, reply.headers["location"]) == (303, "./")
    assert client.get("/").status_code == 200


def test_a_wrong_token_is_noted_wherever_it_is_shown_and_never_written_down(client, locked, caplog):
    locked.kiosk.site.gate.failed = FailedLogins()
    asked = [
        lambda: client.get("/api/latest", headers=bearer("wrong-secret")),
        lambda: client.get("/", params={"token": "wrong-secret"}),
        lambda: client.post("/login", data={"token": "wrong-secret"}),
        lambda: client.get("/healthz", headers=bearer("wrong-secret")),
    ]
    for number, ask in enumerate(asked, 1):
        ask()
        assert caplog.text.count("a login from 127.0.0.1 failed") == number
    client.get("/")
    client.get("/api/latest", headers=bearer())
    assert caplog.text.count("failed") == 4, "who shows nothing has not tried to log in"
    assert "wrong-secret" not in caplog.text


def test_a_login_of_any_size_is_cut(client):
    assert client.post("/login", content=b"token=" + b"x" * 100_000).status_code == 413


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("192.168.1.5", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("kiosk.example", 200),
        (f"{socket.gethostname()}", 200),
        (f"{socket.gethostname().partition('.')[0]}.local", 200),
        ("evil.example", 421),
        ("kiosk.example.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil.example:80@127.0.0.1", 421),
        ("127.0.0.1@evil.example", 421),
        ("", 421),
        ("[::1", 421),
        ("localhost:99999", 421),
        ("a b", 421),
    ],
)
def test_only_known_hosts_are_served(client, host, status):
    assert client.get("/api/latest", headers=bearer() | {"host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://127.0.0.1:{port}", 200),
        ("http://evil.example", 403),
        ("null", 403),
        ("http://127.0.0.1:1", 403),
    ],
)
def test_another_site_may_not_post(client, locked, origin, status):
    headers = bearer() | {"content-type": "image/jpeg"}
    if origin:
        headers["origin"] = origin.format(port=locked.port)
    assert client.post("/api/predict", content=PHOTO.read_bytes(), headers=headers).status_code == status


@pytest.mark.parametrize("path", ["/", "/api/latest", "/nowhere", "/static/live.js", "/healthz"])
def test_every_answer_carries_the_headers(client, path):
    for headers in ({}, bearer(), {"host": "evil.example"}):
        reply = client.get(path, headers=headers)
        for name, value in HEADERS.items():
            assert reply.headers[name] == value
        assert "server" not in reply.headers
        assert not [name for name in reply.headers if name.startswith("access-control")]
    assert "unsafe" not in HEADERS["content-security-policy"]


HOSTILE = [
    b"GET /static/../../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/..%2f..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/%2e%2e/%2e%2e/app.py HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/..\\..\\app.py HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static//etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/lang HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET //evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /?token=%ff&token[]=1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"a=b; " * 2000 + b"\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"DELETE /api/predict HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    b'POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary="\r\n'
    b"Content-Length: 3\r\n\r\nabc",
    b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: \xff\xfe\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\ntoken=%ff",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello",
    b"\x00" * 200,
    b"GET\r\n\r\n",
    b"\r\n" * 100 + b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
]


def exchange(port, data, token=False):
    """What comes back to raw bytes until the server closes or has answered."""
    if token and data.count(b"\r\n") > 1:
        data = data.replace(b"\r\nHost:", b"\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\nHost:", 1)
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        with contextlib.suppress(OSError):
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            while part := link.recv(65536):
                found += part
                if len(found) > 500_000:
                    break
    return found


@pytest.mark.parametrize("with_token", [False, True], ids=["stranger", "insider"])
@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_requests_do_no_harm(locked, data, with_token):
    said = exchange(locked.port, data, with_token)
    status = said[9:12]
    assert status == b"" or status[:1] in b"234", said[:200]
    assert b"root:" not in said and b"Traceback" not in said and b"starlette" not in said.lower()
    assert b"uvicorn" not in said.lower() and b".py" not in said
    if not with_token:
        assert b'"faces"' not in said and b"image/jpeg" not in said
    assert httpx.get(locked.url + "/healthz").status_code == 200


def test_an_error_inside_tells_nothing(locked, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("secret /home/pi/path")

    monkeypatch.setattr(locked.kiosk.metrics, "render", broken)
    reply = httpx.get(locked.url + "/metrics", headers=bearer())
    assert reply.status_code == 500
    assert reply.json()["error"]["code"] == "internal"
    assert "secret" not in reply.text
    until(lambda: "secret" in caplog.text)


@pytest.fixture
def narrow():
    limits = Limits(header_s=0.5, write_s=1.0, waiting=8, connections=40)
    with running(Stage(room(460)), limits=limits, max_uploads=1) as kiosk:
        until(lambda: kiosk.latest)
        yield kiosk


def connect(kiosk, data=b""):
    link = socket.create_connection(("127.0.0.1", kiosk.port), timeout=10)
    link.sendall(data)
    return link


def test_so_many_may_watch_and_no_more():
    with running(Stage(room(460))) as kiosk, contextlib.ExitStack() as links:
        for path, kind, most in (("/events", "events", 100), ("/stream.mjpg", "video", 32)):
            seats = kiosk.kiosk.site.seats[kind]
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            for _ in range(most):
                links.enter_context(connect(kiosk, request))
            until(lambda most=most, seats=seats: seats.taken == most)
            refused = links.enter_context(connect(kiosk, request))
            assert refused.recv(100).startswith(b"HTTP/1.1 503"), path
            assert seats.taken == most


def test_a_seat_is_taken_when_a_request_is_accepted(monkeypatch):
    monkeypatch.setattr("edge.kiosk.app.MAX_VIDEO", 3)
    with running(Stage(room(460))) as kiosk, contextlib.ExitStack() as links:
        seats = kiosk.kiosk.site.seats["video"]
        asked = b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n"
        # All at once: none of them has been sent anything when the next is looked at.
        crowd = [links.enter_context(connect(kiosk, asked)) for _ in range(9)]
        answers = [link.recv(12) for link in crowd]
        assert answers.count(b"HTTP/1.1 200") == 3
        assert answers.count(b"HTTP/1.1 503") == 6
        for link in crowd:
            link.close()
        until(lambda: seats.taken == 0)


def test_headers_that_never_end_are_cut_off(narrow):
    links = [connect(narrow, data) for data in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n")]
    for link in links:
        with contextlib.suppress(ConnectionResetError):
            assert link.recv(100) == b""
        link.close()


def test_trickled_headers_are_cut_off_all_the_same(narrow):
    began = time.monotonic()
    with connect(narrow) as link, contextlib.suppress(OSError):
        for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 1000:
            link.sendall(bytes([byte]))
            link.settimeout(0.02)
            with contextlib.suppress(TimeoutError):
                if link.recv(1) == b"":
                    break
    assert time.monotonic() - began < 10


def test_a_kept_alive_connection_cannot_trickle_either(narrow):
    with connect(narrow, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") as link:
        said = b""
        while not said.endswith(b"}"):
            said += link.recv(4000)
        link.sendall(b"GET /healthz HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert link.recv(4000) == b""


def test_a_crowd_of_waiting_connections_locks_nobody_out(narrow):
    links = [connect(narrow, b"GET / HTTP/1.1\r\n") for _ in range(100)]
    for _ in range(10):
        assert httpx.get(narrow.url + "/healthz").status_code == 200
    for link in links:
        link.close()


def test_a_client_that_does_not_read_is_cut_off(narrow):
    video = narrow.kiosk.live.video
    with socket.socket() as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.connect(("127.0.0.1", narrow.port))
        link.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: video.viewers == 1)
        frame = narrow.latest.frame
        until(lambda: video.viewers == 0)
        assert narrow.latest.frame > frame


def test_a_viewer_that_vanishes_is_forgotten(narrow):
    links = [
        connect(narrow, b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path) for path in (b"/events", b"/stream.mjpg")
    ]
    seats = narrow.kiosk.site.seats
    until(lambda: seats["events"].taken == 1 and seats["video"].taken == 1)
    for link in links:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        link.close()
    until(lambda: seats["events"].taken == 0 and seats["video"].taken == 0)


def test_slow_uploads_make_way(narrow):
    head = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
    head += b"Content-Length: 100000\r\n\r\n\xff"
    slow = [connect(narrow, head) for _ in range(2)]

    def served():
        reply = httpx.post(
            narrow.url + "/api/predict", content=PHOTO.read_bytes(), headers={"content-type": "image/jpeg"}, timeout=20
        )
        assert reply.status_code in (200, 503)
        assert reply.status_code == 200 or reply.headers["retry-after"]
        return reply.status_code == 200

    until(served)
    assert any(b" 408 " in link.recv(1000) for link in slow)
    for link in slow:
        link.close()

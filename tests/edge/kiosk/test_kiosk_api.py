"""What the addresses of a running kiosk give."""

import io
import json
import re
import socket
import sqlite3
import time

import cv2
import httpx
import numpy as np
import pytest
from kiosk_stage import PHOTO, Stage, room, running, until
from PIL import Image

from edge.errors import ConfigError, OutputError
from edge.kiosk.thermal import ThermalWatch
from edge.labels import EMOTIONS


@pytest.fixture(scope="module")
def live():
    with running(Stage(room(460))) as kiosk:
        until(lambda: kiosk.latest and kiosk.latest.faces)
        yield kiosk


@pytest.fixture
def client(live):
    with httpx.Client(base_url=live.url, timeout=20) as client:
        yield client


def events(client, count):
    """The first ``count`` events of the stream."""
    found = []
    with client.stream("GET", "/events") as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        for line in reply.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line[6:]))
                if len(found) == count:
                    return found
    raise AssertionError("the stream ended")


def pictures(client, count):
    """The first ``count`` pictures of the motion JPEG, decoded."""
    found, data = [], b""
    with client.stream("GET", "/stream.mjpg") as reply:
        assert reply.status_code == 200, reply.read()
        for part in reply.iter_bytes():
            data += part
            while b"\xff\xd9\r\n" in data:
                jpeg, data = data.split(b"\xff\xd9\r\n", 1)
                jpeg = jpeg[jpeg.index(b"\xff\xd8") :] + b"\xff\xd9"
                found.append(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
                if len(found) == count:
                    return found
    raise AssertionError("the stream ended")


def png(width, height):
    data = io.BytesIO()
    Image.new("1", (width, height)).save(data, "PNG")
    return data.getvalue()


def test_every_page_comes_with_its_parts(client):
    for path in ("/", "/upload", "/privacy", "/login"):
        reply = client.get(path)
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/html")
        parts = set(re.findall(r'(?:src|href)="(static/[^"]+)"', reply.text))
        assert {"static/base.css", "static/theme.js"} < parts
        for part in parts:
            assert client.get(part).status_code == 200, part


def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(client):
    for path in ("/", "/upload", "/privacy", "/login"):
        text = client.get(path).text
        assert "style=" not in text and "<style" not in text
        assert "onclick" not in text and "<script>" not in text
        assert "http://" not in text and "https://" not in text


def test_language_files_have_the_same_keys_and_placeholders(client):
    import re

    english = client.get("/static/lang/en.json").json()
    used = set()
    for path in ("/", "/upload", "/privacy", "/login"):
        used |= set(re.findall(r'data-i18n(?:-label|-alt)?="([^"]+)"', client.get(path).text))
    assert used <= set(english)
    for code in ("de", "fr", "es", "hi"):
        words = client.get(f"/static/lang/{code}.json").json()
        assert set(words) == set(english), code
        for key, text in words.items():
            assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english[key])), (code, key)
            assert text.strip()


def test_latest_is_one_frame_of_schema_1(client):
    frame = client.get("/api/latest").json()
    assert frame["schema"] == 1
    assert frame["state"] == "ok"
    face = frame["faces"][0]
    assert set(face["probabilities"]) == set(EMOTIONS)
    assert face["track"] >= 1


def test_events_are_complete_and_go_on(client):
    first, *_, last = events(client, 5)
    assert last["result"]["frame"] > first["result"]["frame"]
    assert last["status"]["state"] == "ok"


def test_the_picture_is_live(client, live):
    before = pictures(client, 2)[-1]
    live.stage.show(room(200))
    assert before.shape == (480, 640, 3)
    until(lambda: np.abs(pictures(client, 1)[0].astype(int) - before).mean() > 3)
    live.stage.show(room(460))


def test_the_picture_is_encoded_once_for_all_and_only_when_watched(client, live):
    video = live.kiosk.live.video
    until(lambda: video.viewers == 0)
    before = video.encoded
    with client.stream("GET", "/stream.mjpg") as one, client.stream("GET", "/stream.mjpg") as two:
        parts = one.iter_bytes(), two.iter_bytes()
        until(lambda: video.viewers == 2)
        began = video.encoded
        while video.encoded < began + 8:
            for part in parts:
                next(part)
        frames = live.latest.frame
    assert video.encoded > before
    until(lambda: video.viewers == 0)
    rest = video.encoded
    until(lambda: live.latest.frame > frames + 10)
    assert video.encoded <= rest + 1


def test_head_requests_end(client):
    for path in ("/events", "/stream.mjpg", "/api/latest", "/"):
        assert client.head(path).status_code == 200


def test_health_and_metrics(client):
    told = client.get("/healthz").json()
    assert told["status"] == "ok"
    assert told["frame_age_s"] < 5
    assert told["runtime"]["name"] and told["model"]["name"] == "emotion.tflite"
    text = client.get("/metrics").text
    for name in ("emotion_edge_frames_total", "emotion_edge_stage_seconds_bucket", "emotion_edge_viewers"):
        assert name in text


def upload(client, data, kind="image/jpeg"):
    return client.post("/api/predict", content=data, headers={"content-type": kind})


def test_a_picture_as_body_and_as_form_give_the_same(client):
    data = PHOTO.read_bytes()
    bare = upload(client, data).json()
    form = client.post("/api/predict", data={"note": "x"}, files={"file": ("a.jpg", data)}).json()
    assert bare["faces"] == form["faces"]
    assert len(bare["faces"]) == 1
    assert bare["source"] == "upload"
    assert bare["fallback"] is False


def test_other_formats_and_several_faces(client):
    for kind in ("PNG", "WEBP"):
        data = io.BytesIO()
        Image.fromarray(room(300, 300)).save(data, kind, quality=95)
        reply = upload(client, data.getvalue(), f"image/{kind.lower()}")
        assert len(reply.json()["faces"]) == 2, kind


def test_a_picture_without_a_face_says_so(client):
    reply = upload(client, png(64, 64)).json()
    assert (reply["fallback"], reply["faces"]) == (False, [])


def test_the_whole_picture_is_read_only_when_asked_for(client):
    for asked, faces in (("true", 1), ("false", 0), ("true", 1)):
        reply = client.post(f"/api/predict?fallback={asked}", content=png(64, 64), headers={"content-type": ""}).json()
        assert (len(reply["faces"]), reply["fallback"]) == (faces, faces == 1)
        assert not any(face["confident"] for face in reply["faces"])
    reply = client.post("/api/predict?fallback=perhaps", content=png(64, 64), headers={"content-type": ""})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "wrong_parameter")


@pytest.mark.parametrize(
    ("data", "kind", "status", "code"),
    [
        (b"", "image/jpeg", 400, "no_picture"),
        (b"hello", "image/jpeg", 415, "not_a_picture"),
        (b"GIF89a" + b"\0" * 60, "image/gif", 415, "wrong_type"),
        (b"GIF89a" + b"\0" * 60, "application/octet-stream", 415, "not_a_picture"),
        (PHOTO.read_bytes()[:2000], "image/jpeg", 400, "broken_picture"),
        (b"\xff\xd8\xff\xe0", "image/jpeg", 400, "broken_picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "image/png", 400, "broken_picture"),
        (b"RIFF\0\0\0\0WEBPVP8X", "image/webp", 400, "broken_picture"),
        (png(8000, 6000), "image/png", 413, "too_many_pixels"),
        *((png(*size), "image/png", 400, "too_small") for size in ((1, 1), (2, 2), (1, 500), (500, 1), (7, 8))),
        (b"\xff\xd8\xff" + b"\0" * 10_000_000, "image/jpeg", 413, "too_large"),
        (b"{}", "application/json", 415, "wrong_type"),
        (b"x", "multipart/form-data", 400, "broken_form"),
        (b"x", "multipart/form-data; boundary=a", 400, "broken_form"),
        (b"--a\r\n\r\nx\r\n--a--\r\n", "multipart/form-data; boundary=a", 400, "no_picture"),
        (b"--a\r\n\r\nx\r\n" * 40 + b"--a--\r\n", "multipart/form-data; boundary=a", 400, "broken_form"),
        (b"x", "multipart/form-data; boundary=" + "a" * 5000, 400, "broken_form"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason(client, data, kind, status, code):
    reply = upload(client, data, kind)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_a_body_that_does_not_say_its_size_is_cut_all_the_same(client):
    def parts():
        for _ in range(200):
            yield b"\xff\xd8\xff" + b"\0" * 100_000

    reply = client.post("/api/predict", content=parts(), headers={"content-type": "image/jpeg"})
    assert reply.status_code == 413


def test_an_announced_size_is_refused_before_it_is_sent(live):
    with socket.create_connection(("127.0.0.1", live.port), timeout=10) as link:
        link.sendall(
            b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
            b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n"
        )
        assert b" 413 " in link.recv(1000)


def test_nothing_is_written_during_an_upload(client, tmp_path, monkeypatch):
    import tempfile

    assert upload(client, PHOTO.read_bytes()).status_code == 200  # the first one loads the model
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert upload(client, PHOTO.read_bytes()).status_code == 200


def test_the_openapi_description_names_every_address(client, live):
    described = set(client.get("/api/openapi.json").json()["paths"])
    assert described == {
        "/api/predict",
        "/api/latest",
        "/api/about",
        "/events",
        "/stream.mjpg",
        "/healthz",
        "/metrics",
    }


def test_video_off_lets_no_picture_out():
    with running(Stage(room(460)), video="off") as kiosk, httpx.Client(base_url=kiosk.url) as client:
        until(lambda: kiosk.latest and kiosk.latest.faces)
        reply = client.get("/stream.mjpg")
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "video_off")
        assert client.get("/api/latest").json()["faces"]
        assert kiosk.kiosk.live.video.encoded == 0
        assert kiosk.kiosk.live.video._frames.value is None


def test_video_blur_lets_no_detail_out():
    with running(Stage(room(460)), video="blur") as kiosk, httpx.Client(base_url=kiosk.url, timeout=20) as client:
        blurred = cv2.cvtColor(pictures(client, 1)[0], cv2.COLOR_BGR2GRAY)
        clear = cv2.cvtColor(room(460), cv2.COLOR_RGB2GRAY)
        assert cv2.Laplacian(blurred, cv2.CV_64F).var() < cv2.Laplacian(clear, cv2.CV_64F).var() / 100


def test_without_a_camera_the_upload_page_stands_alone():
    with running(None, source="none") as kiosk, httpx.Client(base_url=kiosk.url, timeout=20) as client:
        assert 'id="drop"' in client.get("/").text
        assert client.get("/api/about").json()["live"] is False
        for path in ("/api/latest", "/events", "/stream.mjpg"):
            assert client.get(path).status_code == 404
        assert client.get("/healthz").status_code == 200
        assert upload(client, PHOTO.read_bytes()).json()["faces"]


def test_health_follows_the_camera():
    stage = Stage(room(460))
    with running(stage, timeout_s=0.5) as kiosk, httpx.Client(base_url=kiosk.url) as client:
        until(lambda: client.get("/healthz").status_code == 200)
        stage.lose()
        until(lambda: client.get("/healthz").status_code == 503)
        assert client.get("/healthz").json()["state"] == "reconnecting"
        assert any(event["status"]["status"] == "failing" for event in events(client, 3))
        stage.find()
        until(lambda: client.get("/healthz").status_code == 200)


def test_no_camera_from_the_start():
    stage = Stage()
    stage.lose()
    with running(stage) as kiosk, httpx.Client(base_url=kiosk.url) as client:
        until(lambda: client.get("/healthz").json()["state"] == "no-camera")
        assert client.get("/healthz").status_code == 503
        until(lambda: client.get("/api/latest").status_code == 200)
        assert client.get("/api/latest").json()["state"] == "reconnecting"
        assert client.get("/").status_code == 200


def test_a_hot_device_reads_fewer_frames_and_says_so():
    celsius = [82.0]
    watch = ThermalWatch(
        0.1, temperature=lambda: celsius[0], throttled=lambda: ("throttled",) if celsius[0] > 80 else ()
    )

    def seconds(work):
        began = time.monotonic()
        work()
        return time.monotonic() - began

    def eight_are_read():
        before = kiosk.kiosk.stream.snapshot().counts["processed"]
        until(lambda: kiosk.kiosk.stream.snapshot().counts["processed"] >= before + 8)

    stage = Stage(room(460), fps=50)
    with running(stage, thermal=watch) as kiosk, httpx.Client(base_url=kiosk.url, timeout=20) as client:
        until(lambda: kiosk.kiosk.stream.fps_limit)
        # 7/5 s where 5 a second are read, 7/50 s without a limit; a busy machine takes longer for both.
        assert seconds(eight_are_read) > 0.7
        told = client.get("/healthz").json()
        assert (told["status"], told["pace"], told["throttled"]) == ("hot", "slow", ["throttled"])
        assert kiosk.kiosk.live.video.fps_limit is None
        celsius[0] = 85.0
        until(lambda: kiosk.kiosk.live.video.fps_limit)
        assert seconds(lambda: pictures(client, 8)) > 0.9  # 7/5 s, otherwise 7/15
        celsius[0] = 50.0
        until(lambda: kiosk.kiosk.stream.fps_limit is None)
        assert kiosk.kiosk.live.video.fps_limit is None
        until(lambda: client.get("/healthz").json()["status"] == "ok")


def test_an_event_log_is_kept_only_where_it_was_asked_for(tmp_path):
    path = tmp_path / "events.db"
    with running(Stage(room(460)), event_log=str(path)) as kiosk, httpx.Client(base_url=kiosk.url) as client:
        assert client.get("/api/about").json()["event_log"] is True
        until(lambda: kiosk.latest and kiosk.latest.faces)
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT emotion FROM spans").fetchall() == [("Happy",)]
    with pytest.raises(OutputError, match="event log"), running(Stage(), event_log=str(tmp_path / "no" / "events.db")):
        pass


def test_an_address_in_use_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1"),
            running(None, port=taken.getsockname()[1]),
        ):
            pass

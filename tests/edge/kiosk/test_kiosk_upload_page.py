"""The upload page in a real Chromium."""

import json

import cv2
import numpy as np
import pytest
from chromium_pages import IN_CHROMIUM, drawn, give, picture
from kiosk_stage import PHOTO, room, running

from edge.images import load_image
from edge.words import LANG

pytestmark = IN_CHROMIUM


def test_upload_of_a_face(visit):
    page = visit("/upload")
    page.wait_for_selector("nav a[aria-current]")
    give(page, PHOTO)
    page.wait_for_selector(".card")
    assert page.text_content(".emotion") == "Happy"
    assert page.text_content(".confidence").endswith("%")
    assert page.locator(".box").count() == 1
    assert page.locator(".doubt").count() == 0


def test_upload_of_two_faces(visit, tmp_path):
    page = visit("/upload", "phone", theme="light")
    give(page, picture(tmp_path, room(300, 300)))
    page.wait_for_selector(".card")
    assert page.locator(".card").count() == page.locator(".box").count() == 2


@pytest.mark.parametrize(
    ("screen", "size", "least", "most"),
    [("hd", 160, 480, 480), ("hd", 320, 700, 900), ("hd", 1600, 700, 900), ("phone", 160, 330, 390)],
)
def test_a_small_picture_is_shown_large_but_three_times_at_most(visit, tmp_path, screen, size, least, most):
    page = visit("/upload", screen)
    photo = cv2.resize(load_image(str(PHOTO)), (size, size), interpolation=cv2.INTER_AREA)
    give(page, picture(tmp_path, photo))
    page.wait_for_selector(".card")
    shown, frame = page.locator("#preview").bounding_box(), page.locator("#boxes .box").bounding_box()
    assert least <= shown["width"] <= most and shown["height"] == pytest.approx(shown["width"], abs=1)
    # The frame lies on the face.
    assert frame["x"] + frame["width"] / 2 - shown["x"] == pytest.approx(0.44 * shown["width"], rel=0.1)
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0


@pytest.mark.parametrize("language", sorted(path.stem for path in LANG.glob("*.json")))
def test_the_longest_emotion_stays_within_its_card_on_a_small_screen(visit, tmp_path, language):
    page = visit("/upload", "pi", language=language)
    give(page, picture(tmp_path, room(300, 300)))
    page.wait_for_selector(".card")
    words = json.loads((LANG / f"{language}.json").read_text("utf-8"))
    longest = max((word for key, word in words.items() if key.startswith("emotion.")), key=len)
    page.locator(".emotion").evaluate_all("(all, word) => all.forEach((one) => { one.textContent = word; })", longest)
    assert page.locator(".card").evaluate_all("all => all.every((one) => one.scrollWidth <= one.clientWidth)")


def test_upload_of_no_face(visit, tmp_path):
    page = visit("/upload")
    give(page, picture(tmp_path, room()))
    page.wait_for_selector("#whole:visible")
    assert page.text_content("#message") == "No face was found."
    assert page.locator(".card").count() == page.locator(".box").count() == 0
    page.click("#whole")
    page.wait_for_selector(".card")
    assert "This guess is for the whole picture" in page.text_content("#message")
    assert page.locator(".doubt").count() == 1
    assert page.locator(".box").count() == 0
    assert page.locator("#whole").is_hidden()
    give(page, PHOTO)
    page.wait_for_selector(".box")
    assert page.locator("#message").is_hidden()
    assert page.locator("#whole").is_hidden()


@pytest.mark.parametrize("language", ["de", "fr", "es", "hi"])
def test_no_face_is_said_in_every_language(visit, tmp_path, language):
    page = visit("/upload", language=language)
    give(page, picture(tmp_path, room()))
    page.wait_for_selector("#whole:visible")
    words = json.loads((LANG / f"{language}.json").read_text())
    assert page.text_content("#message") == words["upload.noface"]
    assert page.text_content("#whole") == words["upload.whole"]


def test_upload_below_the_threshold(visit, tmp_path):
    with running(None, source="none", threshold=0.5) as unsure:
        page = visit(at=unsure.url)
        give(page, picture(tmp_path, drawn()))
        page.wait_for_selector(".doubt")
        assert "not confident" in page.text_content(".doubt")
        assert page.locator("#nav-live").count() == 0
        assert page.locator("#notice").is_hidden()


DOT = cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("broken.jpg", PHOTO.read_bytes()[:3000], "broken"),
        ("letter.jpg", b"Dear Sir", "not a JPEG"),
        ("letter.txt", b"Dear Sir", "not a JPEG"),
        ("empty.png", b"", "empty"),
        ("dot.png", DOT, "too small to show a face"),
        ("large.jpg", b"\xff\xd8\xff" + b"\0" * 10_000_000, "larger than 10 MB"),
    ],
)
def test_upload_of_what_is_no_picture(visit, tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    page = visit("/upload")
    give(page, tmp_path / name)
    page.wait_for_selector("#message:not(.busy):visible")
    assert words in page.text_content("#message")
    assert page.locator(".card").count() == 0
    give(page, PHOTO)
    page.wait_for_selector(".card")


def test_a_picture_given_before_the_texts_are_there_is_answered_in_them(visit, tmp_path):
    held = []

    def hold(route):
        held.append(route)

    page = visit("/upload")
    page.wait_for_selector("nav a[aria-current]")
    page.route("**/static/lang/*", hold)
    page.reload()
    (tmp_path / "empty.png").write_bytes(b"")
    give(page, tmp_path / "empty.png")
    page.wait_for_timeout(500)
    assert len(held) == 1
    held[0].continue_()
    page.wait_for_selector("#message:not(.busy):visible")
    assert page.text_content("#message") == "The file is empty."


TRANSFER = """async ([selector, kind]) => {
    const bytes = await (await fetch('/test-picture')).arrayBuffer();
    const data = new DataTransfer();
    data.items.add(new File([bytes], 'a.jpg', {type: 'image/jpeg'}));
    const event = kind === 'paste'
        ? new ClipboardEvent('paste', {clipboardData: data, bubbles: true})
        : new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
    document.querySelector(selector).dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_can_be_dropped_and_pasted(visit, kind):
    page = visit("/upload")
    page.route("**/test-picture", lambda route: route.fulfill(body=PHOTO.read_bytes()))
    page.wait_for_selector("nav a[aria-current]")
    page.evaluate(TRANSFER, ["#drop", kind])
    page.wait_for_selector(".card")
    assert page.text_content(".emotion") == "Happy"

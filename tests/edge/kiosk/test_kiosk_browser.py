"""The pages in a real Chromium. With EMOTION_SCREENSHOTS set to a folder, a picture of each state is left there."""

import os
import shutil
from pathlib import Path

import cv2
import pytest
from kiosk_stage import PHOTO, ROOT, Stage, room, running, until
from PIL import Image

from edge.kiosk.tokens import Gate
from edge.sources.synthetic import draw_face

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENS = {"pi": (800, 480), "portrait": (480, 800), "phone": (390, 844), "hd": (1920, 1080)}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
]
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make dev")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def kiosk():
    with running(Stage(room(460)), timeout_s=0.5) as kiosk:
        until(lambda: kiosk.kiosk.live.latest and kiosk.kiosk.live.latest.faces)
        yield kiosk


@pytest.fixture
def visit(browser, kiosk):
    """Opens a page of the kiosk; at the end no script may have failed and nothing may have been asked elsewhere."""
    contexts, faults = [], []

    def go(path="/", screen="pi", *, theme="dark", language="en", at=None, **options):
        width, height = SCREENS[screen]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, locale=language, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        base = at or kiosk.url
        page.on("request", lambda request: request.url.startswith((base, "blob:")) or faults.append(request.url))
        page.goto(base + path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture(autouse=True)
def set_the_stage(kiosk):
    kiosk.stage.find()
    kiosk.stage.show(room(460))


def shoot(page, name):
    """Keep a picture of the page, where they are wanted."""
    folder = os.environ.get("EMOTION_SCREENSHOTS")
    if folder:
        page.mouse.move(0, 0)
        page.wait_for_timeout(400)
        target = Path(folder) / f"kiosk-{name}.png"
        page.screenshot(path=target)
        # A palette keeps the file small.
        Image.open(target).convert("RGB").quantize(256, Image.Quantize.FASTOCTREE).save(target, optimize=True)


def state(page, kind):
    """Wait until the page is in a state."""
    page.wait_for_selector(f"body[data-state={kind}]")


def soon(page, expression):
    """Wait until an expression is true; the page's own policy forbids playwright's way to do that."""
    until(lambda: page.evaluate(expression), 15)


def drawn(light=1.0):
    """A drawn face, which the model is less sure of than of a photo."""
    picture, face = room(), cv2.resize(draw_face(0.0), (260, 260))
    alpha = face[:, :, 3:] / 255.0
    part = picture[110:370, 190:450]
    part[:] = part * (1 - alpha) + face[:, :, :3] * alpha
    return (picture * light).astype("uint8")


def overflow(page):
    """How far the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def test_the_live_view_updates(visit, kiosk):
    page = visit()
    page.wait_for_selector(".card .word")
    state(page, "ok")
    assert page.text_content(".card .word") == "Happy"
    assert "%" in page.text_content(".card .percent")
    assert page.locator(".card .bars li").count() == 5
    assert page.locator("#picture").evaluate("image => image.naturalWidth") == 640
    assert page.locator("#notice").is_visible()
    assert "fps" in page.text_content("#figures")
    before = page.locator(".box").bounding_box()
    kiosk.stage.show(room(380))
    soon(page, f"Math.abs(document.querySelector('.box')?.getBoundingClientRect().width - {before['width']}) > 10")


def test_a_frame_lies_where_the_face_is(visit, kiosk):
    page = visit()
    page.wait_for_selector(".box")
    page.wait_for_timeout(300)
    x, y, w, _ = kiosk.kiosk.live.latest.faces[0].box.to_list()
    picture, box = page.locator("#frame").bounding_box(), page.locator(".box").bounding_box()
    scale = picture["width"] / 640
    assert abs(picture["x"] + x * scale - box["x"]) < 12
    assert abs(picture["y"] + y * scale - box["y"]) < 12
    assert abs(w * scale - box["width"]) < 12


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("faces", [(460,), (300, 300), (200, 200, 200)], ids=["one", "two", "three"])
def test_every_screen_shows_all_faces_without_scrolling(visit, kiosk, screen, faces):
    kiosk.stage.show(room(*faces))
    page = visit(screen=screen, theme="light" if screen == "phone" else "dark")
    soon(page, f"document.querySelectorAll('.card').length === {len(faces)}")
    page.wait_for_timeout(200)
    shoot(page, f"{screen}-{len(faces)}")
    assert overflow(page) == 0
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") == 0
    for word in page.locator(".card .word").all():
        box = word.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= SCREENS[screen][0]
        assert word.evaluate("word => word.scrollWidth <= word.clientWidth + 1")


def test_the_main_word_can_be_read_from_two_metres(visit):
    page = visit(screen="pi")
    page.wait_for_selector(".card .word")
    # 0.19 mm a pixel on the 7 inch screen: letters of 40 px are 7.6 mm high.
    assert page.locator(".card .word").evaluate("word => parseFloat(getComputedStyle(word).fontSize)") >= 40


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "hi"])
def test_every_language_fits_every_small_screen(visit, language):
    for screen in ("pi", "phone"):
        page = visit(screen=screen, language=language)
        page.wait_for_selector(".card .word")
        assert page.evaluate("document.documentElement.lang") == language
        assert overflow(page) == 0
        if language != "en":
            assert page.text_content(".card .word") != "Happy"
        shoot(page, f"{screen}-{language}") if (screen, language) == ("pi", "hi") else None
        page.goto(page.url + "upload")
        page.wait_for_selector("#drop")
        assert overflow(page) == 0


def test_not_confident_is_said(visit, browser):
    with running(Stage(drawn()), threshold=1.0) as unsure:
        page = visit(at=unsure.url)
        page.wait_for_selector(".card .perhaps:visible")
        assert page.text_content(".card .word") == "Not sure"
        assert page.text_content(".card .perhaps").startswith("perhaps ")
        assert "unsure" in page.get_attribute(".box", "class")
        shoot(page, "not-sure")


def test_no_one_here(visit, kiosk):
    kiosk.stage.show(room())
    page = visit()
    state(page, "empty")
    assert page.text_content("#state-title") == "No one here"
    assert page.locator("#picture").is_visible()
    shoot(page, "empty")


def test_too_dark(visit, kiosk):
    kiosk.stage.show(drawn(0.05))
    page = visit()
    state(page, "dark")
    assert page.text_content("#state-title") == "Too dark"
    shoot(page, "dark")


def test_the_camera_is_lost_and_comes_back(visit, kiosk):
    page = visit()
    state(page, "ok")
    kiosk.stage.lose()
    state(page, "reconnecting")
    assert page.text_content("#state-title") == "Reconnecting"
    assert page.locator(".card").count() == 0
    shoot(page, "reconnecting")
    kiosk.stage.find()
    state(page, "ok")
    page.wait_for_selector(".card .word")


def test_there_is_no_camera(visit):
    stage = Stage()
    stage.lose()
    with running(stage) as empty:
        page = visit(at=empty.url)
        state(page, "no-camera")
        assert page.text_content("#state-title") == "No camera"
        shoot(page, "no-camera")


def test_the_kiosk_goes_away_and_comes_back(visit):
    with running(Stage(room(460))) as first:
        page = visit(at=first.url)
        state(page, "ok")
        port = first.port
    state(page, "offline")
    assert page.text_content("#state-title") == "Connection lost"
    shoot(page, "offline")
    with running(Stage(room(460)), port=port):
        state(page, "ok")


def test_video_off_shows_drawn_faces(visit):
    with running(Stage(room(460)), video="off") as private:
        page = visit(at=private.url)
        page.wait_for_selector(".box .glyph:visible")
        assert page.locator("#picture").is_hidden()
        shoot(page, "video-off")


def test_video_blur_shows_boxes_on_a_blur(visit):
    with running(Stage(room(460)), video="blur") as private:
        page = visit(at=private.url)
        page.wait_for_selector(".box")
        page.wait_for_selector("#picture:visible")
        shoot(page, "video-blur")


def give(page, path):
    page.set_input_files("#file", path)


def test_upload_of_a_face(visit):
    page = visit("/upload")
    page.wait_for_selector("nav a[aria-current]")
    shoot(page, "upload")
    give(page, PHOTO)
    page.wait_for_selector(".card")
    assert page.text_content(".emotion") == "Happy"
    assert page.text_content(".confidence").endswith("%")
    assert page.locator(".box").count() == 1
    assert page.locator(".doubt").count() == 0
    shoot(page, "uploaded")


def picture(tmp_path, rgb, name="picture.png"):
    Image.fromarray(rgb).save(tmp_path / name)
    return tmp_path / name


def test_upload_of_two_faces(visit, tmp_path):
    page = visit("/upload", "phone", theme="light")
    give(page, picture(tmp_path, room(300, 300)))
    page.wait_for_selector(".card")
    assert page.locator(".card").count() == page.locator(".box").count() == 2
    shoot(page, "uploaded-two")


def test_upload_of_no_face(visit, tmp_path):
    page = visit("/upload")
    give(page, picture(tmp_path, room()))
    page.wait_for_selector(".card")
    assert "No face was found" in page.text_content("#message")
    assert page.locator(".box").count() == 0


def test_upload_below_the_threshold(visit, tmp_path):
    with running(None, source="none", threshold=1.0) as unsure:
        page = visit(at=unsure.url)
        give(page, picture(tmp_path, drawn()))
        page.wait_for_selector(".doubt")
        assert "not confident" in page.text_content(".doubt")
        assert page.locator("#nav-live").count() == 0
        assert page.locator("#notice").is_hidden()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("broken.jpg", PHOTO.read_bytes()[:3000], "broken"),
        ("letter.jpg", b"Dear Sir", "not a JPEG"),
        ("letter.txt", b"Dear Sir", "not a JPEG"),
        ("empty.png", b"", "empty"),
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


def test_everything_can_be_done_with_the_keyboard(visit):
    page = visit("/")
    page.wait_for_selector("nav a[aria-current]")
    seen = []
    for _ in range(8):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(outline) != "none", seen[-1]
    assert seen[0] == "Skip to the content"
    assert [name for name in seen if name in ("nav-live", "Upload", "Privacy", "language", "theme", "people")] == [
        "nav-live",
        "Upload",
        "Privacy",
        "language",
        "theme",
        "people",
    ]
    page.focus("#theme")
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.focus("nav a[href='/upload']")
    page.keyboard.press("Enter")
    page.wait_for_selector("nav a[href='/upload'][aria-current]")
    page.focus("#file")
    # Chromium drops keys until a page is painted; on a busy machine that takes a moment.
    choosers = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))  # noqa: PLW0108 - playwright takes no builtin
    until(lambda: page.keyboard.press("Enter") or page.wait_for_timeout(300) or choosers)
    choosers[0].set_files(PHOTO)
    page.wait_for_selector(".card")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_a_language_can_be_chosen_and_is_remembered(visit):
    page = visit("/privacy")
    page.select_option("#language", "de")
    soon(page, "document.documentElement.lang === 'de'")
    assert page.text_content("h1") == "Was verarbeitet wird und was bleibt"
    page.reload()
    soon(page, "document.documentElement.lang === 'de'")


def test_the_privacy_page_says_what_this_kiosk_does(visit, tmp_path):
    page = visit("/privacy")
    soon(page, "document.querySelector('#video-words').textContent.includes('everyone')")
    assert page.text_content("#log-words").startswith("Nothing is kept")
    shoot(page, "privacy")
    with running(Stage(), video="off", event_log=str(tmp_path / "events.jsonl")) as other:
        page = visit("/privacy", at=other.url)
        soon(page, "document.querySelector('#video-words').textContent.startsWith('No camera picture ever')")
        assert "event log is switched on" in page.text_content("#log-words")


def test_less_motion_is_respected(visit):
    page = visit(reduced_motion="reduce")
    page.wait_for_selector(".box")
    assert page.locator(".dot").evaluate("dot => getComputedStyle(dot).animationName") == "none"
    assert page.locator(".box").first.evaluate("box => getComputedStyle(box).transitionProperty") in ("none", "all")
    assert page.locator(".box").first.evaluate("box => getComputedStyle(box).transitionDuration") == "0s"


def test_a_stranger_logs_in_once(visit):
    token = "a-token-of-good-length"
    with running(Stage(room(460)), gate=Gate(token)) as locked:
        page = visit(at=locked.url)
        page.wait_for_selector("input[name=token]")
        soon(page, "document.querySelector('h1').textContent.includes('token')")
        shoot(page, "login")
        page.fill("input[name=token]", token)
        page.keyboard.press("Enter")
        state(page, "ok")
        page.reload()
        state(page, "ok")
        other = visit(f"/?token={token}", at=locked.url)
        state(other, "ok")
        assert "token" not in other.url


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not there: make node_modules/axe-core")
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("path", ["/", "/upload", "/privacy", "/login"])
def test_axe_finds_no_violation(visit, path, theme):
    page = visit(path, "pi", theme=theme)
    if path == "/":
        page.wait_for_selector(".card .word")
    if path == "/upload":
        give(page, PHOTO)
        page.wait_for_selector(".card")
    page.wait_for_timeout(300)
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    assert not [(fault["id"], fault["impact"], [node["html"] for node in fault["nodes"]]) for fault in found]

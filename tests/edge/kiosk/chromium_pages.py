"""Chromium's pages of the kiosk: what the tests there share."""

import shutil

import cv2
import pytest
from kiosk_stage import room, until
from PIL import Image

from edge.sources.drawn import POSES, draw_face

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENS = {"pi": (800, 480), "portrait": (480, 800), "phone": (390, 844), "hd": (1920, 1080)}
IN_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.usefixtures("set_the_stage"),
]


def state(page, kind):
    """Wait until the page is in a state."""
    page.wait_for_selector(f"body[data-state={kind}]")


def soon(page, expression):
    """Wait until an expression is true; the page's own policy forbids playwright's way to do that."""
    until(lambda: page.evaluate(expression))


RECTS = """names => {
  const found = names.map((name) => document.querySelector(name));
  return found.every((one) => one) && found.map((one) => one.getBoundingClientRect().toJSON());
}"""


def rects(page, *selectors):
    """Where the first of each selector is (x, y, width, height, bottom...), of one moment: boxes move with faces."""
    return until(lambda: page.evaluate(RECTS, selectors))


def painted(page):
    """Wait until the page has been painted: Chromium drops keys before."""
    page.screenshot()


TORN = POSES["Angry"].towards(POSES["Happy"], 0.35)


def drawn(pose=TORN, light=1.0):
    """A drawn face; by default one that shows two emotions about as much as each other."""
    picture, face = room(), cv2.resize(draw_face(pose), (260, 260))
    alpha = face[:, :, 3:] / 255.0
    part = picture[110:370, 190:450]
    part[:] = part * (1 - alpha) + face[:, :, :3] * alpha
    return (picture * light).astype("uint8")


def overflow(page):
    """How far the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def give(page, path):
    """Choose a file on the upload page."""
    page.set_input_files("#file", path)


def picture(tmp_path, rgb, name="picture.png"):
    """Pixels as a file."""
    Image.fromarray(rgb).save(tmp_path / name)
    return tmp_path / name

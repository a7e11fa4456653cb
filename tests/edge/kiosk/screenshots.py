"""Takes the pictures in docs/images: single states, and for each screen and theme a sheet of all states.

Run by ``make screenshots``; needs Chromium.
"""

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from chromium_pages import ARGUMENTS, CHROMIUM, SCREENS  # noqa: E402
from kiosk_states import STATES, Kiosks, State, prepare  # noqa: E402
from PIL import Image, ImageDraw, ImageFont  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

IMAGES = HERE.parents[2] / "docs" / "images"
SINGLE = {
    "kiosk-one": "one-pi-dark",
    "kiosk-three": "three-pi-dark",
    "kiosk-game": "game-pi-dark",
    "kiosk-screen": "screen-no-one-pi-dark",
}
APART = ("two", "why", "screen", "no-picture", "game-three", "privacy", "login", "code-ended", "today")
# Every face that has a card has its frame; not so for moments on a busy machine.
BOXED = """!document.querySelector(".live #people:not([hidden]) .card") || !!document.querySelector("#tested")
  || document.querySelectorAll("#boxes .box").length === document.querySelectorAll(".card").length"""
THEMES = ("dark", "light")
WIDTHS = {"pi": 400, "portrait": 240, "phone": 200, "hd": 400}
COLUMNS = {"pi": 4, "portrait": 6, "phone": 8, "hd": 4}
CAPTION = 22


def take(browser: Browser, kiosks: Kiosks, wanted: State, folder: Path) -> None:
    """A state's pictures on all screens, dark and light: ``NAME-SCREEN-THEME.png``."""
    kiosk = kiosks.of(wanted)
    prepare(kiosk, wanted)
    context = browser.new_context(color_scheme="dark", locale="en", reduced_motion="reduce")
    page = context.new_page()
    page.goto(kiosk.url + wanted.path)
    wanted.act(page)
    page.mouse.move(0, 0)
    for screen, (width, height) in SCREENS.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(500)
            for _ in range(10):
                if page.evaluate(BOXED):
                    break
                page.wait_for_timeout(150)
            page.screenshot(path=folder / f"{wanted.name}-{screen}-{theme}.png")
    context.close()


def sheet(pictures: dict[str, Path], screen: str) -> Image.Image:
    """All states beside each other, each with its name."""
    small, font = {}, ImageFont.load_default(14)
    for name, path in pictures.items():
        one = Image.open(path).convert("RGB")
        small[name] = one.resize(
            (WIDTHS[screen], round(one.height * WIDTHS[screen] / one.width)), Image.Resampling.LANCZOS
        )
    width, height = next(iter(small.values())).size
    columns = COLUMNS[screen]
    rows = -(-len(small) // columns)
    whole = Image.new("RGB", (columns * (width + 8), rows * (height + CAPTION + 8)), "white")
    for index, (name, one) in enumerate(small.items()):
        x, y = index % columns * (width + 8) + 4, index // columns * (height + CAPTION + 8) + 4
        ImageDraw.Draw(whole).text((x, y), name, "black", font)
        whole.paste(one, (x, y + CAPTION))
    return whole


def save(image: Image.Image, name: str) -> None:
    """With a palette, which keeps the file small."""
    palette = image.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE)
    palette.save(IMAGES / f"{name}.png", optimize=True)


def main() -> None:
    """All of them."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as tool:
        folder = Path(name)
        browser, kiosks = tool.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS), Kiosks(folder)
        states = [wanted for wanted in STATES if wanted.name not in APART]
        for wanted in states:
            take(browser, kiosks, wanted, folder)
        kiosks.close()
        browser.close()
        for screen, (width, height) in SCREENS.items():
            for theme in THEMES:
                pictures = {wanted.name: folder / f"{wanted.name}-{screen}-{theme}.png" for wanted in states}
                size = "phone" if screen == "phone" else f"{width}x{height}"
                save(sheet(pictures, screen), f"kiosk-{size}-{theme}")
        for single, picture in SINGLE.items():
            save(Image.open(folder / f"{picture}.png"), single)


if __name__ == "__main__":
    main()

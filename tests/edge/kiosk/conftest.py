"""A kiosk with a stage before its camera, and Chromium to look at it."""

import pytest
from chromium_pages import ARGUMENTS, CHROMIUM, SCREENS
from kiosk_stage import Stage, room, running, until


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make dev")
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def kiosk():
    with running(Stage(room(460)), timeout_s=0.5) as kiosk:
        until(lambda: kiosk.latest and kiosk.latest.faces)
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
        page.on("pageerror", lambda error: faults.append(str(error)))
        base = at or kiosk.url
        page.on("request", lambda request: request.url.startswith((base, "blob:")) or faults.append(request.url))
        page.goto(base + path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def set_the_stage(kiosk):
    """One person before a working camera."""
    kiosk.stage.find()
    kiosk.stage.show(room(460))

"""Accessibility: axe-core finds nothing to fault in any state, dark or light."""

import pytest
from chromium_pages import IN_CHROMIUM, SCREENS
from kiosk_stage import ROOT
from kiosk_states import STATES, Kiosks, prepare

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [
    pytest.mark.browser,
    IN_CHROMIUM[1],
    pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not there: make axe"),
]


@pytest.fixture(scope="module")
def kiosks(tmp_path_factory):
    kiosks = Kiosks(tmp_path_factory.mktemp("kiosks"))
    yield kiosks
    kiosks.close()


@pytest.mark.parametrize("wanted", STATES, ids=lambda wanted: wanted.name)
def test_axe_finds_no_violation(browser, kiosks, wanted):
    kiosk = kiosks.of(wanted)
    prepare(kiosk, wanted)
    width, height = SCREENS["pi"]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark", bypass_csp=True)
    page = context.new_page()
    page.goto(kiosk.url + wanted.path)
    wanted.act(page)
    page.wait_for_timeout(300)
    page.evaluate(AXE.read_text())
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_timeout(300)
        found = page.evaluate("axe.run()")["violations"]
        assert not found, [(theme, one["id"], [node["html"] for node in one["nodes"]]) for one in found]
    context.close()

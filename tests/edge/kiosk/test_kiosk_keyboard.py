"""The pages by keyboard alone, in a real Chromium."""

from chromium_pages import IN_CHROMIUM, painted, soon, state
from kiosk_stage import PHOTO, Stage, room, running, until

FOCUSED = """() => {
  const one = document.activeElement;
  return [one === document.body ? null : one.id || one.textContent.trim(), getComputedStyle(one).outlineStyle];
}"""
STOPS = ["Skip to the content", "emotion-edge", "nav-live", "Upload", "Privacy"]
STOPS += ["language", "theme", "play", "why", "people"]
pytestmark = IN_CHROMIUM


def with_game(visit, **options):
    """The live view, once it offers its game."""
    page = visit("/", **options)
    page.wait_for_selector("nav a[aria-current]")
    page.wait_for_selector("#play:visible")
    painted(page)
    return page


def tab_stops(page):
    """What Tab leads to, one after the other, until it leaves the page; and whether each shows it."""
    while True:
        before = page.evaluate_handle("document.activeElement")
        page.keyboard.press("Tab")
        until(lambda: page.evaluate("old => document.activeElement !== old", before))  # noqa: B023
        name, outline = page.evaluate(FOCUSED)
        if name is None:
            return
        yield name, outline != "none"


def test_tab_leads_to_everything_in_turn_and_shows_where_it_is(visit):
    # A camera that is waited for longer: on a busy machine it would be lost for moments, and the game's button with it.
    with running(Stage(room(460))) as steady:
        page = with_game(visit, at=steady.url)
        page.wait_for_selector(".card .word")
        assert list(tab_stops(page)) == [(name, True) for name in STOPS]


def test_a_camera_that_is_lost_leaves_the_focus_where_it_was(visit, kiosk):
    page = with_game(visit)
    page.focus("#why")
    page.keyboard.press("Shift+Tab")
    focused = "document.activeElement.id"
    soon(page, f"{focused} === 'play'")
    kiosk.stage.lose()
    state(page, "reconnecting")
    page.wait_for_timeout(600)
    assert page.evaluate(focused) == "play"
    page.keyboard.press("Tab")
    soon(page, f"{focused} === 'why' && document.getElementById('play').hidden")
    opacity = "getComputedStyle(document.querySelector('.offers')).opacity"
    assert page.evaluate(opacity) == "1"
    page.keyboard.press("Tab")
    soon(page, f"{focused} === 'people' && {opacity} === '0'")


def test_a_game_that_ends_with_the_camera_leaves_the_focus_on_its_button(visit, kiosk):
    page = with_game(visit)
    page.focus("#play")
    page.keyboard.press("Enter")
    soon(page, "document.activeElement.textContent === 'Stop'")
    kiosk.stage.lose()
    state(page, "reconnecting")
    soon(page, "document.getElementById('game').hidden")
    page.wait_for_timeout(600)
    assert page.evaluate("document.activeElement.id") == "play"


def test_everything_can_be_done_with_the_keyboard(visit):
    page = visit("/")
    page.wait_for_selector("nav a[aria-current]")
    painted(page)
    page.focus("#theme")
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.focus("nav a[href='upload']")
    page.keyboard.press("Enter")
    page.wait_for_selector("nav a[href='upload'][aria-current]")
    page.focus("#file")
    choosers = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))  # noqa: PLW0108 - playwright takes no builtin
    until(lambda: page.keyboard.press("Enter") or page.wait_for_timeout(300) or choosers)
    choosers[0].set_files(PHOTO)
    page.wait_for_selector(".card")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"

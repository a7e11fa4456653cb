"""Every state in which a visitor or an owner can see the kiosk, and the way there: for axe-core and for pictures."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chromium_pages import drawn, give, picture, soon, state
from kiosk_stage import PHOTO, Stage, room, running, until

from edge.kiosk.settings import KioskSettings
from edge.kiosk.sources import choose_source
from edge.kiosk.tokens import Gate
from edge.sinks.eventfile import open_log

# The game with faces that a test gives it: `give(share)`.
GAME = """async () => {
  const { game } = await import("/static/play.js");
  const stage = document.createElement("section"), button = document.createElement("button");
  stage.className = "game";
  stage.id = "tested";
  document.querySelector(".board").append(stage);
  document.querySelector("#people").hidden = true;
  const labels = ["Angry", "Happy", "Neutral", "Sad", "Surprise"];
  window.played = game(stage, button, labels);
  window.give = (share) => played.take([{ probabilities: Object.fromEntries(labels.map((label) => [label, share])) }]);
  button.click();
}"""
KIOSKS: dict[str, Callable[[Path], Any]] = {
    "main": lambda _: running(Stage(room(460)), timeout_s=0.5),
    "reached": lambda _: running(Stage(room(460)), host="0.0.0.0"),
    "torn": lambda _: running(Stage(drawn()), threshold=0.6),
    "none": lambda _: running(_lost()),
    "demo": lambda _: running(choose_source(KioskSettings(source="demo")), source="demo"),
    "locked": lambda _: running(None, source="none", gate=Gate("a-token-of-good-length")),
    "off": lambda _: running(Stage(room(460)), video="off"),
    "logged": lambda folder: running(None, source="none", event_log=_log(folder / "log.db")),
}


@dataclass(frozen=True)
class State:
    """One of them.

    Attributes:
        name: What it is called.
        act: Brings an open page there and waits for it.
        path: The page.
        kiosk: Which of `KIOSKS` shows it.
        people: What stands before the camera.
    """

    name: str
    act: Callable[[Any], None]
    path: str = "/"
    kiosk: str = "main"
    people: tuple[int, ...] = (460,)


def _lost() -> Stage:
    stage = Stage()
    stage.lose()
    return stage


def _log(path: Path) -> Path:
    """The event log of a day with some visits."""
    db, now = open_log(path), time.time()
    db.execute("INSERT INTO runs VALUES (1, 'cam', ?, ?)", (now - 900, now))
    for track in range(12):
        began, emotion = now - 900 + 60 * track, ("Happy", "Surprise", "Neutral", "Sad")[track % 4]
        db.execute(
            "INSERT INTO spans (run, track, emotion, confident, started, ended, frames, confidence) "
            "VALUES (1, ?, ?, 1, ?, ?, 9, 0.9)",
            (track, emotion, began, began + 20),
        )
    db.close()
    return path


def _faces(count: int) -> Callable[[Any], None]:
    return lambda page: soon(page, f"document.querySelectorAll('.card').length === {count}")


def _play(page: Any) -> None:
    page.wait_for_selector(".card .word")
    page.click("#play")
    page.wait_for_selector("#game .ask:visible")


def _result(page: Any) -> None:
    page.wait_for_selector(".card .word")
    page.evaluate(GAME)
    until(lambda: page.evaluate("give(0.9); document.querySelector('#tested').dataset.phase === 'result'"))
    page.wait_for_timeout(1500)


def _why(page: Any) -> None:
    page.wait_for_selector(".card .word")
    page.click("#why")
    page.wait_for_selector("#reasons[open]")


def _upload(*faces: int) -> Callable[[Any], None]:
    def act(page: Any) -> None:
        page.wait_for_selector("nav a[aria-current]")
        with tempfile.TemporaryDirectory() as folder:
            give(page, PHOTO if faces == (460,) else picture(Path(folder), room(*faces)))
            page.wait_for_selector(".card" if faces else "#whole:visible", timeout=90_000)

    return act


def _at(kind: str) -> Callable[[Any], None]:
    return lambda page: state(page, kind)


def _visible(selector: str) -> Callable[[Any], None]:
    return lambda page: page.wait_for_selector(f"{selector}:visible")


STATES = (
    State("no-one", _visible("#attract"), people=()),
    State("one", _faces(1)),
    State("two", _faces(2), people=(300, 300)),
    State("three", _faces(3), people=(200, 200, 200)),
    State("game", _play),
    State("game-three", _play, people=(200, 200, 200)),
    State("result", _result),
    State("why", _why),
    State("not-sure", _visible(".card .perhaps"), kiosk="torn"),
    State("no-picture", _visible("#boxes .large"), kiosk="off"),
    State("screen", _visible(".stage > .phone"), "/?screen=1", "reached"),
    State("screen-three", _visible(".card:nth-child(3)"), "/?screen=1", "reached", (200, 200, 200)),
    State("screen-no-one", _visible("#attract .phone"), "/?screen=1", "reached", ()),
    State("demonstration", _faces(2), kiosk="demo"),
    State("upload", _visible("nav a[href='upload'][aria-current]"), "/upload"),
    State("upload-one", _upload(460), "/upload"),
    State("upload-two", _upload(300, 300), "/upload"),
    State("upload-none", _upload(), "/upload"),
    State("privacy", _visible("nav a[aria-current]"), "/privacy"),
    State("code-ended", _visible("h1"), "/upload?pass=old", "locked"),
    State("login", _visible("input[name=token]"), "/login", "locked"),
    State("today", _visible("dl.figures"), "/today", "logged"),
    State("no-camera", _at("no-camera"), kiosk="none"),
    # What follows changes what the camera gives, so it comes last.
    State("dark", _at("dark")),
    State("reconnecting", _at("reconnecting")),
)


def prepare(kiosk: Any, wanted: State) -> None:
    """Let the camera see what a state wants."""
    if wanted.kiosk not in ("main", "reached"):
        return
    if wanted.name == "reconnecting":
        kiosk.stage.lose()
        return
    kiosk.stage.find()
    kiosk.stage.show(drawn(light=0.05) if wanted.name == "dark" else room(*wanted.people))


class Kiosks:
    """The kiosks that states need, each started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stack, self._running = folder, contextlib.ExitStack(), {}

    def of(self, wanted: State) -> Any:
        """The running kiosk of a state."""
        if wanted.kiosk not in self._running:
            started = self._stack.enter_context(KIOSKS[wanted.kiosk](self._folder))
            started.kiosk.desk._result_s = 90.0  # what is looked at is the page, also on a busy machine
            self._running[wanted.kiosk] = started
        return self._running[wanted.kiosk]

    def close(self) -> None:
        """Stop them."""
        self._stack.close()

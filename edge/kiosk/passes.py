"""Passes for visitors' phones: each opens the upload page, and ends by itself after some minutes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

TURN_S = 300  # a new pass is shown so often; it opens the page for one turn more
VISITS_TURNS = 6  # of a phone that has opened the page, half an hour

# What the upload page is made of, and the page on privacy that it leads to.
PATHS = ("/upload", "/privacy", "/logo", "/api/about", "/api/predict")


class Passes:
    """Makes passes and checks them. Nothing is kept: a pass is a code over its time; the key ends with the process.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._key, self._clock = secrets.token_bytes(32), clock

    def current(self) -> str:
        """The pass to show now."""
        return self._code("pass", self._turn())

    def opens_with(self, shown: str) -> bool:
        """Whether this is the pass of this turn or the one before."""
        return self._is_of_late("pass", shown, 1)

    def cookie(self) -> str:
        """What a phone that came with a pass shows from then on."""
        return self._code("visit", self._turn())

    def opens_with_cookie(self, shown: str) -> bool:
        """Whether this was given to a phone in the last half hour."""
        return self._is_of_late("visit", shown, VISITS_TURNS)

    def _is_of_late(self, kind: str, shown: str, turns: int) -> bool:
        turn = self._turn()
        codes = [self._code(kind, turn - back) for back in range(turns + 1)]
        return any(hmac.compare_digest(shown.encode(), code.encode()) for code in codes)

    def _turn(self) -> int:
        return int(self._clock() // TURN_S)

    def _code(self, kind: str, turn: int) -> str:
        return hmac.new(self._key, f"{kind} {turn}".encode(), hashlib.sha256).hexdigest()[:24]


__all__ = ["PATHS", "TURN_S", "VISITS_TURNS", "Passes"]

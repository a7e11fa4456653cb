"""Says who shows a wrong token, and how often, without letting them fill the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

from edge.naming import one_line

log = logging.getLogger(__name__)

MOST = 10  # lines a minute for each address
MINUTE_S = 60.0
ADDRESSES = 1000  # that are remembered; the oldest is forgotten first


@dataclass(slots=True)
class _Minute:
    began_s: float
    count: int = 0


class FailedLogins:
    """Logs failed logins, at most ten a minute for each address; how many more there were is said afterwards.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._minutes: dict[str, _Minute] = {}

    def note(self, scope: Scope) -> None:
        """A request showed a wrong token."""
        now_s = self._clock()
        address = one_line((scope.get("client") or ("an unknown address",))[0][:80])  # may be a proxy's word
        minute = self._minutes.get(address)
        if minute is None or now_s - minute.began_s >= MINUTE_S:
            if minute is not None:
                self._end(address, minute)
            elif len(self._minutes) >= ADDRESSES:
                oldest = next(iter(self._minutes))
                self._end(oldest, self._minutes[oldest])
            minute = self._minutes[address] = _Minute(now_s)
        minute.count += 1
        if minute.count <= MOST:
            log.warning("a login from %s failed: wrong token", address)

    def _end(self, address: str, minute: _Minute) -> None:
        del self._minutes[address]
        if minute.count > MOST:
            log.warning("%d more logins from %s failed within a minute", minute.count - MOST, address)


__all__ = ["FailedLogins"]

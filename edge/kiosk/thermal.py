"""What to slow down when the device is too warm."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from edge.device import read_temperature, read_throttled


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to work: frames a second for inference and for the picture; None is no limit."""

    name: str
    inference_fps: float | None
    picture_fps: float | None


FULL = Pace("full", None, None)
# Inference slows down first; the picture only when that was not enough.
PACES = (FULL, Pace("slow", 5.0, None), Pace("slowest", 2.0, 5.0))
_ENTER_C = (80.0, 84.0)
_HYSTERESIS_C = 5.0


@dataclass(frozen=True, slots=True)
class Thermal:
    """One reading.

    Attributes:
        temperature_c: Processor temperature in degrees Celsius, or None where the kernel tells none.
        throttled: What the firmware holds back at the moment, or None without ``vcgencmd``.
        pace: What follows from it.
    """

    temperature_c: float | None = None
    throttled: tuple[str, ...] | None = None
    pace: Pace = FULL


def next_pace(current: Pace, temperature_c: float | None, throttled: tuple[str, ...] | None) -> Pace:
    """The pace that follows from a reading; coming down again needs a few degrees more than going up."""
    level = PACES.index(current)
    warm = -273.15 if temperature_c is None else temperature_c
    wanted = sum(warm >= limit - (_HYSTERESIS_C if level > step else 0.0) for step, limit in enumerate(_ENTER_C))
    held_back = {"throttled", "soft temperature limit"} & set(throttled or ())
    return PACES[max(wanted, 1 if held_back else 0)]


class ThermalWatch:
    """Reads every few seconds in a thread of its own, so that no request waits for the firmware.

    Args:
        interval_s: Seconds between readings.
        temperature: Reads the temperature.
        throttled: Reads the flags.

    Attributes:
        reading: The newest one.
    """

    def __init__(
        self,
        interval_s: float = 5.0,
        temperature: Callable[[], float | None] = read_temperature,
        throttled: Callable[[], tuple[str, ...] | None] = read_throttled,
    ) -> None:
        self._interval_s, self._temperature, self._throttled = interval_s, temperature, throttled
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="thermal", daemon=True)
        self.reading = Thermal()

    def start(self) -> None:
        """Take the first reading and begin."""
        self.update()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()

    def update(self) -> None:
        """Read now."""
        temperature, throttled = self._temperature(), self._throttled()
        self.reading = Thermal(temperature, throttled, next_pace(self.reading.pace, temperature, throttled))

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            self.update()


__all__ = ["FULL", "PACES", "Pace", "Thermal", "ThermalWatch", "next_pace"]

"""How warm the device is, and what to slow down when it is too warm.

The temperature comes from the kernel's thermal zones, the throttling flags from the Raspberry Pi firmware's
``vcgencmd get_throttled``, each where it is present.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ZONES = Path("/sys/class/thermal")

# Bits of get_throttled that say what happens now; the same shifted by 16 say that it happened since boot.
_NOW = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}


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


def read_temperature(zones: Path = ZONES) -> float | None:
    """The processor's temperature in degrees Celsius; the warmest zone where none says it is the processor's."""
    found: dict[str, float] = {}
    for zone in sorted(zones.glob("thermal_zone*")):
        with contextlib.suppress(OSError, ValueError):
            found[(zone / "type").read_text().strip()] = int((zone / "temp").read_text()) / 1000
    cpu = [value for name, value in found.items() if "cpu" in name.lower()]
    return max(cpu or found.values(), default=None)


def read_throttled(command: str = "vcgencmd") -> tuple[str, ...] | None:
    """What ``vcgencmd get_throttled`` says of this moment, or None where the command is missing or fails."""
    path = shutil.which(command)
    if path is None:
        return None
    try:
        done = subprocess.run([path, "get_throttled"], capture_output=True, text=True, timeout=2, check=True)
        bits = int(done.stdout.strip().partition("=")[2], 16)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return tuple(name for bit, name in _NOW.items() if bits >> bit & 1)


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
        changed: Called from the thread with each new reading.
    """

    def __init__(
        self,
        interval_s: float = 5.0,
        temperature: Callable[[], float | None] = read_temperature,
        throttled: Callable[[], tuple[str, ...] | None] = read_throttled,
        changed: Callable[[Thermal], None] = lambda _: None,
    ) -> None:
        self._interval_s, self._temperature, self._throttled, self._changed = (
            interval_s,
            temperature,
            throttled,
            changed,
        )
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

    def update(self) -> Thermal:
        """Read now."""
        temperature, throttled = self._temperature(), self._throttled()
        self.reading = Thermal(temperature, throttled, next_pace(self.reading.pace, temperature, throttled))
        self._changed(self.reading)
        return self.reading

    def _run(self) -> None:
        while not self._stop.wait(self._interval_s):
            self.update()


__all__ = ["FULL", "PACES", "Pace", "Thermal", "ThermalWatch", "next_pace", "read_temperature", "read_throttled"]

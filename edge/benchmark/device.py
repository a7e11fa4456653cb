"""The device that is measured: its processor, how fast that can be, and how warm it is."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.kiosk.thermal import read_temperature, read_throttled

_CPUFREQ = Path("/sys/devices/system/cpu/cpu0/cpufreq")


@dataclass(frozen=True, slots=True)
class Peak:
    """The most 8-bit multiply-accumulate operations (MAC) a core can do.

    Attributes:
        macs_per_cycle: A core's MAC in a clock cycle.
        hz: Its highest clock.
        basis: Where the number comes from.
    """

    macs_per_cycle: int
    hz: float
    basis: str

    @property
    def macs_per_s(self) -> float:
        """A core's MAC in a second."""
        return self.macs_per_cycle * self.hz


# Arm's software optimization guides: Cortex-A72, SMLAL of 8 bytes, 1 a cycle; Cortex-A76, SDOT of 16 bytes, 2 a cycle.
_BOARDS = {
    "Raspberry Pi 4": (8, 1.5e9, "Cortex-A72: 1 SMLAL of 8 bytes a cycle"),
    "Raspberry Pi 400": (8, 1.8e9, "Cortex-A72: 1 SMLAL of 8 bytes a cycle"),
    "Raspberry Pi 5": (32, 2.4e9, "Cortex-A76: 2 SDOT of 16 bytes a cycle"),
    "Raspberry Pi 500": (32, 2.4e9, "Cortex-A76: 2 SDOT of 16 bytes a cycle"),
}
_AVX2 = 64, "AVX2: 2 VPMADDUBSW of 32 bytes a cycle"


def describe_device() -> dict[str, Any]:
    """Model, processor, cores, clock, governor and memory, as far as the system tells; plain JSON values."""
    cpuinfo = _read(Path("/proc/cpuinfo"))
    clock = max_hz(cpuinfo)
    return {
        "model": board(),
        "cpu": _field(cpuinfo, "model name") or platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "cores": cores(),
        "clock_mhz": round(clock / 1e6) if clock else None,
        "governor": _read(_CPUFREQ / "scaling_governor") or None,
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
    }


def read_state() -> dict[str, Any]:
    """Temperature, what the firmware throttles, and the load: to be read before and after."""
    throttled = read_throttled()
    return {
        "temperature_c": read_temperature(),
        "throttled": None if throttled is None else list(throttled),
        "load": round(os.getloadavg()[0], 2),
    }


def find_peak(model: str | None = None, cpuinfo: str | None = None) -> Peak | None:
    """The processor's limit, or None where it is not known.

    Args:
        model: The board's name; by default this device's.
        cpuinfo: Content of ``/proc/cpuinfo``; by default this device's.
    """
    model = board() or "" if model is None else model
    cpuinfo = _read(Path("/proc/cpuinfo")) if cpuinfo is None else cpuinfo
    clock = max_hz(cpuinfo)
    for name in sorted(_BOARDS, key=len, reverse=True):
        if model.startswith(name):
            macs, usual, basis = _BOARDS[name]
            return Peak(macs, clock or usual, basis)
    if clock and "avx2" in _field(cpuinfo, "flags").split():
        return Peak(_AVX2[0], clock, _AVX2[1])
    return None


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def board() -> str | None:
    """What the device tree calls this device, as ``Raspberry Pi 5 Model B Rev 1.0``."""
    return _read(Path("/proc/device-tree/model")).rstrip("\0") or None


def max_hz(cpuinfo: str) -> float | None:
    """Highest clock in Hz, or what ``/proc/cpuinfo`` says."""
    for name in ("cpuinfo_max_freq", "scaling_max_freq"):
        text = _read(_CPUFREQ / name)
        if text.isdigit():
            return int(text) * 1e3
    megahertz = _field(cpuinfo, "cpu MHz")
    return float(megahertz) * 1e6 if megahertz else None


def _field(text: str, name: str) -> str:
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == name:
            return value.strip()
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


__all__ = ["Peak", "board", "cores", "describe_device", "find_peak", "max_hz", "read_state"]

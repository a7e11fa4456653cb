"""The device this runs on: its board, processor, memory, how warm it is and what the firmware throttles.

The temperature comes from the kernel's thermal zones, the throttling flags from the Raspberry Pi firmware's
``vcgencmd get_throttled``, each where it is present.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

ZONES = Path("/sys/class/thermal")
_CPUFREQ = Path("/sys/devices/system/cpu/cpu0/cpufreq")

# Bits of get_throttled that say what happens now; the same shifted by 16 say that it happened since boot.
THROTTLED = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}


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
    return tuple(name for bit, name in THROTTLED.items() if bits >> bit & 1)


def read_state() -> dict[str, Any]:
    """Temperature, what the firmware throttles, and the load: to be read before and after a measurement."""
    throttled = read_throttled()
    return {
        "temperature_c": read_temperature(),
        "throttled": None if throttled is None else list(throttled),
        "load": round(os.getloadavg()[0], 2),
    }


def describe_device() -> dict[str, Any]:
    """Board, processor, cores, clock, governor and memory, as far as the system tells; plain JSON values."""
    cpuinfo = _read(Path("/proc/cpuinfo"))
    return {
        "model": board(),
        "cpu": _field(cpuinfo, "model name") or platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "cores": cores(),
        "clock_mhz": _clock_mhz(cpuinfo),
        "governor": _read(_CPUFREQ / "scaling_governor") or None,
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
    }


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def board() -> str | None:
    """What the device tree calls this device, as ``Raspberry Pi 5 Model B Rev 1.0``."""
    return _read(Path("/proc/device-tree/model")).rstrip("\0") or None


def device_id() -> str:
    """Twelve hexadecimal digits that stay the device's own, whatever it is called.

    Made from the board's serial number, else the system's machine-id, else the host's name, none of which it tells. The
    serial number comes first because cards that are copies of one another share their machine-id.
    """
    sources = (Path("/sys/firmware/devicetree/base/serial-number"), Path("/etc/machine-id"))
    known = next(filter(None, (_read(path).strip("\0") for path in sources)), platform.node())
    return hashlib.sha256(f"emotion-edge device {known}".encode()).hexdigest()[:12]


def _clock_mhz(cpuinfo: str) -> int | None:
    """The highest clock, or what ``/proc/cpuinfo`` says."""
    highest = _read(_CPUFREQ / "cpuinfo_max_freq")
    if highest.isdigit():
        return round(int(highest) / 1e3)
    megahertz = _field(cpuinfo, "cpu MHz")
    return round(float(megahertz)) if megahertz else None


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


__all__ = [
    "THROTTLED",
    "board",
    "cores",
    "describe_device",
    "device_id",
    "read_state",
    "read_temperature",
    "read_throttled",
]

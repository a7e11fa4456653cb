"""Settings that stream, kiosk and report share, each declared once; `predict` starts without them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.settings.field import Size, setting
from edge.sources.address import without_login


@dataclass(frozen=True)
class CameraSettings:
    """What a camera is asked for."""

    size: Size | None = setting(
        None, "Picture to ask of the camera.", parse=Size.parse, form="WIDTHxHEIGHT", otherwise="the camera's own"
    )
    rotate: Literal[0, 90, 180, 270] = setting(0, "Rotate the picture, in degrees clockwise.")
    flip: Literal["none", "horizontal", "vertical", "both"] = setting("none", "Mirror the picture.")


@dataclass(frozen=True)
class MqttSettings:
    """Where results are published for home automation."""

    mqtt: str | None = setting(
        None, "Publish to this broker.", form="mqtt[s]://[USER:PASSWORD@]HOST[:PORT]", show=without_login
    )
    mqtt_name: str | None = setting(None, "Topic prefix and device name.", otherwise="emotion-edge-HOST")
    mqtt_ca: Path | None = setting(None, "Certificates (PEM) of the authorities to trust with mqtts://.")
    mqtt_cert: Path | None = setting(None, "Our own certificate (PEM) for brokers that want one.")
    mqtt_key: Path | None = setting(None, "Its key (PEM), where it is in a file of its own.")
    mqtt_discovery: bool = setting(True, "Announce the device to Home Assistant, or take that back.")


@dataclass(frozen=True)
class ReportSettings:
    """What a report on an event log tells."""

    min_visits: int = setting(5, "Visits below which an hour or day of a report tells nothing by emotion.", low=0)


__all__ = ["CameraSettings", "MqttSettings", "ReportSettings"]

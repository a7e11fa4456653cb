"""How the device announces itself to Home Assistant: one discovery message for the device and all its entities.

Source: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload and the pages of the MQTT sensor and
binary sensor.
"""

from __future__ import annotations

from typing import Any

from edge import __version__
from edge.device import board, device_id
from edge.labels import EMOTIONS, UNCERTAIN

PREFIX = "homeassistant"
NOBODY = "none"
STATES = ("starting", "ok", "dark", "reconnecting", "lost", "ended")
"""What the camera can be; all that ``state`` of a result can say, and what it is before the first."""


def announcement(name: str, *, own_name: bool, page: str | None) -> tuple[str, dict[str, Any]]:
    """Topic and content of the discovery message.

    Args:
        name: Where the device publishes, and what it is called.
        own_name: Whether someone chose the name; one device may then publish under several.
        page: Address of the device's own page, or None.
    """
    # From the machine, not from its name: a device that is called otherwise is still the same one.
    node = "_".join(filter(None, ("emotion-edge", device_id(), name.replace("/", "_") if own_name else "")))
    device: dict[str, Any] = {
        "identifiers": [node],
        "name": name,
        "manufacturer": "emotion-edge",
        "model": board() or "emotion-edge",
        "sw_version": __version__,
    }
    if page:
        device["configuration_url"] = page
    content = {
        "device": device,
        "origin": {"name": "emotion-edge", "sw_version": __version__},
        "components": {key: {"unique_id": f"{node}_{key}", **entity} for key, entity in _entities(name).items()},
        "qos": 1,
    }
    return f"{PREFIX}/device/{node}/config", content


def _entities(name: str) -> dict[str, dict[str, Any]]:
    state = {"state_topic": f"{name}/state", "availability_topic": f"{name}/availability"}
    return {
        "emotion": {
            "platform": "sensor",
            "name": "Emotion",
            "icon": "mdi:emoticon",
            "device_class": "enum",
            "options": [*EMOTIONS, UNCERTAIN, NOBODY],
            "value_template": "{{ value_json.emotion }}",
            "json_attributes_topic": f"{name}/state",
            **state,
        },
        "faces": {
            "platform": "sensor",
            "name": "Faces",
            "icon": "mdi:face-recognition",
            "state_class": "measurement",
            "value_template": "{{ value_json.faces }}",
            **state,
        },
        "presence": {
            "platform": "binary_sensor",
            "name": "Presence",
            "device_class": "occupancy",
            "value_template": "{{ 'ON' if value_json.faces > 0 else 'OFF' }}",
            **state,
        },
        "camera": {
            "platform": "sensor",
            "name": "Camera",
            "icon": "mdi:camera",
            "device_class": "enum",
            "options": list(STATES),
            "entity_category": "diagnostic",
            "value_template": "{{ value_json.state }}",
            **state,
        },
        # Without availability: where the others are not available, this one says that the device is away.
        "connection": {
            "platform": "binary_sensor",
            "name": "Connection",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
            "payload_on": "online",
            "payload_off": "offline",
            "state_topic": f"{name}/availability",
        },
    }


__all__ = ["NOBODY", "PREFIX", "STATES", "announcement"]

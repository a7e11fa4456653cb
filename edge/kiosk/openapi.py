"""The description of the API, in OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from edge.labels import EMOTIONS
from edge.types import SCHEMA

_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}
_PROBABILITIES = {
    "type": "object",
    "properties": dict.fromkeys(EMOTIONS, _PROBABILITY),
    "required": list(EMOTIONS),
}
_NUMBERS = {"type": "object", "additionalProperties": {"type": "number"}}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": required | (optional or {}), "required": list(required)}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _text(description: str, media_type: str) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": {"type": "string"}}}}


def _failures(*statuses: int) -> dict[str, Any]:
    return {str(status): _json(_MEANING[status], _ref("Error")) for status in (401, 421, *statuses)}


_MEANING = {
    400: "There is no picture, it is broken or too small, or a parameter is wrong.",
    401: "The token is missing or wrong.",
    403: "Another site sent this, or the video is off.",
    404: "This kiosk serves uploads alone.",
    408: "The picture came too slowly.",
    413: "The picture is too large.",
    415: "This is not a JPEG, PNG or WebP picture.",
    421: "The Host header names another device.",
    503: "Too much at a time, or nothing yet: Retry-After says when to come back. Without it: a picture took too long.",
}

_FACE = _object(
    {
        "box": {
            "type": "array",
            "items": {"type": "integer"},
            "minItems": 4,
            "maxItems": 4,
            "description": "x, y, w, h",
        },
        "emotion": {"type": "string", "enum": list(EMOTIONS)},
        "confidence": _PROBABILITY,
        "confident": {"type": "boolean", "description": "Whether the largest probability reaches the threshold."},
        "probabilities": _PROBABILITIES,
    },
    {"track": {"type": "integer", "description": "The same face across frames."}, "raw": _PROBABILITIES},
)
_BASE = {
    "schema": {"type": "integer", "const": SCHEMA},
    "source": {"type": "string"},
    "width": {"type": "integer"},
    "height": {"type": "integer"},
    "faces": {"type": "array", "items": _ref("Face")},
    "timing_ms": _NUMBERS,
}
_NULLABLE_NUMBER = {"type": ["number", "null"]}

SCHEMAS: dict[str, Any] = {
    "Face": _FACE,
    "Picture": _object(
        _BASE
        | {
            "fallback": {
                "type": "boolean",
                "description": "No face was found; as asked for, the whole picture was read instead.",
            },
            "error": {"type": ["string", "null"]},
        }
    ),
    "Frame": _object(
        _BASE | {"frame": {"type": "integer"}, "time_s": {"type": "number"}, "state": {"type": "string"}},
        {"events": {"type": "array", "items": {"type": "object"}}},
    ),
    "About": _object(
        {
            "live": {"type": "boolean"},
            "visitor": {"type": "boolean", "description": "Asked with a pass for the upload page, not with the token."},
            "source": {"type": "string"},
            "state": {"type": "string", "description": "As in Health."},
            "demo": {"type": "boolean", "description": "The faces are drawn; there is no camera."},
            "video": {"type": "string", "enum": ["on", "blur", "off"]},
            "labels": {"type": "array", "items": {"type": "string"}},
            "threshold": _PROBABILITY,
            "event_log": {"type": "boolean"},
            "published": {"type": "boolean"},
            "language": {"type": "string"},
            "theme": {"type": "string"},
            "title": {"type": "string"},
            "intro": {"type": "string"},
            "logo": {"type": "boolean", "description": "Whether /logo has the owner's picture."},
            "accent": {"type": "string", "description": "#rrggbb, or empty."},
            "upload": _object({"max_bytes": {"type": "integer"}, "max_pixels": {"type": "integer"}}),
        }
    ),
    "Health": _object(
        {"status": {"type": "string", "enum": ["ok", "hot", "failing"]}},
        {
            "state": {"type": "string"},
            "source": {"type": "string"},
            "frame_age_s": _NULLABLE_NUMBER,
            "fps": _NUMBERS,
            "latency_ms": _NULLABLE_NUMBER,
            "model": {"type": "object"},
            "runtime": {"type": "object"},
            "temperature_c": _NULLABLE_NUMBER,
            "throttled": {"type": ["array", "null"], "items": {"type": "string"}},
            "pace": {"type": "string", "enum": ["full", "slow", "slowest"]},
            "video": {"type": ["string", "null"]},
            "uptime_s": {"type": "number"},
        },
    ),
    "Error": _object({"error": _object({"code": {"type": "string"}, "message": {"type": "string"}})}),
}

_BINARY = {"schema": {"type": "string", "format": "binary"}}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "emotion-edge kiosk",
        "version": str(SCHEMA),
        "description": "Faces and their emotions, live and of uploaded pictures. Nothing that is uploaded is kept.",
    },
    "security": [{}, {"token": []}, {"cookie": []}],
    "paths": {
        "/api/predict": {
            "post": {
                "operationId": "predict",
                "summary": "Read the faces of one picture.",
                "parameters": [
                    {
                        "name": "fallback",
                        "in": "query",
                        "description": "Where no face is found, read the whole picture; that is never confident.",
                        "schema": {"type": "boolean", "default": False},
                    }
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "multipart/form-data": {"schema": _object({"file": {"type": "string", "format": "binary"}})},
                        "image/jpeg": _BINARY,
                        "image/png": _BINARY,
                        "image/webp": _BINARY,
                        "application/octet-stream": _BINARY,
                    },
                },
                "responses": {"200": _json("What the picture shows.", _ref("Picture"))}
                | _failures(400, 403, 408, 413, 415, 503),
            }
        },
        "/api/latest": {
            "get": {
                "operationId": "latest",
                "summary": "The newest result of the camera.",
                "responses": {"200": _json("The newest frame's faces.", _ref("Frame"))} | _failures(404, 503),
            }
        },
        "/api/about": {
            "get": {
                "operationId": "about",
                "summary": "What this kiosk shows, processes and keeps.",
                "responses": {"200": _json("Settings that a page needs.", _ref("About"))} | _failures(),
            }
        },
        "/events": {
            "get": {
                "operationId": "events",
                "summary": "Every new result and status as server-sent events; each is complete in itself.",
                "responses": {"200": _text("JSON with `result` (a Frame or null) and `status`.", "text/event-stream")}
                | _failures(404, 503),
            }
        },
        "/stream.mjpg": {
            "get": {
                "operationId": "stream",
                "summary": "The live picture as motion JPEG.",
                "responses": {"200": _text("JPEG pictures without end.", "multipart/x-mixed-replace")}
                | _failures(403, 404, 503),
            }
        },
        "/healthz": {
            "get": {
                "operationId": "health",
                "summary": "Whether fresh frames go through; details only with the token.",
                "responses": {"200": _json("It works.", _ref("Health")), "503": _json("It does not.", _ref("Health"))}
                | {"421": _failures()["421"]},
            }
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Figures for Prometheus.",
                "responses": {"200": _text("Prometheus' text form.", "text/plain")} | _failures(),
            }
        },
    },
    "components": {
        "schemas": SCHEMAS,
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "emotion_edge"},
        },
    },
}

__all__ = ["DOCUMENT", "SCHEMAS"]

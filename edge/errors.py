"""Every error that emotion-edge raises on purpose.

EdgeError
├── ImageError            a picture that cannot be read or is refused
│   ├── ImageTooLargeError  ...because it has too many pixels or takes too much memory
│   └── ImageTooSmallError  ...because no face could be seen in so few pixels
├── ModelError            a model file that is missing, broken or does not conform
├── RuntimeMissingError   no TFLite interpreter, or a pairing that cannot work
├── SourceError           a camera, video or stream that cannot be opened
│   ├── CameraLostError   ...that was open and stopped delivering
│   └── RecordingError    ...that holds no frame, or ends too early: opening it anew is of no use
├── LogError              an event log that cannot be read
├── OutputError           a place that results cannot be written to
└── ConfigError           a configuration that cannot work
    └── SettingsError     ...because settings are unknown or out of range

A message is one line: what went wrong, what was got, what is wanted and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class EdgeError(Exception):
    """Base of all errors of this package."""


class ImageError(EdgeError):
    """A picture cannot be decoded, or is refused."""


class ImageTooLargeError(ImageError):
    """A picture has more pixels, or takes more memory to decode, than is allowed."""


class ImageTooSmallError(ImageError):
    """A picture has fewer pixels than show a face."""


class ModelError(EdgeError):
    """A model file is missing, broken, or not a conforming classifier."""


class RuntimeMissingError(EdgeError):
    """No TFLite interpreter can be used."""


class SourceError(EdgeError):
    """A frame source cannot be opened or read."""


class CameraLostError(SourceError):
    """A source that worked stopped delivering frames."""


class RecordingError(SourceError):
    """A recording holds no frame that can be decoded, or ends before its end."""


class LogError(EdgeError):
    """An event log is missing, is something else, or cannot be read now."""


class OutputError(EdgeError):
    """Results cannot be written where they were asked for."""


class ConfigError(EdgeError):
    """A configuration cannot work."""


class SettingsError(ConfigError):
    """Settings are unknown or have wrong values.

    Attributes:
        problems: One line each.
        rest: The settings without what is wrong.
    """

    def __init__(self, problems: Sequence[str], rest: object = None) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
        self.rest = rest


__all__ = [
    "CameraLostError",
    "ConfigError",
    "EdgeError",
    "ImageError",
    "ImageTooLargeError",
    "ImageTooSmallError",
    "LogError",
    "ModelError",
    "OutputError",
    "RecordingError",
    "RuntimeMissingError",
    "SettingsError",
    "SourceError",
]

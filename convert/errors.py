"""What can go wrong in a conversion, besides the errors of ``edge``."""

from edge.errors import EdgeError


class ConversionError(EdgeError):
    """A model cannot be converted, or what came out of it does not do."""


class GateError(ConversionError):
    """The converted model differs too much from the trained one."""


__all__ = ["ConversionError", "GateError"]

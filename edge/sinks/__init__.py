"""Places that the results of a stream go to."""

from edge.sinks.base import Sink

__all__ = ["Sink"]

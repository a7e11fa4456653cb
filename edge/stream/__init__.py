"""What only a stream of frames needs: the loop, what it does with one frame, and how it follows faces."""

from edge.stream.loop import Stream

__all__ = ["Stream"]

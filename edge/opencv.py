"""OpenCV, or a clear word on what to install: ``from edge.opencv import cv2``."""

import os

from edge.errors import RuntimeMissingError

REMEDY = "install it with: pip install 'opencv-python-headless>=4.8,<5'"

# What cannot be read is said once, by us; OpenCV and its FFmpeg would write lines of their own to standard error.
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

try:
    import cv2
except Exception as error:  # beside ImportError, whatever a build for another numpy or system raises
    reason = str(error).partition("\n")[0]
    raise RuntimeMissingError(f"OpenCV cannot be imported ({reason}); {REMEDY}") from error

__all__ = ["REMEDY", "cv2"]

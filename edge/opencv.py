"""OpenCV, or a clear word on what to install: ``from edge.opencv import cv2``."""

from edge.errors import RuntimeMissingError

REMEDY = "install it with: pip install 'opencv-python-headless>=4.8,<5'"

try:
    import cv2
except Exception as error:  # beside ImportError, whatever a build for another numpy or system raises
    reason = str(error).partition("\n")[0]
    raise RuntimeMissingError(f"OpenCV cannot be imported ({reason}); {REMEDY}") from error

__all__ = ["REMEDY", "cv2"]

"""The five emotions, in the order of every probability vector of the project."""

EMOTIONS: tuple[str, ...] = ("Angry", "Happy", "Neutral", "Sad", "Surprise")
UNCERTAIN = "uncertain"
"""What home automation and metrics call an emotion below the threshold."""

__all__ = ["EMOTIONS", "UNCERTAIN"]

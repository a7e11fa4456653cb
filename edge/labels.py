"""The five emotions, in the order of every probability vector of the project."""

EMOTIONS: tuple[str, ...] = ("Angry", "Happy", "Neutral", "Sad", "Surprise")

__all__ = ["EMOTIONS"]

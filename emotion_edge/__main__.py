"""``python -m emotion_edge`` is ``emotion-edge``."""

from edge.__main__ import run

if __name__ == "__main__":
    run()

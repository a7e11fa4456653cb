"""``emotion-edge`` and ``python -m edge``: from its first moment on Ctrl-C ends it with one word and exit code 130."""

import os
import signal


def leave(_: int, __: object) -> None:
    """Leave at once: nothing that is loaded at the start needs to be put away, and C code may swallow an exception."""
    os.write(2, b"interrupted\n")
    os._exit(130)


def run() -> None:
    """Run the command line."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where a parent ignores it
        signal.signal(signal.SIGINT, leave)
    from edge.cli import run as command

    command()


if __name__ == "__main__":
    run()

"""Files that appear whole or not at all: written next to their place, then renamed into it."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from edge.errors import OutputError


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its place only when the block ends without an error.

    Devices and pipes, such as /dev/stdout, are written directly. A symbolic link keeps pointing where it did.

    Args:
        path: Where the finished file shall be.

    Yields:
        A buffered binary file.

    Raises:
        OutputError: The place cannot be written, or the disk is full; nothing half-written is left.
    """
    target = Path(os.path.realpath(path))  # of /dev/stdout before a pipe, nothing that exists
    try:
        if _is_special(path):
            with path.open("wb") as file:
                yield file
            return
        part = target.with_name(f".{target.name[:100]}.{os.getpid()}-{os.urandom(4).hex()}.part")
        # "x" and the umask's own mode: mkstemp would leave the file unreadable for others.
        file = part.open("xb")
    except OSError as error:
        raise _output_error(path, error) from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.is_file():
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        part.replace(target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            file.close()
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise _output_error(path, error) from error
        raise


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "is a folder")
    return not stat.S_ISREG(mode)


def _output_error(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} cannot be written: {error.strerror or error}")


__all__ = ["atomic_write"]

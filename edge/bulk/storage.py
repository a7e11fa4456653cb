"""Files on disk and in object storage (``s3://``, ``gs://``) alike, written whole or not at all.

pyarrow is imported where used: the child process that reads pictures on disk does without it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edge.atomic import atomic_write
from edge.errors import ImageError, OutputError
from edge.images import MAX_STREAM_BYTES

if TYPE_CHECKING:
    from pyarrow import BufferOutputStream

SCHEMES = ("s3://", "gs://")


def is_remote(path: str) -> bool:
    """Whether a path is an address in object storage."""
    return path.startswith(SCHEMES)


def split(path: str) -> tuple[Any, str]:
    """The ``pyarrow.fs`` file system of a path, and the path in it."""
    if not is_remote(path):
        return _local(), os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
    scheme, _, inner = path.partition("://")
    return _remote(scheme, inner.partition("/")[0], os.getpid()), inner.rstrip("/")


@cache
def _local() -> Any:
    from pyarrow import fs

    return fs.LocalFileSystem()


@cache
def _remote(scheme: str, bucket: str, _pid: int) -> Any:
    from pyarrow import fs

    environment = os.environ
    address = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    if scheme == "s3" and address:  # Arrow does not look for another store's address itself
        way, _, host = address.rpartition("://")
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
        return fs.S3FileSystem(endpoint_override=host.rstrip("/"), scheme=way or "https", region=region)
    if scheme == "s3" and (environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")):
        return fs.S3FileSystem()
    return fs.FileSystem.from_uri(f"{scheme}://{bucket}")[0]  # finds out the bucket's region


def join(folder: str, name: str) -> str:
    """A path in a folder."""
    return f"{folder.rstrip('/')}/{name}"


def exists(path: str) -> bool:
    """Whether there is such a file."""
    from pyarrow import fs

    system, inner = split(path)
    return bool(system.get_file_info(inner).type == fs.FileType.File)


def names_in(folder: str) -> list[str]:
    """Names of the files in a folder, in order; none where there is no such folder."""
    from pyarrow import fs

    system, inner = split(folder)
    found = system.get_file_info(fs.FileSelector(inner, allow_not_found=True))
    return sorted(info.base_name for info in found if info.type == fs.FileType.File)


def read_bytes(path: str) -> bytes:
    """A whole file.

    Raises:
        OSError: It cannot be read; FileNotFoundError where it does not exist.
    """
    system, inner = split(path)
    with system.open_input_stream(inner) as file:
        return bytes(file.read())


def read_picture(path: str) -> bytes:
    """An encoded picture in object storage.

    Raises:
        ImageError: There is none, or it is too long for a picture.
        OSError: The storage does not answer, which says nothing about the picture.
    """
    system, inner = split(path)
    try:
        with system.open_input_file(inner) as file:
            if file.size() > MAX_STREAM_BYTES:
                raise ImageError(f"has more than {MAX_STREAM_BYTES >> 20} MiB, too long for a picture")
            return bytes(file.read())
    except FileNotFoundError as error:
        raise ImageError("cannot be read: No such file or directory") from error


def write_whole(path: str, content: bytes | BufferOutputStream) -> None:
    """Write a file by renaming a finished one, or by one put.

    Raises:
        OutputError: It cannot be written; nothing half-written is left.
    """
    data = content if isinstance(content, bytes) else content.getvalue()
    if not is_remote(path):
        with open_whole(path) as file:
            file.write(data)
        return
    system, inner = split(path)
    try:
        with system.open_output_stream(inner) as target:
            target.write(data)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}") from error


@contextmanager
def open_whole(path: str) -> Iterator[IO[bytes]]:
    """Open a file of any length for writing that takes its place only when the block ends without an error.

    Raises:
        OutputError: It cannot be written; nothing half-written is left.
    """
    system, inner = split(path)
    if not is_remote(path):
        target = Path(inner)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{target.parent} cannot be made: {error.strerror}") from error
        with atomic_write(target) as output:
            yield output
        return
    with tempfile.TemporaryFile() as spooled:  # an upload that is given up would be ended as if it were whole
        yield spooled
        spooled.seek(0)
        try:
            with system.open_output_stream(inner) as upload:
                shutil.copyfileobj(spooled, upload, 8 << 20)
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error}") from error


def remove_folder(path: str) -> None:
    """Delete a folder and all in it."""
    system, inner = split(path)
    system.delete_dir(inner)


__all__ = [
    "exists",
    "is_remote",
    "join",
    "names_in",
    "open_whole",
    "read_bytes",
    "read_picture",
    "remove_folder",
    "split",
    "write_whole",
]

"""A child process that reads pictures and may hang or die of one; each thread of a worker has its own."""

from __future__ import annotations

import json
import multiprocessing
import signal
import threading
from collections.abc import Sequence
from typing import Any

from edge.bulk import child
from edge.bulk.rows import unreadable
from edge.errors import ConfigError, EdgeError
from edge.naming import one_line, unicode_name

MESSAGE = 16  # pictures that are read at a time: few enough that one bad one costs little
START_S = 120.0
_SPAWN = multiprocessing.get_context("spawn")


class _NoReplyError(Exception):
    """The child hung or died."""


class WatchedReader:
    """Reads pictures in a child process, and starts another one where that hangs or dies.

    One pipe is all that lies between: it ends with the child, however that dies, so no wait outlives it.

    Args:
        reading: What ``PictureReader`` takes, as plain JSON values.
        limit_s: Seconds after which a message, or a picture alone, is given up.
    """

    def __init__(self, reading: dict[str, Any], limit_s: float) -> None:
        self._reading = json.dumps(reading, sort_keys=True)
        self._limit_s = limit_s
        self.facts = self._start()

    def _start(self) -> dict[str, str]:
        pipe, end = _SPAWN.Pipe()
        process = _SPAWN.Process(target=child.run, args=(end, self._reading), daemon=True)
        process.start()
        end.close()  # the child's own is the last one
        self._pipe, self._child = pipe, process
        try:
            facts: dict[str, str] = self._receive(START_S)
            return facts
        except _NoReplyError as error:
            raise EdgeError(f"starting a process that reads pictures {error}") from None

    def read(self, paths: Sequence[bytes]) -> list[dict[str, Any]]:
        """Read pictures: a row each, in order. Where reading fails, they are read again one by one.

        Raises:
            OSError: Object storage does not reply.
            EdgeError: The model or what it runs on cannot be used, or no child starts.
        """
        rows: list[dict[str, Any]] = []
        for start in range(0, len(paths), MESSAGE):
            message = list(paths[start : start + MESSAGE])
            try:
                rows += self._rows(message)
            except (EdgeError, OSError):
                raise
            except Exception:
                rows += [self._alone(path) for path in message]
        return rows

    def _alone(self, path: bytes) -> dict[str, Any]:
        try:
            return self._rows([path])[0]
        except (EdgeError, OSError):
            raise
        except _NoReplyError as error:
            reason = str(error)
        except Exception as error:
            reason = f"cannot be read: {type(error).__name__}: {error}"
        return unreadable(unicode_name(path.decode("utf-8", "surrogateescape")), one_line(reason))

    def _rows(self, message: list[bytes]) -> list[dict[str, Any]]:
        if not self._child.is_alive():
            self._start()
        rows: list[dict[str, Any]] = self._receive(self._limit_s, message)
        return rows

    def _receive(self, limit_s: float, message: list[bytes] | None = None) -> Any:
        """What the child says, after a message where one is given; an error is raised, and ends the child."""
        reply: Any = None
        try:
            if message is not None:
                self._pipe.send(message)
            if self._pipe.poll(limit_s):
                reply = self._pipe.recv()
            else:
                reply = _NoReplyError(f"took longer than {limit_s:g} s and was given up")
        except (EOFError, OSError):
            self.close()
            reply = _NoReplyError(f"ended the process that read it ({_exit_reason(self._child.exitcode or 0)})")
        finally:
            if reply is None or isinstance(reply, Exception):
                self.close()  # or a late reply would be taken for the next one
        if isinstance(reply, Exception):
            raise reply
        return reply

    def close(self) -> None:
        """End the child."""
        self._child.kill()
        self._child.join()
        self._pipe.close()


def _daemonic() -> ConfigError:
    return ConfigError(
        "this worker may not start a process; start workers with DASK_DISTRIBUTED__WORKER__DAEMON=False in their "
        "environment"
    )


def _exit_reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


_own = threading.local()


def watched_reader(reading: dict[str, Any], limit_s: float) -> WatchedReader:
    """This thread's reader, kept from call to call; another one where the options are others."""
    if multiprocessing.current_process().daemon:
        raise _daemonic()
    key = json.dumps([reading, limit_s], sort_keys=True)
    if getattr(_own, "key", None) != key:
        if getattr(_own, "reader", None) is not None:
            _own.reader.close()
        _own.key, _own.reader = None, None
        _own.reader = WatchedReader(reading, limit_s)
        _own.key = key
    reader: WatchedReader = _own.reader
    return reader


__all__ = ["MESSAGE", "WatchedReader", "watched_reader"]

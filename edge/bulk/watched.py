"""A child process that reads pictures and may hang or die of one; each thread of a worker has its own."""

from __future__ import annotations

import json
import multiprocessing
import signal
import threading
from collections.abc import Sequence
from typing import Any

from pebble import ProcessExpired, ProcessPool

from edge.bulk import child
from edge.bulk.rows import unreadable
from edge.errors import ConfigError, EdgeError
from edge.naming import one_line, unicode_name

MESSAGE = 16  # pictures that are read at a time: few enough that one bad one costs little
START_S = 120.0


class WatchedReader:
    """Reads pictures in a child process, and starts another one where that hangs or dies.

    Args:
        reading: What ``PictureReader`` takes, as plain JSON values.
        limit_s: Seconds after which a message, or a picture alone, is given up.
    """

    def __init__(self, reading: dict[str, Any], limit_s: float) -> None:
        self._reading = json.dumps(reading, sort_keys=True)
        self._limit_s = limit_s
        self._pool = _pool()
        self.facts: dict[str, str] = self._call(child.facts, START_S)

    def read(self, paths: Sequence[bytes]) -> list[dict[str, Any]]:
        """Read pictures: a row each, in order. Where reading fails, they are read again one by one.

        Raises:
            OSError: Object storage does not answer.
            EdgeError: The model or what it runs on cannot be used.
        """
        rows: list[dict[str, Any]] = []
        for start in range(0, len(paths), MESSAGE):
            message = list(paths[start : start + MESSAGE])
            try:
                rows += self._call(child.read, self._limit_s, message)
            except (TimeoutError, ProcessExpired):  # OSErrors too, but of the child, not of storage
                rows += [self._alone(path) for path in message]
            except (EdgeError, OSError):
                raise
            except Exception:
                rows += [self._alone(path) for path in message]
        return rows

    def _alone(self, path: bytes) -> dict[str, Any]:
        try:
            row: dict[str, Any] = self._call(child.read, self._limit_s, [path])[0]
            return row
        except TimeoutError:
            reason = f"took longer than {self._limit_s:g} s and was given up"
        except ProcessExpired as error:
            reason = f"ended the process that read it ({_exit_reason(error.exitcode)})"
        except (EdgeError, OSError):
            raise
        except Exception as error:
            reason = f"cannot be read: {type(error).__name__}: {error}"
        return unreadable(unicode_name(path.decode("utf-8", "surrogateescape")), one_line(reason))

    def _call(self, function: Any, limit_s: float, *arguments: Any) -> Any:
        try:
            if not self._pool.active:  # a child that is killed between two messages takes its pool with it
                self.close()
                self._pool = _pool()
            return self._pool.schedule(function, args=[self._reading, *arguments], timeout=limit_s).result()
        except RuntimeError as error:
            if "daemonic" in str(error):
                raise _daemonic() from error
            raise

    def close(self) -> None:
        """End the child."""
        self._pool.stop()
        self._pool.join()


def _pool() -> ProcessPool:
    return ProcessPool(max_workers=1, context=multiprocessing.get_context("spawn"))


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

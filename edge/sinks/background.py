"""Takes a slow sink out of the loop's way."""

from __future__ import annotations

import logging
import queue
import threading

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError
from edge.sinks.base import Sink
from edge.types import FrameResult

log = logging.getLogger(__name__)

Item = tuple[NDArray[np.uint8] | None, FrameResult]


class BackgroundSink:
    """Writes to another sink from a thread of its own.

    Args:
        sink: Does the work.
        wait: With a full queue, wait for room (recordings) instead of dropping the result (live sources).
        room: Results that may wait; each may hold a picture.
        pictures: Whether the sink needs the pictures; without, none are held.
    """

    def __init__(self, sink: Sink, *, wait: bool, room: int = 64, pictures: bool = False) -> None:
        self.dropped = 0
        self._sink = sink
        self._wait = wait
        self._pictures = pictures
        self._queue: queue.Queue[Item] = queue.Queue(room)
        self._reopen = threading.Event()
        self._closing = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=type(sink).__name__, daemon=True)
        self._thread.start()

    @property
    def failed(self) -> bool:
        """Whether the sink broke down; it has said why."""
        broken = self._error is not None and not isinstance(self._error, BrokenPipeError)
        return broken or getattr(self._sink, "failed", False)

    def write(self, rgb: NDArray[np.uint8] | None, result: FrameResult) -> None:
        """Queue one result; raises BrokenPipeError when the sink's reader is gone."""
        if isinstance(self._error, BrokenPipeError):
            raise self._error
        item = (rgb if self._pictures else None, result)
        while self._error is None:
            try:
                self._queue.put(item, timeout=0.5 if self._wait else 0)
                return
            except queue.Full:
                if not self._wait:
                    self._drop()
                    return

    def reopen(self) -> None:
        """Open files anew before the next result."""
        self._reopen.set()

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued, for at most ``timeout_s``, and close the sink."""
        self._closing.set()
        self._thread.join(timeout_s if not self._wait else None)
        if self._thread.is_alive():
            log.warning("%s did not finish in time; %d results are lost", self._thread.name, self._queue.qsize())
        if isinstance(self._error, BrokenPipeError):
            raise self._error

    def _drop(self) -> None:
        self.dropped += 1
        if self.dropped & (self.dropped - 1) == 0:  # 1, 2, 4, 8...
            log.warning("%s is too slow: %d results dropped", self._thread.name, self.dropped)

    def _work(self) -> None:
        try:
            while True:
                try:
                    item = self._queue.get(timeout=0.2)
                except queue.Empty:
                    if self._closing.is_set():
                        break
                    continue
                if self._reopen.is_set():
                    self._reopen.clear()
                    self._sink.reopen()
                self._sink.write(*item)
                del item  # its picture would wait for the next one
        except BrokenPipeError as error:
            self._error = error
        except EdgeError as error:
            log.error("%s; it gets no more results", error)
            self._error = error
        except Exception as error:
            log.exception("%s failed; it gets no more results", self._thread.name)
            self._error = error
        finally:
            try:
                self._sink.close()
            except BrokenPipeError as error:
                self._error = error
            except EdgeError as error:
                log.error("%s", error)
                self._error = error
            except Exception as error:
                log.exception("%s could not be closed", self._thread.name)
                self._error = error


__all__ = ["BackgroundSink"]

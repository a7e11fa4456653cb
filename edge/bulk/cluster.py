"""Scores a listing on Dask: a cluster of this machine's own, or one that is there."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Any

from edge.bulk.part import score_part
from edge.errors import ConfigError, EdgeError

WINDOW = 3  # parts under way a core: enough that no worker waits, few enough that the driver stays small
RETRIES = 3
CHECK_S = 5.0
WAIT_S = 60.0


class SchedulerLostError(EdgeError):
    """The scheduler went away while parts were open."""


@dataclass(frozen=True)
class Security:
    """Files for TLS between driver, scheduler and workers; all or none.

    Attributes:
        ca_file: Certificate authority (PEM).
        cert: This client's certificate (PEM).
        key: Its private key (PEM).
    """

    ca_file: str
    cert: str
    key: str


@dataclass
class Outcome:
    """What a run left: parts that were lost, each with the reason of its last try."""

    lost: dict[int, str] = field(default_factory=dict)


@contextmanager
def connect(
    scheduler: str | None = None,
    *,
    workers: int | None = None,
    host: str = "127.0.0.1",
    security: Security | None = None,
) -> Iterator[Any]:
    """A Dask client of a cluster.

    Args:
        scheduler: Address of a scheduler, ``tcp://…`` or ``tls://…``; None starts one here, with its workers.
        workers: How many to start here; None for one a core.
        host: Address that a scheduler started here listens on.
        security: TLS for a scheduler that is there.

    Raises:
        ConfigError: The scheduler cannot be reached, or has no workers.
    """
    import dask

    dask.config.set(
        {
            "distributed.worker.daemon": False,  # workers start children, which daemons may not
            "distributed.worker.profile.enabled": False,  # it looks at a worker that waits a hundred times a second
            "distributed.admin.tick.interval": "500 ms",  # as this does fifty times
        }
    )
    from distributed import Client, LocalCluster

    # Their loggers print the traceback of every connection that breaks; what a part was lost of is said at the end.
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    if scheduler is None:
        with (
            LocalCluster(
                n_workers=workers or len(os.sched_getaffinity(0)),
                threads_per_worker=1,
                host=host,
                dashboard_address=f"{host}:0",
                memory_limit=None,  # pictures are held by the workers' children, which Dask does not count
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(scheduler, timeout=20, security=_dask_security(security))
    except (OSError, ValueError) as error:
        raise ConfigError(f"no scheduler answers at {scheduler} ({error}); start one with: dask scheduler") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WAIT_S)
        except TimeoutError as error:
            raise ConfigError(
                f"no worker joined {scheduler} within {WAIT_S:g} s; start some with: "
                f"DASK_DISTRIBUTED__WORKER__DAEMON=False dask worker {scheduler} --nthreads 1"
            ) from error
        yield client


def _dask_security(security: Security | None) -> Any:
    if security is None:
        return None
    from distributed.security import Security as DaskSecurity

    return DaskSecurity(
        tls_ca_file=security.ca_file,
        tls_client_cert=security.cert,
        tls_client_key=security.key,
        require_encryption=True,
    )


def score_parts(
    client: Any,
    parts: Iterator[int],
    *,
    listing: str,
    out: str,
    options: dict[str, Any],
    progress: Callable[[dict[str, int]], None],
    score: Callable[[str, int, str, dict[str, Any]], dict[str, int]] = score_part,
) -> Outcome:
    """Score parts, a few of them under way at a time; a lost one is tried again three times.

    Args:
        client: See `connect`.
        parts: Their numbers.
        listing: As `score_part` takes it.
        out: As `score_part` takes it.
        options: As `score_part` takes them.
        progress: Called with what each finished part returns.
        score: What is called on the workers; importable there.

    Raises:
        SchedulerLostError: The scheduler went away.
    """
    from distributed import as_completed

    run, outcome = uuid.uuid4().hex[:8], Outcome()
    numbers: dict[str, int] = {}
    done = as_completed()
    checked, cores = -CHECK_S, 1

    def submit(count: int) -> None:
        for k in islice(parts, max(0, count)):
            name = f"score-{run}-{k}"
            numbers[name] = k
            # `retries` is for a part that raises; one whose worker dies is tried as often by the scheduler itself.
            done.add(client.submit(score, listing, k, out, options, key=name, retries=RETRIES))

    try:
        while True:
            if monotonic() - checked >= CHECK_S:
                checked, cores = monotonic(), max(1, sum(client.nthreads().values()))
            submit(WINDOW * cores - len(numbers))
            if not numbers:
                return outcome
            future = next(done)
            k = numbers.pop(future.key)
            if future.status in ("cancelled", "lost"):
                raise CancelledError(future.key)
            error = future.exception()
            if error is None:
                progress(future.result())
            else:
                outcome.lost[k] = _reason(error)
            future.release()
    except (CancelledError, OSError) as error:
        raise SchedulerLostError(
            "the scheduler went away; what is done is kept, the same command goes on with the rest"
        ) from error


def _reason(error: BaseException) -> str:
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return "the workers that had it died"
    return str(error) if isinstance(error, EdgeError) else f"{type(error).__name__}: {error}"


__all__ = ["Outcome", "SchedulerLostError", "Security", "connect", "score_parts"]

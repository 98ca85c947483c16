"""Reach a Dask cluster, or start workers on this machine."""

from __future__ import annotations

import logging
import queue
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from audiotl_cli.errors import ClusterError, UsageError
from audiotl_cli.leftovers import temporary_folder

if TYPE_CHECKING:
    from distributed import Client

logger = logging.getLogger(__name__)

ADDRESS = "tcp://HOST:8786, tls://HOST:8786, the scheduler's JSON file, or local[N]"
LOCAL = re.compile(r"local\[([1-9]\d*)\]")

DASK_LOGGERS = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")

LOOK_EVERY_S = 1.0
GRACE_S = 2.0  # so that Dask can report its own error first

ALLOWED_FAILURES = 1
"""How many workers a task may kill; for workers that are started here."""

LIMITS = {"workers-timeout": "10s", "connect-timeout": "10s", "fit-timeout": "1h"}
"""Settings of Dask's configuration below ``audiotl``, such as ``DASK_AUDIOTL__FIT_TIMEOUT``."""


def limit_s(name: str) -> float:
    """Return one of the `LIMITS`, in seconds."""
    import dask
    from dask.utils import parse_timedelta

    given = dask.config.get(f"audiotl.{name}", LIMITS[name])
    try:
        return float(parse_timedelta(given))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"audiotl.{name} in Dask's configuration is {given!r}, expected a time such as 10s"
        ) from error


def check_address(address: str) -> None:
    """Raise `UsageError` for an invalid address, or if Dask is not installed."""
    if find_spec("distributed") is None:
        raise UsageError("--cluster needs Dask; install it with: pip install 'audiotl[cluster]'")
    if LOCAL.fullmatch(address) or re.fullmatch(r"(tcp|tls)://.+:\d+", address):
        return
    if "://" in address or address.startswith("local["):
        raise UsageError(f"--cluster is {address!r}, expected {ADDRESS}")
    if not Path(address).is_file():
        raise UsageError(f"--cluster: there is no file {address!r}; expected {ADDRESS}")


@contextmanager
def connect(address: str) -> Iterator[Client]:
    """Return a client of a cluster that has at least one worker.

    Parameters
    ----------
    address : str
        See `check_address`. ``local[N]`` starts N worker processes on this machine, and ends them.

    Raises
    ------
    UsageError
        The address is invalid.
    ClusterError
        No scheduler answers, or there is no worker within ``audiotl.workers-timeout``.
    """
    check_address(address)
    import dask

    _import_quietly()
    local = LOCAL.fullmatch(address)
    opened = _own_workers(int(local[1])) if local else _client(address)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": ALLOWED_FAILURES}),
        opened as client,
    ):
        _wait_for_worker(client, address)
        yield client


def _import_quietly() -> None:
    """Import Dask's scheduler and client, and hide their log messages."""
    import dask

    if not (logger.isEnabledFor(logging.DEBUG) or dask.config.get("logging", None)):
        dask.config.set({"logging": dict.fromkeys(DASK_LOGGERS, "critical")})  # read on import
    import distributed  # noqa: F401


def _wait_for_worker(client: Client, address: str) -> None:
    """Wait until the cluster has a worker."""
    patience_s = limit_s("workers-timeout")
    try:
        client.wait_for_workers(1, timeout=patience_s)
    except TimeoutError as error:
        raise _no_workers(address, f"{patience_s:g} s") from error


def _no_workers(address: str, patience: str) -> ClusterError:
    return ClusterError(
        f"{address} has had no worker for {patience}; start some, on machines that see the same "
        f"folders, with: dask worker {_as_argument(address)} --nthreads 1"
    )


def gone(address: str) -> ClusterError:
    """Return the error for a scheduler that does not answer any more."""
    return ClusterError(
        f"the scheduler at {address} does not answer any more; finished work is kept, and the same "
        "command continues when the scheduler is back"
    )


class Watch:
    """Checks during the work that scheduler and workers are still there.

    Parameters
    ----------
    client : Client
    address : str
        Its address, for messages.

    Attributes
    ----------
    n_workers : int
        Number of workers at the last check, at least 1.
    """

    def __init__(self, client: Client, address: str) -> None:
        self.client = client
        self.address = address
        self.n_workers = 1
        self._looked_s = self._seen_s = time.monotonic()

    def look(self) -> None:
        """Raise `ClusterError` if the scheduler, or for too long every worker, is gone."""
        now = time.monotonic()
        if now - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now
        patience_s = limit_s("workers-timeout")
        if self.threads():
            self._seen_s = now
        elif now - self._seen_s > patience_s:
            raise _no_workers(self.address, f"{patience_s:g} s")

    def threads(self) -> dict[str, int]:
        """Return the addresses of the workers, and the number of threads of each."""
        if self.client.status != "running":
            raise gone(self.address)
        try:
            threads: dict[str, int] = self.client.sync(
                self.client.scheduler.ncores, callback_timeout=limit_s("connect-timeout")
            )
        except (OSError, TimeoutError) as error:
            raise gone(self.address) from error
        self.n_workers = max(1, len(threads))
        return threads


@contextmanager
def _client(address: str) -> Iterator[Client]:
    where = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
    try:
        client = _open_in_time(where, limit_s("connect-timeout"))
    except Exception as error:  # a broken file, no certificates: Dask raises many types
        raise ClusterError(_unreachable(address, error)) from error
    try:
        yield client
    finally:
        client.close(timeout=2)


def _open_in_time(where: dict[str, str], timeout_s: float) -> Client:
    """Return a client.

    It is created in a thread, because Dask waits forever for a program that accepts the
    connection but does not answer.
    """
    from distributed import Client

    opened: queue.SimpleQueue[Client | Exception] = queue.SimpleQueue()

    def try_to_open() -> None:
        try:
            opened.put(Client(**where, timeout=timeout_s, set_as_default=False))
        except Exception as error:
            opened.put(error)

    threading.Thread(target=try_to_open, daemon=True).start()
    try:
        client = opened.get(timeout=timeout_s + GRACE_S)
    except queue.Empty:
        raise TimeoutError("a program accepts the connection but does not answer") from None
    if isinstance(client, Exception):
        raise client
    return client


def _unreachable(address: str, error: Exception) -> str:
    hint = "start one with: dask scheduler"
    if Path(address).is_file():
        hint = "expected the file written by: dask scheduler --scheduler-file FILE"
    if address.startswith("tls://"):
        hint = (
            "certificates are taken from Dask's configuration (distributed.comm.tls), and must "
            "match those of the scheduler"
        )
    why = str(error).partition("\n")[0].strip(" :") or type(error).__name__
    return f"no scheduler answers at {address} ({why}); {hint}"


@contextmanager
def _own_workers(n_workers: int) -> Iterator[Client]:
    import dask
    from distributed import Client, LocalCluster

    with (
        temporary_folder() as scratch,  # otherwise Dask leaves its own folder behind
        dask.config.set({"temporary-directory": str(scratch)}),
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=False,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _as_argument(address: str) -> str:
    return f"--scheduler-file {address}" if Path(address).is_file() else address

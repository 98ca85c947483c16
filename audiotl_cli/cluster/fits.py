"""Try settings on a cluster, by joblib's Dask backend."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from audiotl_cli.classifiers.space import Setting
from audiotl_cli.classifiers.trials import Right, Runner, Trials, fitting
from audiotl_cli.cluster.connection import (
    Watch,
    connect,
    limit_s,
)
from audiotl_cli.cluster.fitness import check_versions, versions
from audiotl_cli.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

TICK_S = 0.25

_one_at_a_time = threading.Lock()  # limits on threads hold for a whole process


@contextmanager
def on_cluster(address: str) -> Iterator[Runner]:
    """Yield a runner of fits on a cluster; see `connect` for addresses and errors.

    A fit that takes longer than ``audiotl.fit-timeout`` ends the run, because joblib waits
    forever for a fit that kills its workers.
    """
    with connect(address) as client:
        watch = Watch(client, address)

        def run(trials: Trials, jobs: Sequence[tuple[Setting, int]]) -> Generator[Right]:
            if not jobs:
                return
            results: queue.SimpleQueue[Right | BaseException] = queue.SimpleQueue()
            # in a thread, because joblib does not notice when the scheduler is gone
            args = (client, trials, jobs, results)
            threading.Thread(target=_collect, args=args, daemon=True).start()
            for _ in jobs:
                yield _next(results, watch)

        yield run


def _next(results: queue.SimpleQueue[Right | BaseException], watch: Watch) -> Right:
    while True:
        try:
            found = results.get(timeout=TICK_S)
        except queue.Empty:
            watch.look()
            continue
        if isinstance(found, CancelledError):
            watch.threads()  # it may be the scheduler that is gone
            raise ClusterError(
                "some fits were lost with their workers, whose logs may say why; run the "
                "same command again"
            )
        if isinstance(found, BaseException):
            raise found
        return found


def _collect(
    client: Client,
    trials: Trials,
    jobs: Sequence[tuple[Setting, int]],
    results: queue.SimpleQueue[Right | BaseException],
) -> None:
    """Put the result of every fit, or an error, into a queue."""
    from joblib import Parallel, delayed, parallel_config

    here = versions()
    try:
        with parallel_config(backend=_backend(client, trials)):
            # no batches, because all fits of a batch would be lost together
            parallel = Parallel(return_as="generator", timeout=limit_s("fit-timeout"), batch_size=1)
            work = (delayed(try_on_worker)(trials, setting, fold, here) for setting, fold in jobs)
            for found in parallel(work):
                results.put(found)
    except TimeoutError:
        results.put(
            ClusterError(
                f"a fit took longer than {limit_s('fit-timeout'):g} s, or crashed its "
                "workers (see their logs); audiotl.fit-timeout in Dask's configuration sets the "
                "limit"
            )
        )
    except BaseException as error:
        results.put(error)


def _backend(client: Client, trials: Trials) -> Any:
    from joblib._dask import DaskDistributedBackend  # not public, but a public name's class

    class Backend(DaskDistributedBackend):  # type: ignore[misc]
        def effective_n_jobs(self, n_jobs: int) -> int:
            # with one core, joblib would fit in this process rather than on the worker
            return max(2, int(super().effective_n_jobs(n_jobs)))

    return Backend(client=client, scatter=[trials])


def try_on_worker(
    trials: Trials, setting: Setting, fold: int, expected: Mapping[str, str]
) -> Right | BaseException:
    """Fit on a worker; errors are returned, because joblib does not pass them on from Dask."""
    try:
        check_versions(expected)
        with _one_at_a_time, fitting():
            return trials.try_one(setting, fold)
    except ClusterError as error:
        return ClusterError(f"a worker {error}")
    except Exception as error:
        return error

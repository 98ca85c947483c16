"""Distribute clips to the workers of a cluster, and find clips that crash them."""

from __future__ import annotations

import contextlib
import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.cluster import task
from audiotl_cli.cluster.connection import Watch, gone
from audiotl_cli.cluster.fitness import Job
from audiotl_cli.cluster.task import Receipt
from audiotl_cli.errors import ClusterError
from audiotl_cli.files import remove_regular

if TYPE_CHECKING:
    from distributed import Client, Future

logger = logging.getLogger(__name__)

AHEAD = 2  # tasks per worker: the current one, and the next one
TICK_S = 0.25
CHECK_S = 60.0  # time for workers to load the network
RESULT_S = 30.0

Clips = Sequence[tuple[str, AudioSource]]
OnProgress = Callable[[int, float], None]
"""Called with the number of finished clips, and the seconds of audio decoded so far."""


def spread(
    client: Client, address: str, job: Job, tasks: Iterable[Clips], on_progress: OnProgress
) -> Generator[Receipt]:
    """Embed clips on a cluster; receipts come in any order.

    There are at most `AHEAD` tasks per worker at once. A task that crashes its workers is halved
    until a single clip is left. This clip is tried once more while nothing else runs that might
    be the cause, and then fails with the code ``crashed``.

    Parameters
    ----------
    client : Client
    address : str
        Of the cluster, for messages.
    job : Job
    tasks : iterable of sequences of (key, source)
        Consumed as needed.
    on_progress : callable

    Raises
    ------
    ClusterError
        A worker differs from this process, or the scheduler or all workers are gone.
    """
    run = _Run(client, address, job, tasks, on_progress)
    try:
        run.check_workers()
        yield from run.receipts()
    finally:
        run.stop()


@dataclass(frozen=True)
class _Task:
    """A submitted task; `alone` if nothing else runs."""

    number: int
    clips: Clips
    alone: bool


class _Run:
    def __init__(
        self,
        client: Client,
        address: str,
        job: Job,
        tasks: Iterable[Clips],
        on_progress: OnProgress,
    ) -> None:
        self.client = client
        self.address = address
        self.job = job
        self.fresh = iter(tasks)
        self.again: deque[Clips] = deque()
        self.suspects: list[Clips] = []
        self.running: dict[Future, _Task] = {}
        self.ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.on_progress = on_progress
        self.n_submitted = self.n_done = 0
        self.audio_s = 0.0
        self.partly: dict[int, tuple[int, float]] = {}
        self.watch = Watch(client, address)
        self._topic = f"audiotl-{job.token}"
        client.subscribe_topic(self._topic, self._on_event)

    def check_workers(self) -> None:
        """Raise `ClusterError` if a worker differs; slow ones are checked by their first task."""
        threads = self.watch.threads()
        if any(n > 1 for n in threads.values()):
            logger.warning(
                "A worker embeds a single task at a time, however many threads it has: start one "
                "worker per core, with --nthreads 1"
            )
        checks = [
            self._submit(task.check, self.job, key=f"check-{number}", workers=[worker])
            for number, worker in enumerate(threads)
        ]
        deadline_s = time.monotonic() + CHECK_S
        faults = []
        for worker, check in zip(threads, checks, strict=True):
            try:
                fault = check.result(timeout=max(0.1, deadline_s - time.monotonic())).fault
            except TimeoutError:
                continue
            except Exception as error:  # loading the task may raise anything
                fault = _cannot_run(error)
            if fault:
                faults.append(f"worker {worker} {fault}")
        if faults:
            more = f"\n... and {len(faults) - 5} more" if len(faults) > 5 else ""
            raise ClusterError("\n".join(faults[:5]) + more)

    def receipts(self) -> Generator[Receipt]:
        """Yield the receipts of the tasks."""
        while self._top_up():
            try:
                future = self.ended.get(timeout=TICK_S)
            except queue.Empty:
                self.watch.look()
                self._report()
                continue
            receipt = self._outcome(future)
            if receipt is not None:
                self._count(receipt)
                self._report()
                yield receipt
            self.watch.look()

    def stop(self) -> None:
        """Cancel all tasks, and delete the file that tells workers to go on."""
        remove_regular(self.job.sign)
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self.client.unsubscribe_topic(self._topic)
            if self.client.status == "running":
                self.client.cancel(list(self.running), force=True)

    def _top_up(self) -> bool:
        """Submit tasks up to the limit; return whether any is running."""
        while len(self.running) < AHEAD * self.watch.n_workers:
            clips = self.again.popleft() if self.again else next(self.fresh, None)
            if clips is None:
                break
            self._start(clips)
        if self.suspects and not self.running:
            self._start(self.suspects.pop(), alone=True)
        return bool(self.running)

    def _start(self, clips: Clips, *, alone: bool = False) -> None:
        self.n_submitted += 1
        number = self.n_submitted
        future = self._submit(task.embed, self.job, number, clips, key=f"embed-{number}")
        self.running[future] = _Task(number, clips, alone)
        future.add_done_callback(self.ended.put)

    def _submit(self, function: Callable[..., Receipt], *args: Any, key: str, **how: Any) -> Future:
        return self.client.submit(
            function, *args, key=f"audiotl-{self.job.token}-{key}", pure=False, **how
        )

    def _outcome(self, future: Future) -> Receipt | None:
        from distributed import KilledWorker

        ended = self.running.pop(future)
        self.partly.pop(ended.number, None)
        if future.status == "finished":
            try:
                receipt: Receipt = future.result(timeout=RESULT_S)
            except (TimeoutError, OSError, CancelledError):  # the result was lost with its worker
                self.again.append(ended.clips)
                return None
            if receipt.fault:
                raise ClusterError(f"worker {receipt.worker} {receipt.fault}")
            return receipt
        error = future.exception(timeout=RESULT_S) if future.status == "error" else None
        if error is None:
            raise gone(self.address)
        if not isinstance(error, KilledWorker):
            raise ClusterError(f"a worker {_cannot_run(error)}") from error
        return self._suspect(ended)

    def _suspect(self, killer: _Task) -> Receipt | None:
        clips = killer.clips
        if len(clips) > 1:
            half = len(clips) // 2
            self.again.extend([clips[:half], clips[half:]])
        elif not killer.alone:  # another task may have killed the worker
            self.suspects.append(clips)
        else:
            key, _ = clips[0]
            return Receipt("", failures=[(key, "embed", "crashed", "crashes its worker")])
        return None

    def _on_event(self, event: tuple[float, tuple[int, int, float]]) -> None:
        number, done, audio_s = event[1]
        self.partly[number] = done, audio_s

    def _count(self, receipt: Receipt) -> None:
        self.n_done += sum(len(keys) for _, keys in receipt.pieces) + len(receipt.failures)
        self.audio_s += receipt.audio_s

    def _report(self) -> None:
        under_way = {batch.number for batch in self.running.values()}
        partly = [n_done for number, n_done in self.partly.copy().items() if number in under_way]
        self.on_progress(
            self.n_done + sum(done for done, _ in partly),
            self.audio_s + sum(audio_s for _, audio_s in partly),
        )


def _cannot_run(error: BaseException) -> str:
    """Return why a task did not run; Dask wraps errors of loading it."""
    why = error.__cause__ or error
    if isinstance(why, ImportError | AttributeError) or "deserialization" in str(error):
        line = str(why).partition("\n")[0]
        return (
            f"cannot run audiotl's tasks ({line}): install the same version of audiotl[cluster] "
            "as here"
        )
    return f"failed: {type(error).__name__}: {error}"

"""Decode in separate processes, so that a decoder's fault costs only one recording.

libsndfile reads untrusted files; a damaged file may crash it or keep it in an endless loop.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from audiotl_cli.audio.decoder_process import Block, DecoderDiedError, DecoderProcess
from audiotl_cli.audio.levels import Levels
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.audio.worker import Job, send_duration, send_measurement, send_samples
from audiotl_cli.errors import AudioError, AudiotlError, StorageError
from audiotl_cli.storage.copies import Prefetcher
from audiotl_cli.storage.failures import reason

logger = logging.getLogger(__name__)

TIMEOUT_S = 60.0
"""A decoder that sends nothing for this long hangs; large files get more time, see below."""

SLOWEST_READ = 4e6
"""Bytes a second. Seeking may read the whole file, and network disks are slow."""

OnLevels = Callable[[Levels], None]
"""Called once with what was measured of a recording, after all of it was read."""


class Decoders:
    """Decoding processes, one for every thread that reads; use it in a ``with`` statement.

    Parameters
    ----------
    n_started : int
        Processes to start immediately; more are started when threads need them.
    timeout_s : float or None
        Seconds without a message after which a process is killed; None is `TIMEOUT_S`.
    """

    def __init__(self, n_started: int = 0, *, timeout_s: float | None = None) -> None:
        self._timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
        self._all: set[DecoderProcess] = set()
        self._idle: queue.SimpleQueue[DecoderProcess] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._prefetcher = Prefetcher()
        self._watch = threading.Thread(target=self._end_hanging, name="decoders", daemon=True)
        for _ in range(n_started):
            self._idle.put(self._start())
        self._watch.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._watch.join()
        for process in list(self._all):
            self._end(process)
        self._prefetcher.close()

    def stop(self) -> None:
        """Kill all processes; threads that read from them get errors soon."""
        with self._lock:
            self._stopped.set()
            for process in self._all:
                process.kill()

    def expect(self, source: AudioSource) -> None:
        """Start to fetch a source that will be read soon."""
        self._prefetcher.expect(source.path)

    def read_blocks_at(
        self,
        source: AudioSource,
        to_rate: int,
        resampler: str,
        on_levels: OnLevels | None = None,
    ) -> Generator[Waveform]:
        """Decode a source as `resample.read_blocks_at` does, in another process.

        `on_levels` is called at the end; without it, nothing is measured.

        Raises
        ------
        AudioError
            As there; also ``crashed`` if the decoder crashed, and ``timeout`` if it sent nothing
            for too long.
        AudiotlError
            No process can be started.
        """
        measured = on_levels is not None
        job = partial(send_samples, to_rate=to_rate, resampler=resampler, measured=measured)
        with closing(self.read(source, job)) as blocks:
            for content, facts in blocks:
                if on_levels is not None and facts:
                    on_levels(Levels.from_bytes(content))
                else:
                    yield np.frombuffer(content, np.float32)

    def measure(self, source: AudioSource) -> bytes:
        """Measure a source as `measure.measure` does, in another process; errors as above.

        Returns
        -------
        measurement : bytes
            From `Measurement.as_json`.
        """
        return b"".join(content for content, _ in self.read(source, send_measurement))

    def duration_s(self, source: AudioSource) -> float:
        """Return the seconds of audio that a recording's header promises, ``nan`` if none.

        It is read in another process; errors as above.
        """
        return float(b"".join(content for content, _ in self.read(source, send_duration)))

    def read(self, source: AudioSource, job: Job) -> Generator[Block]:
        """Run a job on a source in another process, and yield the blocks it sends; errors as above.

        Parameters
        ----------
        source : AudioSource
        job : Job
            Can be pickled. It may be started again, and must always send the same.
        """
        with self._fetched(source) as local:
            yield from self._read_local(local, job)

    def _read_local(self, source: AudioSource, job: Job) -> Generator[Block]:
        n_given = 0
        while True:
            with self._lend() as process:
                fresh = process.n_served == 0
                try:
                    patience_s = self._patience(source)
                    blocks = process.read(source, job, patience_s)
                    for n_done, block in enumerate(blocks):
                        if n_done >= n_given:
                            n_given += 1
                            yield block
                    return
                except DecoderDiedError as error:
                    if self._stopped.is_set():
                        raise _stopped() from error
                    if not process.ready:
                        raise AudiotlError(
                            f"the process to decode with does not start ({process.last_words()})"
                        ) from error
                    if process.hung:
                        raise AudioError(
                            f"keeps its decoder busy without end: nothing came for "
                            f"{self._patience(source):.0f} s",
                            code="timeout",
                        ) from error
                    if fresh:
                        logger.debug("%s: last words: %s", source.path, process.last_words())
                        raise AudioError(
                            f"crashes its decoder ({process.end_reason()})", code="crashed"
                        ) from error
            # an earlier recording may have damaged that process, so try again in a new one

    @contextmanager
    def _fetched(self, source: AudioSource) -> Iterator[AudioSource]:
        """Yield the source as a local file, because decoders do not use the network."""
        if isinstance(source.path, Path):
            yield source
            return
        with ExitStack() as stack:
            try:
                file = stack.enter_context(self._prefetcher.local_copy(source.path))
            except FileNotFoundError as error:
                raise AudioError("no such file", code="missing", stage="open") from error
            except (OSError, StorageError) as error:
                raise AudioError(f"cannot be fetched ({reason(error)})", stage="open") from error
            yield replace(source, path=file)

    def _patience(self, source: AudioSource) -> float:
        try:
            return self._timeout_s + source.path.stat().st_size / SLOWEST_READ
        except OSError:
            return self._timeout_s

    @contextmanager
    def _lend(self) -> Iterator[DecoderProcess]:
        try:
            process = self._idle.get_nowait()
        except queue.Empty:
            process = self._start()
        try:
            yield process
        finally:
            if process.between_recordings:
                self._idle.put(process)
            else:
                self._end(process)

    def _start(self) -> DecoderProcess:
        with self._lock:
            if self._stopped.is_set():
                raise _stopped()
            process = DecoderProcess()
            self._all.add(process)
        return process

    def _end(self, process: DecoderProcess) -> None:
        with self._lock:
            self._all.discard(process)
        process.close()

    def _end_hanging(self) -> None:
        # steps are counted instead of clock time, so that decoders do not time out because a
        # laptop slept or a job was stopped
        step_s = min(1.0, self._timeout_s / 10)
        while not self._stopped.wait(step_s):
            with self._lock:
                for process in self._all:
                    process.watch(step_s)


def _stopped() -> AudioError:
    return AudioError("was not decoded: the run ends", code="failed")

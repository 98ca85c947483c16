"""Embed many recordings: workers decode in advance while the network runs on full batches.

A worker is a thread with its own decoding process; if that process crashes, only one recording
fails. Batches are filled across recordings, and results are in the order of the sources. They
depend neither on the number of workers nor on the neighbouring recordings.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.levels import Levels
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.errors import OUT_OF_MEMORY, AudioError, AudiotlError, is_out_of_memory
from audiotl_cli.extractors.base import Embeddings, Extractor, Patches
from audiotl_cli.extractors.read_patches import read_patches
from audiotl_cli.extractors.runtime import keep_freed_memory, one_blas_thread

SEGMENTS_AHEAD = 2  # per recording; limits the memory that long recordings take
SOURCES_AHEAD = 4  # per worker; enough to keep the network busy with short recordings


@dataclass(frozen=True)
class Embedded:
    """The embeddings of a source, or the error.

    Parameters
    ----------
    embeddings : Embeddings or None
    audio_s : float
        Seconds of audio that were decoded.
    error : AudioError or None
    """

    embeddings: Embeddings | None
    audio_s: float
    error: AudioError | None = None


@dataclass(frozen=True)
class Part:
    """The next embeddings of a source, or the end of the source.

    Parameters
    ----------
    embeddings : Embeddings or None
        None at the end.
    audio_s : float
        Length of the source in seconds; known at the end.
    error : AudioError or None
        Why the source could not be embedded; known at the end.
    levels : Levels or None
        What there is to hear in it; known at the end, if it is measured.
    """

    embeddings: Embeddings | None
    audio_s: float = 0.0
    error: AudioError | None = None
    levels: Levels | None = None


def embed_sources(
    extractor: Extractor, sources: Iterable[AudioSource], *, workers: int
) -> Generator[Embedded]:
    """Embed sources in their order; see `embed_parts` for the parameters.

    Yields
    ------
    Embedded
        For each source; `error` is set if the recording cannot be used.
    """
    pending: list[Embeddings] = []
    with closing(embed_parts(extractor, sources, workers=workers)) as parts:
        for part in parts:
            if part.embeddings is not None:
                pending.append(part.embeddings)
                continue
            whole = None if part.error is not None else _join(pending)
            pending = []
            yield Embedded(whole, part.audio_s, part.error)


def _join(parts: list[Embeddings]) -> Embeddings:
    if len(parts) == 1:
        return parts[0]
    frames = np.concatenate([part.frames for part in parts])
    return Embeddings(frames, np.concatenate([part.times for part in parts]))


def embed_parts(
    extractor: Extractor, sources: Iterable[AudioSource], *, workers: int, measured: bool = False
) -> Generator[Part]:
    """Embed sources in their order, and yield their embeddings part by part.

    Parameters
    ----------
    extractor : Extractor
    sources : iterable of AudioSource
        Consumed a little in advance of the results.
    workers : int
        Threads that compute front ends, each with a process that decodes and resamples.
    measured : bool
        Whether to measure the levels of each source.

    Yields
    ------
    Part
        Any number of parts for each source, and its end, which holds the error if there is one.

    Raises
    ------
    AudiotlError
        The decoding processes cannot be started.
    """
    keep_freed_memory()
    remaining = iter(sources)
    first = list(islice(remaining, workers))
    if not first:
        return
    with Decoders(len(first)) as decoders, ExitStack() as stack:
        extractor.prepare()  # while the decoders start
        stack.enter_context(one_blas_thread())
        pool = stack.enter_context(ThreadPoolExecutor(workers, thread_name_prefix="decode"))
        pending: deque[_Job] = deque()
        batcher = _Batcher(extractor)
        stop = threading.Event()
        try:
            for source in chain(first, remaining):
                job = _Job(measured=measured)
                decoders.expect(source)
                pool.submit(_prepare, extractor, source, decoders, job, stop)
                pending.append(job)
                if len(pending) > SOURCES_AHEAD * workers:
                    yield from batcher.add(pending.popleft())
            while pending:
                yield from batcher.add(pending.popleft())
            yield from batcher.finish()
        finally:
            batcher.stop()
            stop.set()  # ends workers that wait to hand over a segment
            decoders.stop()  # ends workers that wait for the decoder


class _Job:
    """A queue of the segments of a recording, from a worker to the network."""

    def __init__(self, *, measured: bool) -> None:
        self.measured = measured
        self.levels: Levels | None = None
        self.segments: queue.Queue[Patches | None] = queue.Queue(SEGMENTS_AHEAD)
        self.n_samples = 0
        self.error: AudioError | None = None
        self.no_decoder: AudiotlError | None = None

    def keep_levels(self, levels: Levels) -> None:
        self.levels = levels

    def put(self, patches: Patches | None, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.segments.put(patches, timeout=0.2)
            except queue.Full:
                continue
            return


def _prepare(
    extractor: Extractor,
    source: AudioSource,
    decoders: Decoders,
    job: _Job,
    stop: threading.Event,
) -> None:
    """Put the patches of a source into the job, and None at the end."""
    try:
        on_levels = job.keep_levels if job.measured else None
        with closing(read_patches(extractor, source, decoders, on_levels)) as parts:
            for patches, job.n_samples in parts:
                if patches is not None:
                    job.put(patches, stop)
                if stop.is_set():
                    return
    except AudioError as error:
        job.error = error
    except AudiotlError as error:
        job.no_decoder = error
    except Exception as error:  # no error of a recording may end the run
        text = OUT_OF_MEMORY if is_out_of_memory(error) else f"{type(error).__name__}: {error}"
        job.error = AudioError(text, code="failed", stage="embed")
    job.put(None, stop)


@dataclass
class _Open:
    """A recording with windows that have not been through the network.

    Parameters
    ----------
    job : _Job
    parts : deque of (future of float32 (n, rows, dim), slice)
        Batches that were not yielded yet, and the windows of this recording in each.
    n_waiting : int
        Windows that are not in a batch yet.
    n_yielded : int
        Windows whose embeddings were yielded.
    all_in : bool
        Whether the worker has delivered all segments.
    overflowed : bool
        Whether any embedding is not finite.
    """

    job: _Job
    parts: deque[tuple[Future[npt.NDArray[np.float32]], slice]]
    n_waiting: int = 0
    n_yielded: int = 0
    all_in: bool = False
    overflowed: bool = False


class _Batcher:
    """Collect the windows of consecutive recordings into batches of one size."""

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self.waiting: deque[tuple[_Open, Patches]] = deque()
        self.n_waiting = 0
        self.open: deque[_Open] = deque()
        self.running: deque[Future[npt.NDArray[np.float32]]] = deque()
        # one more than the threads run at once, so that none of them has to wait
        self.n_running = extractor.batches_at_once() + 1

    def add(self, job: _Job) -> Iterator[Part]:
        """Take the segments of a recording as they arrive; yield the parts that are complete."""
        entry = _Open(job, deque())
        self.open.append(entry)
        while (patches := job.segments.get()) is not None:
            self.waiting.append((entry, patches))
            entry.n_waiting += len(patches)
            self.n_waiting += len(patches)
            while self.n_waiting >= self.extractor.usable_batch_size:
                self._run(self.extractor.usable_batch_size)
            yield from self._complete()
        entry.all_in = True
        if job.no_decoder is not None:
            raise job.no_decoder
        yield from self._complete()

    def finish(self) -> Iterator[Part]:
        """Run the remaining windows, and yield the remaining parts."""
        if self.n_waiting:
            self._run(self.n_waiting)
        for batch in self.running:
            batch.result()
            yield from self._complete()
        yield from self._complete()

    def stop(self) -> None:
        """Cancel the batches that have not started, and wait for the others."""
        for batch in self.running:
            batch.cancel()
        wait(self.running)

    def _run(self, n_windows: int) -> None:
        parts: list[tuple[_Open, Patches]] = []
        n_missing = n_windows
        while n_missing:
            entry, patches = self.waiting.popleft()
            if len(patches) > n_missing:
                self.waiting.appendleft((entry, patches[n_missing:]))
                patches = patches[:n_missing]
            parts.append((entry, patches))
            n_missing -= len(patches)
        self.n_waiting -= n_windows
        while len(self.running) >= self.n_running:
            self.running.popleft().result()
        batch = self.extractor.start(np.concatenate([patches for _, patches in parts]))
        self.running.append(batch)
        first = 0
        for entry, patches in parts:
            last = first + len(patches)
            entry.parts.append((batch, slice(first, last)))
            entry.n_waiting -= len(patches)
            first = last

    def _complete(self) -> Iterator[Part]:
        while self.open:
            entry = self.open[0]
            while entry.parts and entry.parts[0][0].done():
                batch, part = entry.parts.popleft()
                yield from self._part_of(entry, batch.result()[part])
            if entry.parts or entry.n_waiting or not entry.all_in:
                return
            self.open.popleft()
            audio_s = entry.job.n_samples / self.extractor.sample_rate
            overflowed = _overflowed() if entry.overflowed else None
            yield Part(None, audio_s, entry.job.error or overflowed, entry.job.levels)

    def _part_of(self, entry: _Open, frames: npt.NDArray[np.float32]) -> Iterator[Part]:
        embeddings = self.extractor.assemble(frames, entry.n_yielded)
        entry.n_yielded += len(frames)
        entry.overflowed |= not np.isfinite(embeddings.frames).all()
        if not entry.overflowed:
            yield Part(embeddings)


def _overflowed() -> AudioError:
    return AudioError(
        "gives embeddings that are not finite: its samples are far beyond -1 to 1",
        code="not_finite",
        stage="embed",
    )

"""Embed many recordings: workers decode ahead while the network runs on full batches.

A worker is a thread with a decoding process of its own, whose death costs one recording.
Batches are filled across recordings and results come in the order of the sources, so they
depend neither on the number of workers nor on which recordings are neighbours.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.resample import resample_blocks
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.errors import AudioError, AudiotlError
from audiotl_cli.extractors.base import Embeddings, Extractor, Patches
from audiotl_cli.extractors.runtime import one_blas_thread

SEGMENTS_AHEAD = 4  # a recording: bounds memory on long ones
SOURCES_AHEAD = 4  # a worker: enough that the network never waits for short ones


@dataclass(frozen=True)
class Embedded:
    """What became of one source: its embeddings, or why there are none.

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


def embed_sources(
    extractor: Extractor, sources: Iterable[AudioSource], *, workers: int
) -> Generator[Embedded]:
    """Embed sources, in their order.

    Parameters
    ----------
    extractor : Extractor
    sources : iterable of AudioSource
        Consumed a little ahead of the results.
    workers : int
        Threads that resample and compute front ends, each with a process that decodes.

    Yields
    ------
    Embedded
        One a source. A recording that cannot be used is an entry with `error` set.

    Raises
    ------
    AudiotlError
        No process can be started to decode with.
    """
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
                job = _Job()
                pool.submit(_prepare, extractor, source, decoders, job, stop)
                pending.append(job)
                if len(pending) > SOURCES_AHEAD * workers:
                    yield from batcher.add(pending.popleft())
            while pending:
                yield from batcher.add(pending.popleft())
            yield from batcher.finish()
        finally:
            stop.set()  # workers waiting to hand over a segment give up
            decoders.stop()  # as do those waiting for one


class _Job:
    """The segments of one recording on their way from a worker to the network."""

    def __init__(self) -> None:
        self.segments: queue.Queue[Patches | None] = queue.Queue(SEGMENTS_AHEAD)
        self.n_samples = 0
        self.error: AudioError | None = None
        self.no_decoder: AudiotlError | None = None

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
    """Decode a source and put its front-end output into the job, None at the end."""

    def counted(blocks: Iterable[Waveform]) -> Iterator[Waveform]:
        for block in blocks:
            job.n_samples += len(block)
            yield block

    try:
        with closing(decoders.read_blocks(source)) as decoded:
            blocks = resample_blocks(decoded, extractor.sample_rate, extractor.resampler)
            for patches in extractor.patches(counted(blocks)):
                job.put(patches, stop)
                if stop.is_set():
                    return
    except AudioError as error:
        job.error = error
    except AudiotlError as error:
        job.no_decoder = error
    except Exception as error:  # one recording must not end the run, whatever it did
        job.error = AudioError(f"{type(error).__name__}: {error}", code="failed", stage="embed")
    job.put(None, stop)


@dataclass
class _Open:
    """A recording whose windows are not all through the network yet."""

    job: _Job
    frames: list[npt.NDArray[np.float32]]
    n_waiting: int


class _Batcher:
    """Collects windows of consecutive recordings into batches of one size."""

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self.waiting: deque[tuple[_Open, Patches]] = deque()
        self.n_waiting = 0
        self.open: deque[_Open] = deque()

    def add(self, job: _Job) -> Iterator[Embedded]:
        """Take a recording's segments as they come; yield what is complete."""
        entry = _Open(job, [], 0)
        self.open.append(entry)
        while (patches := job.segments.get()) is not None:
            self.waiting.append((entry, patches))
            entry.n_waiting += len(patches)
            self.n_waiting += len(patches)
            while self.n_waiting >= self.extractor.batch_size:
                self._run(self.extractor.batch_size)
        if job.no_decoder is not None:
            raise job.no_decoder
        yield from self._complete()

    def finish(self) -> Iterator[Embedded]:
        """Run what is left, the last batch filled up."""
        if self.n_waiting:
            self._run(self.n_waiting)
        yield from self._complete()

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
        frames = self.extractor.run(np.concatenate([patches for _, patches in parts]))
        first = 0
        for entry, patches in parts:
            last = first + len(patches)
            entry.frames.append(frames[first:last])
            entry.n_waiting -= len(patches)
            first = last

    def _complete(self) -> Iterator[Embedded]:
        while self.open and self.open[0].n_waiting == 0:
            entry = self.open.popleft()
            audio_s = entry.job.n_samples / self.extractor.sample_rate
            if entry.job.error is not None:
                yield Embedded(None, audio_s, entry.job.error)
                continue
            embeddings = self.extractor.assemble(np.concatenate(entry.frames))
            if np.isfinite(embeddings.frames).all():
                yield Embedded(embeddings, audio_s)
            else:
                yield Embedded(None, audio_s, _overflowed())


def _overflowed() -> AudioError:
    return AudioError(
        "gives embeddings that are not finite: its samples are far beyond -1 to 1",
        code="not_finite",
        stage="embed",
    )

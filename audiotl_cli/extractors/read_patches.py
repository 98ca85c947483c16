"""Read a recording and compute its patches, if that is faster in the process that decodes."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import partial

import numpy as np

from audiotl_cli.audio.counted import CountedBlocks
from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.resample import read_blocks_at
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.audio.worker import Send
from audiotl_cli.extractors.base import Extractor, Patches

Prepared = tuple[Patches | None, int]
"""The next patches, or None at the end; and the number of samples read so far."""


def read_patches(
    extractor: Extractor, source: AudioSource, decoders: Decoders
) -> Generator[Prepared]:
    """Yield the patches of a source as it is decoded; errors as `Decoders.read_blocks_at`."""
    if extractor.front_end_in_worker:
        job = partial(send_patches, extractor=extractor)
        with closing(decoders.read(source, job)) as messages:
            for content, (n_samples, *shape) in messages:
                patches = np.frombuffer(content, np.float32).reshape(shape) if shape else None
                yield patches, n_samples
        return
    read = decoders.read_blocks_at(source, extractor.sample_rate, extractor.config.resampler)
    with closing(read) as blocks:
        yield from _prepared(extractor, blocks)


def send_patches(source: AudioSource, send: Send, extractor: Extractor) -> None:
    """Send the patches of a source to `read_patches`; runs in the process that decodes."""
    blocks = read_blocks_at(source, extractor.sample_rate, extractor.config.resampler)
    for patches, n_samples in _prepared(extractor, blocks):
        content = b"" if patches is None else patches.tobytes()
        send(content, n_samples, *(() if patches is None else patches.shape))


def _prepared(extractor: Extractor, blocks: Iterable[Waveform]) -> Iterator[Prepared]:
    counted = CountedBlocks(blocks)
    for patches in extractor.patches(counted):
        yield patches, counted.n_samples
    yield None, counted.n_samples

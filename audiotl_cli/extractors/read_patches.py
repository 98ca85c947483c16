"""Read a recording and compute its patches, if that is faster in the process that decodes."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial

import numpy as np

from audiotl_cli.audio.counted import CountedBlocks
from audiotl_cli.audio.isolated import Decoders, OnLevels
from audiotl_cli.audio.levels import LevelMeter, Levels
from audiotl_cli.audio.resample import read_blocks_at
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.audio.worker import Send
from audiotl_cli.extractors.base import Extractor, Patches

Prepared = tuple[Patches | None, int]
"""The next patches, or None at the end; and the number of samples read so far."""


def read_patches(
    extractor: Extractor,
    source: AudioSource,
    decoders: Decoders,
    on_levels: OnLevels | None = None,
) -> Generator[Prepared]:
    """Yield the patches of a source as it is decoded; see `Decoders.read_blocks_at`."""
    source = replace(source, channel=extractor.config.channel)
    if extractor.front_end_in_worker:
        job = partial(send_patches, extractor=extractor, measured=on_levels is not None)
        with closing(decoders.read(source, job)) as messages:
            for content, (n_samples, *shape) in messages:
                if on_levels is not None and not shape:
                    on_levels(Levels.from_bytes(content))
                patches = np.frombuffer(content, np.float32).reshape(shape) if shape else None
                yield patches, n_samples
        return
    read = decoders.read_blocks_at(
        source, extractor.sample_rate, extractor.config.resampler, on_levels
    )
    with closing(read) as blocks:
        yield from _prepared(extractor, blocks)


def send_patches(
    source: AudioSource, send: Send, extractor: Extractor, *, measured: bool = False
) -> None:
    """Send the patches of a source to `read_patches`; runs in the process that decodes."""
    rate = extractor.sample_rate
    meter = LevelMeter(rate) if measured else None
    blocks = read_blocks_at(source, rate, extractor.config.resampler, meter)
    for patches, n_samples in _prepared(extractor, blocks):
        if patches is not None:
            send(patches.tobytes(), n_samples, *patches.shape)
        else:
            send(meter.levels().to_bytes() if meter else b"", n_samples)


def _prepared(extractor: Extractor, blocks: Iterable[Waveform]) -> Iterator[Prepared]:
    counted = CountedBlocks(blocks)
    for patches in extractor.patches(counted):
        yield patches, counted.n_samples
    yield None, counted.n_samples

"""What comes before the network, of a recording; where that pays, in the process that decodes."""

from __future__ import annotations

import math
import struct
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.resample import read_blocks_at
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.audio.worker import Send
from audiotl_cli.extractors.base import Extractor, Patches

Prepared: TypeAlias = tuple[Patches | None, int]
"""The next windows, None at the end; and the samples read so far, all of them at the end."""

_COUNTS = struct.Struct("<QI")  # samples, dimensions


def prepare(
    extractor: Extractor, source: AudioSource, decoders: Decoders
) -> Generator[Prepared, None, None]:
    """Give the network's input for a source, as it comes; errors as `Decoders.read_blocks_at`."""
    if extractor.beside_decoder:
        with closing(decoders.read(source, _FrontEnd(extractor))) as messages:
            yield from map(_unpack, messages)
        return
    read = decoders.read_blocks_at(source, extractor.sample_rate, extractor.resampler)
    with closing(read) as blocks:
        yield from _prepared(extractor, blocks)


@dataclass(frozen=True)
class _FrontEnd:
    """The decoding process's part."""

    extractor: Extractor

    def __call__(self, source: AudioSource, send: Send) -> None:
        blocks = read_blocks_at(source, self.extractor.sample_rate, self.extractor.resampler)
        for prepared in _prepared(self.extractor, blocks):
            send(_pack(*prepared))


def _prepared(extractor: Extractor, blocks: Iterable[Waveform]) -> Iterator[Prepared]:
    n_samples = 0

    def counted() -> Iterator[Waveform]:
        nonlocal n_samples
        for block in blocks:
            n_samples += len(block)
            yield block

    for patches in extractor.patches(counted()):
        yield patches, n_samples
    yield None, n_samples


def _pack(patches: Patches | None, n_samples: int) -> bytes:
    if patches is None:
        return _COUNTS.pack(n_samples, 0)
    shape = struct.pack(f"<{patches.ndim}I", *patches.shape)
    return _COUNTS.pack(n_samples, patches.ndim) + shape + patches.tobytes()


def _unpack(message: bytearray) -> Prepared:
    n_samples, n_dim = _COUNTS.unpack_from(message)
    if n_dim == 0:
        return None, n_samples
    shape = struct.unpack_from(f"<{n_dim}I", message, _COUNTS.size)
    start = _COUNTS.size + 4 * n_dim
    return np.frombuffer(message, np.float32, math.prod(shape), start).reshape(shape), n_samples

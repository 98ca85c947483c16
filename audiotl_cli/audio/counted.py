"""Count the samples of a stream while another reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from audiotl_cli.audio.types import Waveform


class CountedBlocks:
    """A stream of blocks, to be gone through once.

    Parameters
    ----------
    blocks : iterable of float32 (n_samples,)

    Attributes
    ----------
    n_samples : int
        Of the blocks given so far.
    """

    def __init__(self, blocks: Iterable[Waveform]) -> None:
        self._blocks = blocks
        self.n_samples = 0

    def __iter__(self) -> Iterator[Waveform]:
        for block in self._blocks:
            self.n_samples += len(block)
            yield block

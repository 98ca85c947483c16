"""Count the samples of a stream as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from audiotl_cli.audio.types import Waveform


class CountedBlocks:
    """A stream of blocks that counts its samples; it can be read once.

    Parameters
    ----------
    blocks : iterable of float32 (n_samples,)

    Attributes
    ----------
    n_samples : int
        In the blocks read so far.
    """

    def __init__(self, blocks: Iterable[Waveform]) -> None:
        self._blocks = blocks
        self.n_samples = 0

    def __iter__(self) -> Iterator[Waveform]:
        for block in self._blocks:
            self.n_samples += len(block)
            yield block

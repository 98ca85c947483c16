"""Frames that stay in their stores, and are read block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from audiotl_cli.classifiers.pooling import FloatArray
from audiotl_cli.processors import machine_memory
from audiotl_cli.store.store import FeatureStore

BLOCK_BYTES = 256 << 20
"""About how much of the first store is in memory at once: eight shards, as they are written."""

COPIES = 5
"""Times that frames are in memory at most where they are all read: as they are, as rows, as
standardised rows, and those in double precision, as liblinear wants them."""


def fits(stores: Sequence[FeatureStore], keys: Sequence[str], memory: int | None = None) -> bool:
    """Return whether the frames of clips may be read whole.

    Parameters
    ----------
    stores : sequence of FeatureStore
    keys : sequence of str
    memory : int or None
        Bytes that may be taken; None is half of this machine's. (Not of what is free just
        now: the same command gives the same model.)
    """
    if memory is None:
        memory = machine_memory() // 2
    return COPIES * sum(store.size_of(keys) for store in stores) <= memory


class StoredFrames(Sequence[list[FloatArray]]):
    """Clips whose frames are read whenever they are asked for.

    One by one this is slow; see `blocks`.

    Parameters
    ----------
    stores : sequence of FeatureStore
    keys : sequence of str
        One a clip.
    """

    def __init__(self, stores: Sequence[FeatureStore], keys: Sequence[str]) -> None:
        self.stores = stores
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, i: int) -> list[FloatArray]:  # type: ignore[override]
        key = self.keys[i]
        return [store.read([key])[key].frames for store in self.stores]

    def blocks(
        self,
        rows: Sequence[int],
        rng: np.random.Generator | None = None,
        *,
        block_bytes: int | None = None,
    ) -> Iterator[tuple[list[int], list[list[FloatArray]]]]:
        """Read clips, every shard of the first store once.

        Parameters
        ----------
        rows : sequence of int
            Positions of the clips.
        rng : numpy Generator, optional
            Takes the shards in another order, and mixes the clips of a block.
        block_bytes : int or None
            A block has no more shards once it has so much; 0 makes every shard one, None is
            `BLOCK_BYTES`.

        Yields
        ------
        rows : list of int
            Those that are in this block.
        clips : list of list of float32 (n_frames, dim)
        """
        if block_bytes is None:
            block_bytes = BLOCK_BYTES
        first = self.stores[0]
        rows_of: dict[str, list[int]] = {}
        for i in rows:
            rows_of.setdefault(self.keys[i], []).append(i)
        shards = list(first.by_shard(rows_of).values())
        if rng is not None:
            shards = [shards[i] for i in rng.permutation(len(shards))]
        block: list[str] = []
        n_bytes = 0
        for keys in shards:
            block += keys
            n_bytes += first.size_of(keys)
            if n_bytes >= block_bytes:
                yield self._read(block, rows_of, rng)
                block, n_bytes = [], 0
        if block:
            yield self._read(block, rows_of, rng)

    def _read(
        self, keys: list[str], rows_of: dict[str, list[int]], rng: np.random.Generator | None
    ) -> tuple[list[int], list[list[FloatArray]]]:
        found = [store.read(keys) for store in self.stores]
        rows = [i for key in keys for i in rows_of[key]]
        if rng is not None:
            rows = [rows[i] for i in rng.permutation(len(rows))]
        return rows, [[part[self.keys[i]].frames for part in found] for i in rows]

"""Write to a feature store on object storage, where several runs may write at once.

Object storage has no locks. Shards are uploaded whole and named by their content, so runs that
write at the same time can only add the same shard or another one. Only deleting can lose data:
a shard is deleted only if each of its clips is also in a larger shard, that is, in one with more
clips (of two with as many, the first by name). Every run orders shards in this way, so no run
deletes the largest shard that holds a clip, however outdated its listing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.damaged import warn_and_set_aside
from audiotl_cli.store.reader import StoreReader
from audiotl_cli.store.shard import (
    SHARD_BYTES,
    SHARD_CLIPS,
    DamagedShardError,
    Features,
    read_shard,
)
from audiotl_cli.store.writer import StoreWriter, is_closed

HOLD_S = 2.0
"""Clips that arrive within this time are written together: each object costs a request."""

MAX_SHARDS = 8
"""Shards that share clips are merged if the result is at most this many times as large as a full
shard. Otherwise the copies stay; reading a clip reads one of them."""


class ObjectWriter(StoreWriter):
    """Add clips to a store on object storage while other runs may do the same.

    A run skips the clips that it finds. Clips that two runs embed at the same time are stored
    twice until the last of these runs ends or the next one begins.
    """

    def __init__(self, store: StoreReader, *, wait: bool) -> None:
        super().__init__(store, wait=wait)
        self._shrunk: set[AnyPath] = set()

    def remove(self, shard: AnyPath, clips: Mapping[str, Features], keys: Set[str]) -> None:
        """Remove clips from a shard; another run that adds them at the same time restores them."""
        self._shrunk.add(shard)
        super().remove(shard, clips, keys)

    def _begin(self) -> None:
        pass

    def _hold_s(self) -> float:
        return HOLD_S

    def _recover(self) -> None:
        """Merge small shards, whether the runs that wrote them were killed or still go on."""
        self._settle()
        scan = self.store.scanned()
        for shard, n_clips in sorted(scan.n_clips.items(), key=lambda item: -item[1]):
            if is_closed(self.store, shard, n_clips):
                continue
            clips = self._read(shard)
            if clips is None:
                scan.shard_of = {k: path for k, path in scan.shard_of.items() if path != shard}
                continue
            for key, features in clips.items():
                self._take_over(key, features, shard)
            self.loose_shards.add(shard)
            self._merge_if_full()

    def close(self) -> None:
        """Merge the small shards into one, then delete them."""
        # another run may hold other numbers for the same clips: the larger shard has to stay
        n_clips, n_merged = self.store.scanned().n_clips, len(self.loose | self.pending)
        self.loose_shards = {
            shard
            for shard in self.loose_shards
            if shard in self._shrunk or n_clips.get(shard, 0) < n_merged
        }
        super().close()

    def _put(self, clips: Mapping[str, Features], *, sync: bool) -> AnyPath:
        path = super()._put(clips, sync=sync)
        self.store.written.add(path)
        self.store.scanned().n_clips[path] = len(clips)
        return path

    def _drop(self, shard: AnyPath) -> None:
        super()._drop(shard)
        self.store.written.discard(shard)

    def _finish(self) -> None:
        self.close()
        self._settle()

    def _settle(self) -> None:
        """Merge shards that share clips because several runs wrote them at once."""
        scan = self.store.rescan()
        keys_of = {shard: self.store.keys_in(shard) for shard in scan.n_clips}
        for shard, keys in keys_of.items():
            if all(scan.shard_of[key] != shard for key in keys):
                self._drop(shard)
                del scan.n_clips[shard]
        for group in _overlapping({shard: keys_of[shard] for shard in scan.n_clips}):
            n_clips = sum(scan.n_clips[shard] for shard in group)
            n_bytes = sum(self.store.shard_size(shard) for shard in group)
            if n_clips <= MAX_SHARDS * SHARD_CLIPS and n_bytes <= MAX_SHARDS * SHARD_BYTES:
                self._unite(group)

    def _unite(self, shards: Set[AnyPath]) -> None:
        whole: dict[str, Features] = {}
        for shard in sorted(shards):
            clips = self._read(shard)
            if clips is None:  # the next run merges the rest
                return
            whole |= clips
        united = self._put(whole, sync=True)
        for shard in shards - {united}:
            self._drop(shard)
            self.store.scanned().n_clips.pop(shard, None)

    def _read(self, shard: AnyPath) -> dict[str, Features] | None:
        """Return the clips of a shard; None if it is damaged, or if another run just merged it."""
        try:
            return dict(read_shard(shard, self.store.dim, fresh=True))
        except DamagedShardError as error:
            warn_and_set_aside(error, shard)
        except FileNotFoundError:
            pass
        return None


def _overlapping(keys_of: Mapping[AnyPath, list[str]]) -> list[Set[AnyPath]]:
    """Return groups of shards that are connected by clips that two of them hold."""
    group_of: dict[AnyPath, set[AnyPath]] = {shard: {shard} for shard in keys_of}
    first: dict[str, AnyPath] = {}
    for shard, keys in keys_of.items():
        for key in keys:
            other = first.setdefault(key, shard)
            if group_of[other] is not group_of[shard]:
                both = group_of[other] | group_of[shard]
                group_of |= dict.fromkeys(both, both)
    groups = {id(group): group for group in group_of.values() if len(group) > 1}
    return list(groups.values())

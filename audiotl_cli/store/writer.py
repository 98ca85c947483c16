"""Write to a feature store on a disk; one process at a time does."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from types import TracebackType
from typing import Self

from audiotl_cli.errors import DataError
from audiotl_cli.files import refuse_link, sync_folder
from audiotl_cli.storage.paths import AnyPath, remove_file
from audiotl_cli.store.damaged import warn_and_set_aside
from audiotl_cli.store.pieces import Piece, check_piece
from audiotl_cli.store.reader import StoreReader
from audiotl_cli.store.shard import (
    DamagedShardError,
    Features,
    is_full,
    read_shard,
    write_shard,
)

logger = logging.getLogger(__name__)

HOLD_S = 0.25
"""Clips that arrive within this time are written together: a file takes longer than a clip."""


class BusyStoreError(DataError):
    """Another process is writing to the store."""


class StoreWriter:
    """Add clips to a store. One process writes at a time; others wait.

    Clips are written as they arrive, into a few small shards a second: a run that is killed
    loses only what it added after the last of them. As soon as small shards hold enough clips,
    they are merged into a large one, so that a run that was killed and started again leaves the
    same files as a run that was not.
    """

    def __init__(self, store: StoreReader, *, wait: bool) -> None:
        self.store = store
        self.wait = wait
        self.pending: dict[str, Features] = {}
        self.loose: dict[str, Features] = {}
        self.loose_shards: set[AnyPath] = set()
        self.n_bytes = 0
        self._written_s = 0.0
        self._alone = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._begin()
        self._recover()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None or kind is KeyboardInterrupt:
                self._finish()
            else:
                with contextlib.suppress(
                    OSError
                ):  # the error on its way out may have the same cause
                    self.write()
        finally:
            self.release()

    def release(self) -> None:
        """Let other processes write to the store."""
        self._alone.close()

    def add(self, key: str, features: Features) -> None:
        """Add a clip, which is written to the disk soon."""
        self.pending[key] = features
        self.n_bytes += features.frames.nbytes
        if time.monotonic() - self._written_s >= self._hold_s():
            self.write()
        self._merge_if_full()

    def take(self, piece: Piece, keys: Sequence[str]) -> None:
        """Add clips of a piece in this order, and delete the piece once they are in shards.

        A piece that equals the shard that would be written from it is moved without being read.
        """
        assert isinstance(self.store.folder, Path)
        check_piece(piece.path, self.store.folder)
        whole = len(keys) == piece.n_clips
        if whole and piece.full and not (self.loose or self.pending):
            shard = self.store.folder / piece.path.name
            piece.path.replace(shard)
            sync_folder(shard.parent)
            scan = self.store.scanned()
            scan.shard_of |= dict.fromkeys(keys, shard)
            scan.n_clips[shard] = len(keys)
            return
        try:
            clips = dict(read_shard(piece.path, self.store.dim))
        except DamagedShardError:
            remove_file(piece.path)
            raise
        for key in keys:
            self.loose[key] = clips[key]
            self.n_bytes += clips[key].frames.nbytes
            self._merge_if_full()
        if whole:  # other pieces may still be needed
            self.loose_shards.add(piece.path)
            if not self.loose:
                self.close()

    def write(self) -> None:
        """Write the clips that are waiting to the disk."""
        if self.pending:
            path = self._put(self.pending, sync=False)
            self.loose |= self.pending
            self.loose_shards.add(path)
            self.pending = {}
            self._written_s = time.monotonic()

    def remove(self, shard: AnyPath, clips: Mapping[str, Features], keys: Set[str]) -> None:
        """Remove clips from a shard; the remaining ones are written into a new shard.

        Parameters
        ----------
        shard : Path or RemotePath
        clips : mapping of key to Features
            All clips of the shard.
        keys : set of str
            The clips to remove.
        """
        self.write()
        shard_of = self.store.scanned().shard_of
        for key in keys:
            shard_of.pop(key, None)
            gone = self.loose.pop(key, None)
            self.n_bytes -= gone.frames.nbytes if gone is not None else 0
        for key, features in clips.items():
            if key not in self.loose and shard_of.get(key) == shard:
                self._take_over(key, features, shard)
        self.loose_shards.add(shard)
        self._merge_if_full()

    def _take_over(self, key: str, features: Features, shard: AnyPath) -> None:
        self.loose[key] = features
        self.loose_shards.add(shard)
        self.n_bytes += features.frames.nbytes
        self.store.scanned().shard_of[key] = shard

    def _begin(self) -> None:
        """Wait until no other process writes to the store."""
        import filelock

        assert isinstance(self.store.folder, Path)
        check_not_linked(self.store.folder)
        refuse_link(self.store.folder / ".lock")
        lock = filelock.FileLock(self.store.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            if not self.wait:
                raise BusyStoreError(f"another run is adding to {self.store.folder}") from error
            logger.info("Another run is adding to %s; waiting for it to end", self.store.folder)
            lock.acquire()
        self._alone.callback(lock.release)

    def _hold_s(self) -> float:
        return HOLD_S

    def _recover(self) -> None:
        """Delete the temporary files of a killed run, and merge its small shards."""
        # only parts of shards: another process may be making store.json right now
        for part in self.store.folder.glob(".shard-*.part"):
            remove_file(part)
        scan = self.store.rescan()
        # largest first: if a merged shard is damaged, its clips are read from the small ones
        for shard, n_clips in sorted(scan.n_clips.items(), key=lambda item: -item[1]):
            if is_closed(self.store, shard, n_clips):
                continue
            try:
                clips = list(read_shard(shard, self.store.dim))
            except DamagedShardError as error:
                warn_and_set_aside(error, shard)
                scan.shard_of = {k: path for k, path in scan.shard_of.items() if path != shard}
                continue
            for key, features in clips:
                if scan.shard_of.get(key, shard) == shard:
                    self._take_over(key, features, shard)
            self.loose_shards.add(shard)
            self._merge_if_full()  # as the killed run was about to do

    def _merge_if_full(self) -> None:
        if is_full(len(self.loose) + len(self.pending), self.n_bytes):
            self.close()

    def close(self) -> None:
        """Merge the small shards into one, then delete them."""
        self.loose |= self.pending
        self.pending = {}
        if self.loose:
            merged = self._put(self.loose, sync=True)
            self.loose_shards.discard(merged)
            self.store.scanned().n_clips[merged] = len(self.loose)
        for shard in self.loose_shards:  # includes copies that a killed run left
            self._drop(shard)
        self.loose, self.loose_shards, self.n_bytes = {}, set(), 0

    def _put(self, clips: Mapping[str, Features], *, sync: bool) -> AnyPath:
        path = write_shard(self.store.folder, clips, sync=sync)
        self.store.scanned().shard_of |= dict.fromkeys(clips, path)
        return path

    def _drop(self, shard: AnyPath) -> None:
        remove_file(shard)

    def _finish(self) -> None:
        self.close()


def is_closed(store: StoreReader, shard: AnyPath, n_clips: int) -> bool:
    """Return whether a shard is full, so that it is not merged any more."""
    return is_full(n_clips, store.shard_size(shard))


def check_not_linked(folder: AnyPath) -> None:
    """Refuse to write to a store, or to delete in it, through a symbolic link.

    Raises
    ------
    DataError
        The store's folder is a link.
    """
    if isinstance(folder, Path) and folder.is_symlink():
        raise DataError(
            f"{folder} is a symbolic link, and nothing is written or deleted through links; name "
            f"the folder it leads to instead: --store {folder.resolve()}"
        )

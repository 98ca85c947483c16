"""Remove clips from a store that no index names."""

from __future__ import annotations

import time
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.files import is_regular
from audiotl_cli.storage.paths import AnyPath, remove_file
from audiotl_cli.store.damaged import warn_and_set_aside
from audiotl_cli.store.shard import DamagedShardError, read_shard
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.store.writer import StoreWriter, check_not_linked

STALE_S = 3600.0
"""No running process owns a temporary file that is older than this."""


LEFTOVERS = ("damaged-shard-*.npz", ".shard-*.part", ".store.json.*.part")


@dataclass(frozen=True)
class Pruned:
    """The clips and files that were removed from a store, or would be.

    Parameters
    ----------
    n_clips : int
        Removed.
    n_kept : int
    n_bytes : int
        Size of the frames and times of these clips, and of the leftovers.
    leftovers : list of Path or RemotePath
        Damaged shards that were set aside, and temporary files of killed runs.
    """

    n_clips: int
    n_kept: int
    n_bytes: int
    leftovers: list[AnyPath]


def prune(store: FeatureStore, needed: Set[str], *, dry_run: bool) -> Pruned:
    """Remove all clips but the needed ones, damaged shards, and temporary files of killed runs.

    Shards are never changed. The clips of a shard that are kept are written into a new shard
    before the old one is deleted, so that nothing is lost if the process is killed.

    Parameters
    ----------
    store : FeatureStore
    needed : set of str
        Keys of clips.
    dry_run : bool
        Whether to report only, and change nothing.

    Raises
    ------
    BusyStoreError
        Another run is adding to the store.
    DataError
        The store's folder is a symbolic link.
    """
    check_not_linked(store.folder)
    if dry_run:
        return _unneeded(store, needed)
    with store.writer(wait=False) as writer:
        found = _unneeded(store, needed)
        # first the shards that wait to be merged: no unneeded clip may be among them
        for shard in sorted(
            store.scanned().n_clips, key=lambda path: path not in writer.loose_shards
        ):
            _rewrite(writer, shard, needed)
        for path in found.leftovers:
            remove_file(path)
    store.rescan()
    return found


def _unneeded(store: FeatureStore, needed: Set[str]) -> Pruned:
    scan = store.scanned()
    unneeded = scan.shard_of.keys() - needed
    n_bytes = 0
    for shard in sorted({scan.shard_of[key] for key in unneeded}):
        try:
            n_bytes += sum(
                features.frames.nbytes + features.times.nbytes
                for key, features in read_shard(shard, store.dim)
                if key in unneeded
            )
        except (DamagedShardError, FileNotFoundError):  # reported when it is rewritten
            continue
    leftovers = _leftovers(store.folder)
    n_bytes += sum(path.stat().st_size for path in leftovers)
    return Pruned(len(unneeded), len(scan.shard_of) - len(unneeded), n_bytes, leftovers)


def _leftovers(folder: AnyPath) -> list[AnyPath]:
    """Return files that killed runs left; links and folders with such names do not count."""
    now = time.time()
    found = [path for pattern in LEFTOVERS for path in folder.glob(pattern) if _is_file(path)]
    return sorted(
        path
        for path in found
        if path.name.startswith("damaged-") or now - path.stat().st_mtime > STALE_S
    )


def _is_file(path: AnyPath) -> bool:
    return is_regular(path) if isinstance(path, Path) else True


def _rewrite(writer: StoreWriter, shard: AnyPath, needed: Set[str]) -> None:
    try:
        clips = dict(read_shard(shard, writer.store.dim))
    except FileNotFoundError:  # another process just merged it
        return
    except DamagedShardError as error:
        warn_and_set_aside(error, shard)
        return
    unneeded = clips.keys() - needed
    if unneeded:
        writer.remove(shard, clips, unneeded)

"""Find the shard of each clip in a store."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.store.damaged import warn_and_set_aside
from audiotl_cli.store.shard import DamagedShardError, read_keys

REQUESTS_AT_ONCE = 16
"""To object storage: most of the time of a request is waiting."""


@dataclass
class Scan:
    """The content of a store: the shard of each clip, and the number of clips of each shard."""

    shard_of: dict[str, AnyPath]
    n_clips: dict[AnyPath, int]


@dataclass(frozen=True)
class Shard:
    """Keys and size of a shard on object storage, which never change."""

    keys: list[str]
    n_bytes: int


def scan_shards(shards: Sequence[AnyPath], known: dict[RemotePath, Shard], dim: int) -> Scan:
    """Read the keys of shards, and set damaged shards aside.

    Parameters
    ----------
    shards : sequence of Path or RemotePath
        Sorted.
    known : dict
        The shards on object storage that were read before; those read now are added.
    dim : int
        Values a frame, according to the store's description.
    """
    _request_keys(shards, known, dim)
    scan = Scan({}, {})
    for shard in shards:
        if isinstance(shard, RemotePath):
            keys = known[shard].keys if shard in known else None
        else:
            keys = _keys(shard, dim)
        if keys is None:
            continue
        scan.n_clips[shard] = len(keys)
        for key in keys:
            other = scan.shard_of.get(key)
            # a clip is there twice if a run was killed while merging, or if two ran at once
            if other is None or scan.n_clips[other] < len(keys):
                scan.shard_of[key] = shard
    return scan


def _keys(shard: AnyPath, dim: int) -> list[str] | None:
    try:
        return read_keys(shard, dim)
    except DamagedShardError as error:
        warn_and_set_aside(error, shard)
    except FileNotFoundError:
        pass
    return None


def _request_keys(shards: Sequence[AnyPath], known: dict[RemotePath, Shard], dim: int) -> None:
    new = [shard for shard in shards if isinstance(shard, RemotePath) and shard not in known]
    if not new:
        return

    def request(shard: RemotePath) -> Shard | None:
        keys = _keys(shard, dim)
        try:
            return None if keys is None else Shard(keys, shard.stat().st_size)
        except FileNotFoundError:
            return None

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        answers = zip(new, pool.map(request, new), strict=True)
        known.update((shard, found) for shard, found in answers if found is not None)

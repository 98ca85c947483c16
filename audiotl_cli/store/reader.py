"""Read the features in a store."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from audiotl_cli.errors import DataError
from audiotl_cli.files import is_regular
from audiotl_cli.storage.paths import AnyPath, any_path
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.store.damaged import put_away
from audiotl_cli.store.description import STORE_FILE, read_description
from audiotl_cli.store.pieces import has_pieces
from audiotl_cli.store.scan import Scan, Shard, scan_shards
from audiotl_cli.store.shard import DamagedShardError, Features, read_keys, read_shard


class StoreReader:
    """The part of `FeatureStore` that reads; see there for the attributes.

    Parameters
    ----------
    folder : str, Path or RemotePath
        The folder with ``store.json``.
    """

    def __init__(self, folder: str | AnyPath) -> None:
        self.folder = any_path(folder)
        about = read_description(self.folder)
        self.extractor = about.extractor
        self.fingerprint = about.fingerprint
        self.dim = about.dim
        self.made_from = about.made_from
        self._scan: Scan | None = None
        self._known: dict[RemotePath, Shard] = {}
        self.written: set[AnyPath] = set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.folder)!r}, {self.extractor!r}, dim={self.dim})"

    def keys(self) -> set[str]:
        """Return the keys of all clips in the store."""
        return set(self.scanned().shard_of)

    def __contains__(self, key: object) -> bool:
        return key in self.scanned().shard_of

    def __len__(self) -> int:
        return len(self.scanned().shard_of)

    def read(self, keys: Iterable[str]) -> dict[str, Features]:
        """Return the features of clips; each shard is read once.

        Raises
        ------
        DataError
            A clip is not in the store, or its shard is damaged. A damaged shard is set aside,
            so that ``audiotl extract`` makes its clips again.
        """
        wanted = set(keys)
        try:
            return self._read(wanted)
        except FileNotFoundError:  # another process merged it into a larger shard
            self._scan = None
            self._known.clear()
            self.written = {shard for shard in self.written if shard.exists()}
            return self._read(wanted)

    def _read(self, wanted: set[str]) -> dict[str, Features]:
        shard_of = self.scanned().shard_of
        missing = wanted - shard_of.keys()
        if missing:
            raise DataError(
                f"{len(missing)} of {len(wanted)} clips are not in {self.folder}; "
                "run: audiotl extract"
            )
        found: dict[str, Features] = {}
        for shard in sorted({shard_of[key] for key in wanted}):
            try:
                clips = dict(read_shard(shard, self.dim))
            except DamagedShardError as error:
                raise DataError(
                    f"{error}. It was {put_away(shard)}; run audiotl extract to extract its "
                    "clips again"
                ) from error
            if clips.keys() <= wanted:
                found |= clips
            else:  # a view would keep the whole shard in memory
                found |= {key: clips[key].copy() for key in clips.keys() & wanted}
        return found

    def by_shard(self, keys: Iterable[str]) -> dict[AnyPath, list[str]]:
        """Return the keys that the store holds, grouped by shard; shards and keys are sorted."""
        shard_of = self.scanned().shard_of
        groups: dict[AnyPath, list[str]] = {}
        for key in sorted(set(keys) & shard_of.keys()):
            groups.setdefault(shard_of[key], []).append(key)
        return {shard: groups[shard] for shard in sorted(groups)}

    def size_of(self, keys: Iterable[str]) -> int:
        """Estimate the bytes that the features of clips take, without reading them.

        The size of a shard is divided equally among its clips.
        """
        n_clips = self.scanned().n_clips
        return sum(
            self.shard_size(shard) * len(part) // n_clips[shard]
            for shard, part in self.by_shard(keys).items()
        )

    def verify(self, on_shard: Callable[[int, int], None]) -> tuple[int, list[tuple[AnyPath, str]]]:
        """Read every shard; return the number of clips, and each damaged file with the reason.

        Shards that cannot be opened count as damaged.
        """
        damaged: list[tuple[AnyPath, str]] = []
        keys: set[str] = set()
        shards = self.shards()
        for done, shard in enumerate(shards, 1):
            try:
                keys.update(key for key, _ in read_shard(shard, self.dim, fresh=True))
            except DataError as error:
                damaged.append((shard, str(error)))
            except FileNotFoundError:
                continue
            on_shard(done, len(shards))
        return len(keys), damaged

    def shards(self) -> list[AnyPath]:
        """Return the files of the store's shards."""
        # listings of object storage may not show yet what this run wrote
        return sorted({*self.folder.glob("shard-*.npz"), *self.written})

    def keys_in(self, shard: AnyPath) -> list[str]:
        """Return the keys of the clips in a shard."""
        return (
            self._known[shard].keys if isinstance(shard, RemotePath) else read_keys(shard, self.dim)
        )

    def has_leftovers(self) -> bool:
        """Return whether there is anything to tidy up after killed or simultaneous runs."""
        if isinstance(self.folder, Path):
            return has_pieces(self.folder) or any(self.folder.glob(".shard-*.part"))
        scan = self.scanned()  # clips in more than one shard
        return sum(scan.n_clips.values()) > len(scan.shard_of)

    def shard_size(self, shard: AnyPath) -> int:
        """Return the bytes of a shard's file; 0 if it is gone."""
        if isinstance(shard, RemotePath) and shard in self._known:
            return self._known[shard].n_bytes
        try:
            return shard.stat().st_size
        except FileNotFoundError:  # another process merged it into a larger shard
            return 0

    def touch(self) -> None:
        """Mark this store as the most recently used one, see `list_stores`."""
        path = self.folder / STORE_FILE
        with contextlib.suppress(OSError):  # the folder may be read-only
            if not isinstance(path, Path):
                path.write_bytes(path.read_bytes())
            elif is_regular(path):
                os.utime(path)

    def rescan(self) -> Scan:
        """Scan the folder again, because other processes may have changed it."""
        self._scan = None
        return self.scanned()

    def scanned(self) -> Scan:
        """Return the content of the folder as it was at the last scan."""
        if self._scan is None:
            self._scan = scan_shards(self.shards(), self._known, self.dim)
        return self._scan

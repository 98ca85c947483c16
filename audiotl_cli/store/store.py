"""A folder of shards that belong to one fingerprint."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from audiotl_cli.errors import DataError
from audiotl_cli.files import SMALL
from audiotl_cli.storage.failures import reason
from audiotl_cli.storage.paths import AnyPath, any_path, read_file, write_whole
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.store.damaged import put_away
from audiotl_cli.store.pieces import pieces_of
from audiotl_cli.store.scan import Scan, Shard, look
from audiotl_cli.store.shard import DamagedShardError, Features, read_keys, read_shard

if TYPE_CHECKING:
    from audiotl_cli.store.writer import StoreWriter

logger = logging.getLogger(__name__)

STORE_FILE = "store.json"
STORE_FORMAT = 1


def fingerprint(made_from: Mapping[str, Any]) -> str:
    """Return 12 hexadecimal digits that stand for everything features were made from.

    Parameters
    ----------
    made_from : mapping
        JSON values; the order of keys does not matter.
    """
    text = json.dumps(made_from, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def safe_name(text: str) -> str:
    """Return text fit for a file's name: extractors may be named by a path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[-100:]


def folder_name(extractor: str, digest: str) -> str:
    """Return the name of a store's folder."""
    return f"{safe_name(extractor)}-{digest}"


def list_stores(root: AnyPath) -> list[AnyPath]:
    """Return the stores in a folder of stores, the most recently used last."""
    stores: list[AnyPath] = [path.parent for path in root.glob(f"*/{STORE_FILE}")]
    return sorted(stores, key=lambda store: ((store / STORE_FILE).stat().st_mtime_ns, store.name))


def open_stores(root: AnyPath) -> list[FeatureStore]:
    """Open the stores in a folder of stores, the most recently used last.

    One that cannot be opened is named in a warning and left out.
    """
    stores = []
    for folder in list_stores(root):
        try:
            stores.append(FeatureStore(folder))
        except DataError as error:
            logger.warning("%s; this store is passed over", error)
    return stores


class DamagedStoreError(DataError):
    """A store's description is not what was written."""


class FeatureStore:
    """Features of clips, by key, all made by one extractor in one way.

    A key is the SHA-256 of the clip's file, with ``:start-end`` where it is a part of it.

    Parameters
    ----------
    folder : str, Path or RemotePath
        Holds ``store.json``; see `create` to make one. ``s3://...`` is on object storage.

    Attributes
    ----------
    extractor : str
    fingerprint : str
    dim : int
    made_from : dict
        What the fingerprint covers.
    written : set of Path or RemotePath
        Shards that were put on object storage by this run, whether listings have them or not.

    Raises
    ------
    DataError
        The folder holds no store, or one of another format.

    Examples
    --------
    >>> (folder,) = Path("data/features").glob("mfcc-*")
    >>> store = FeatureStore(folder)
    >>> len(store), store.extractor, store.dim
    (24, 'mfcc', 120)
    """

    def __init__(self, folder: str | AnyPath) -> None:
        self.folder = any_path(folder)
        path = self.folder / STORE_FILE
        try:
            about = json.loads(read_file(path, SMALL))
            if about["format"] != STORE_FORMAT:
                raise DataError(f"{path}: format {about['format']}, expected {STORE_FORMAT}")
            self.extractor: str = about["extractor"]
            self.fingerprint: str = about["fingerprint"]
            self.dim: int = about["dim"]
            self.made_from: dict[str, Any] = about["made_from"]
            if fingerprint(self.made_from) != self.fingerprint or type(self.dim) is not int:
                raise ValueError("it does not fit its fingerprint")
        except FileNotFoundError as error:
            raise DataError(
                f"{self.folder} is not a feature store (it has no {STORE_FILE}); "
                "make one with: audiotl extract"
            ) from error
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise DamagedStoreError(
                f"{path} is damaged ({reason(error)}); audiotl extract, with the same settings, "
                "mends it"
            ) from error
        self._scan: Scan | None = None
        self._known: dict[RemotePath, Shard] = {}
        self.written: set[AnyPath] = set()

    @classmethod
    def create(cls, root: AnyPath, extractor: str, dim: int, made_from: Mapping[str, Any]) -> Self:
        """Open the store of a fingerprint below `root`, made first if it does not exist.

        A damaged description is written again.
        """
        digest = fingerprint(made_from)
        folder = root / folder_name(extractor, digest)
        about = {
            "format": STORE_FORMAT,
            "extractor": extractor,
            "fingerprint": digest,
            "dim": dim,
            "made_from": made_from,
        }
        try:
            store = cls(folder) if (folder / STORE_FILE).is_file() else None
            if store is not None and (store.extractor, store.dim) == (extractor, dim):
                return store
        except DamagedStoreError as error:  # its shards are as good as before
            logger.warning("%s: done", error)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / STORE_FILE, (json.dumps(about, indent=2) + "\n").encode())
        return cls(folder)

    def keys(self) -> set[str]:
        """Return the keys of all clips in the store."""
        return set(self.scanned().shard_of)

    def __contains__(self, key: object) -> bool:
        return key in self.scanned().shard_of

    def __len__(self) -> int:
        return len(self.scanned().shard_of)

    def read(self, keys: Iterable[str]) -> dict[str, Features]:
        """Return the features of clips, each shard read once.

        Raises
        ------
        DataError
            A clip is not in the store, or its shard is damaged: then that shard has been
            moved aside, and ``audiotl extract`` makes its clips again.
        """
        wanted = set(keys)
        try:
            return self._read(wanted)
        except FileNotFoundError:  # merged into a larger shard by a run beside this one
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
                clips = dict(read_shard(shard))
            except DamagedShardError as error:
                raise DataError(
                    f"{error}. It was {put_away(shard)}; run audiotl extract to make its clips "
                    "again"
                ) from error
            if clips.keys() <= wanted:
                found |= clips
            else:  # copied, or a part of a shard would keep all of it in memory
                found |= {key: clips[key].copy() for key in clips.keys() & wanted}
        return found

    def by_shard(self, keys: Iterable[str]) -> dict[AnyPath, list[str]]:
        """Return those of the keys that are here, by the shard they lie in; all in order."""
        shard_of = self.scanned().shard_of
        groups: dict[AnyPath, list[str]] = {}
        for key in sorted(set(keys) & shard_of.keys()):
            groups.setdefault(shard_of[key], []).append(key)
        return {shard: groups[shard] for shard in sorted(groups)}

    def size_of(self, keys: Iterable[str]) -> int:
        """Return how many bytes the features of clips take, roughly: nothing is read.

        Clips of one shard count alike.
        """
        n_clips = self.scanned().n_clips
        return sum(
            self.shard_size(shard) * len(part) // n_clips[shard]
            for shard, part in self.by_shard(keys).items()
        )

    def verify(self, on_shard: Callable[[int, int], None]) -> tuple[int, list[tuple[AnyPath, str]]]:
        """Read every shard; return the number of clips, and each damaged file and why."""
        damaged: list[tuple[AnyPath, str]] = []
        keys: set[str] = set()
        shards = self.shards()
        for done, shard in enumerate(shards, 1):
            try:
                keys.update(key for key, _ in read_shard(shard, fresh=True))
            except DamagedShardError as error:
                damaged.append((shard, str(error)))
            except FileNotFoundError:
                continue
            on_shard(done, len(shards))
        return len(keys), damaged

    def shards(self) -> list[AnyPath]:
        """Return the files of the store's shards."""
        # what was written is there even where a listing does not have it yet
        return sorted({*self.folder.glob("shard-*.npz"), *self.written})

    def keys_in(self, shard: AnyPath) -> list[str]:
        """Return the keys of a shard on object storage that was looked into."""
        return self._known[shard].keys if isinstance(shard, RemotePath) else read_keys(shard)

    def has_leftovers(self) -> bool:
        """Return whether killed runs, or runs side by side, left what the next one tidies."""
        if isinstance(self.folder, Path):
            pieces = pieces_of(self.folder)
            return pieces.exists() or any(self.folder.glob(".shard-*.part"))
        scan = self.scanned()  # clips in more than one shard
        return sum(scan.n_clips.values()) > len(scan.shard_of)

    def shard_size(self, shard: AnyPath) -> int:
        """Return the bytes of a shard's file; 0 if it is gone."""
        if isinstance(shard, RemotePath) and shard in self._known:
            return self._known[shard].n_bytes
        try:
            return shard.stat().st_size
        except FileNotFoundError:  # merged into a larger shard by a run beside this one
            return 0

    def touch(self) -> None:
        """Mark this store as the one used last, see `list_stores`."""
        path = self.folder / STORE_FILE
        with contextlib.suppress(OSError):  # in a folder that is only for reading
            if isinstance(path, Path):
                os.utime(path)
            else:
                path.write_bytes(path.read_bytes())

    def writer(self, *, wait: bool = True) -> StoreWriter:
        """Return the one object that may add clips; use it in a ``with`` statement.

        Without `wait`, entering it raises `BusyStoreError` while another run has it.
        """
        from audiotl_cli.store.objects import ObjectWriter
        from audiotl_cli.store.writer import StoreWriter

        kind = StoreWriter if isinstance(self.folder, Path) else ObjectWriter
        return kind(self, wait=wait)

    def rescan(self) -> Scan:
        """Look into the folder again, for what other processes did."""
        self._scan = None
        return self.scanned()

    def scanned(self) -> Scan:
        """Return what lies in the folder, as it was when first looked at."""
        if self._scan is None:
            self._scan = look(self.shards(), self._known)
        return self._scan

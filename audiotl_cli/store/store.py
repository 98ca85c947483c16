"""A folder of shards that belong to one fingerprint."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from audiotl_cli.errors import DataError
from audiotl_cli.files import write_whole
from audiotl_cli.store.shard import (
    DamagedShardError,
    Features,
    read_keys,
    read_shard,
)

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


def list_stores(root: Path) -> list[Path]:
    """Return the stores in a folder of stores, the most recently used last."""
    stores = [path.parent for path in root.glob(f"*/{STORE_FILE}")]
    return sorted(stores, key=lambda store: ((store / STORE_FILE).stat().st_mtime_ns, store.name))


def open_stores(root: Path) -> list[FeatureStore]:
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


@dataclass
class Scan:
    """What lies in the folder: each clip's shard, and the shards by number of clips."""

    shard_of: dict[str, Path]
    n_clips: dict[Path, int]


class FeatureStore:
    """Features of clips, by key, all made by one extractor in one way.

    A key is the SHA-256 of the clip's file, with ``:start-end`` where it is a part of it.

    Parameters
    ----------
    folder : Path
        Holds ``store.json``; see `create` to make one.

    Attributes
    ----------
    extractor : str
    fingerprint : str
    dim : int
    made_from : dict
        What the fingerprint covers.

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

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        path = self.folder / STORE_FILE
        try:
            about = json.loads(path.read_bytes())
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
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DamagedStoreError(
                f"{path} is damaged ({error}); audiotl extract, with the same settings, mends it"
            ) from error
        self._scan: Scan | None = None

    @classmethod
    def create(cls, root: Path, extractor: str, dim: int, made_from: Mapping[str, Any]) -> Self:
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
                    f"{error}. It was {_put_away(shard)}; run audiotl extract to make its clips "
                    "again"
                ) from error
            if clips.keys() <= wanted:
                found |= clips
            else:  # copied, or a part of a shard would keep all of it in memory
                found |= {key: clips[key].copy() for key in clips.keys() & wanted}
        return found

    def by_shard(self, keys: Iterable[str]) -> dict[Path, list[str]]:
        """Return those of the keys that are here, by the shard they lie in; all in order."""
        shard_of = self.scanned().shard_of
        groups: dict[Path, list[str]] = {}
        for key in sorted(set(keys) & shard_of.keys()):
            groups.setdefault(shard_of[key], []).append(key)
        return {shard: groups[shard] for shard in sorted(groups)}

    def size_of(self, keys: Iterable[str]) -> int:
        """Return how many bytes the features of clips take, roughly: nothing is read.

        Clips of one shard count alike.
        """
        n_clips = self.scanned().n_clips
        return sum(
            _size(shard) * len(part) // n_clips[shard]
            for shard, part in self.by_shard(keys).items()
        )

    def verify(self, on_shard: Callable[[int, int], None]) -> tuple[int, list[tuple[Path, str]]]:
        """Read every shard; return the number of clips, and each damaged file and why."""
        damaged: list[tuple[Path, str]] = []
        keys: set[str] = set()
        shards = self.shards()
        for done, shard in enumerate(shards, 1):
            try:
                keys.update(key for key, _ in read_shard(shard))
            except DamagedShardError as error:
                damaged.append((shard, str(error)))
            except FileNotFoundError:
                continue
            on_shard(done, len(shards))
        return len(keys), damaged

    def shards(self) -> list[Path]:
        """Return the files of the store's shards."""
        return sorted(self.folder.glob("shard-*.npz"))

    def touch(self) -> None:
        """Mark this store as the one used last, see `list_stores`."""
        with contextlib.suppress(OSError):  # in a folder that is only for reading
            os.utime(self.folder / STORE_FILE)

    def writer(self, *, wait: bool = True) -> StoreWriter:
        """Return the one object that may add clips; use it in a ``with`` statement.

        Without `wait`, entering it raises `BusyStoreError` while another run has it.
        """
        from audiotl_cli.store.writer import StoreWriter

        return StoreWriter(self, wait=wait)

    def rescan(self) -> Scan:
        """Look into the folder again, for what other processes did."""
        self._scan = None
        return self.scanned()

    def scanned(self) -> Scan:
        """Return what lies in the folder, as it was when first looked at."""
        if self._scan is None:
            self._scan = self._look()
        return self._scan

    def _look(self) -> Scan:
        scan = Scan({}, {})
        for shard in self.shards():
            try:
                keys = read_keys(shard)
            except DamagedShardError as error:
                warn_of(error, shard)
                continue
            except FileNotFoundError:
                continue
            scan.n_clips[shard] = len(keys)
            for key in keys:
                known = scan.shard_of.get(key)
                # the same clip twice: a run died between merging and deleting
                if known is None or scan.n_clips[known] < len(keys):
                    scan.shard_of[key] = shard
        return scan


def _size(shard: Path) -> int:
    try:
        return shard.stat().st_size
    except FileNotFoundError:  # merged into a larger shard by a run beside this one
        return 0


def warn_of(error: DamagedShardError, shard: Path) -> None:
    """Rename a damaged shard and say so."""
    logger.warning("%s; %s, its clips are made again", error, _put_away(shard))


def set_aside(shard: Path) -> Path:
    """Rename a damaged shard so that nothing takes it for one.

    Returns
    -------
    path : Path
        Its new one; the old one where the folder cannot be written.
    """
    aside = shard.with_name(f"damaged-{shard.name}")
    try:
        shard.replace(aside)
    except FileNotFoundError:  # a run beside this one was faster
        pass
    except OSError:
        return shard
    return aside


def _put_away(shard: Path) -> str:
    aside = set_aside(shard)
    return "left in place" if aside == shard else f"moved to {aside.name}"

"""A folder of shards that belong to one fingerprint, and the one process writing to it."""

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
from types import TracebackType
from typing import Any, Self

from audiotl_cli.errors import DataError
from audiotl_cli.files import write_whole
from audiotl_cli.store.shard import (
    DamagedShardError,
    Features,
    read_keys,
    read_shard,
    write_shard,
)

logger = logging.getLogger(__name__)

STORE_FILE = "store.json"
STORE_FORMAT = 1
SHARD_CLIPS = 256
SHARD_BYTES = 32 << 20
"""A shard is closed when it has this many clips or bytes of frames."""


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


@dataclass
class _Scan:
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
        except FileNotFoundError as error:
            raise DataError(
                f"{self.folder} is not a feature store (it has no {STORE_FILE}); "
                "make one with: audiotl extract"
            ) from error
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(
                f"{path} is damaged ({error!r}); move it away and extract again"
            ) from error
        self._scan: _Scan | None = None

    @classmethod
    def create(cls, root: Path, extractor: str, dim: int, made_from: Mapping[str, Any]) -> Self:
        """Open the store of a fingerprint below `root`, made first if it does not exist."""
        digest = fingerprint(made_from)
        folder = root / folder_name(extractor, digest)
        if not (folder / STORE_FILE).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            about = {
                "format": STORE_FORMAT,
                "extractor": extractor,
                "fingerprint": digest,
                "dim": dim,
                "made_from": made_from,
            }
            write_whole(folder / STORE_FILE, (json.dumps(about, indent=2) + "\n").encode())
        return cls(folder)

    def keys(self) -> set[str]:
        """Return the keys of all clips in the store."""
        return set(self._scanned().shard_of)

    def __contains__(self, key: object) -> bool:
        return key in self._scanned().shard_of

    def __len__(self) -> int:
        return len(self._scanned().shard_of)

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
        shard_of = self._scanned().shard_of
        missing = wanted - shard_of.keys()
        if missing:
            raise DataError(
                f"{len(missing)} of {len(wanted)} clips are not in {self.folder}; "
                "run: audiotl extract"
            )
        found: dict[str, Features] = {}
        for shard in sorted({shard_of[key] for key in wanted}):
            try:
                found |= {key: part for key, part in read_shard(shard) if key in wanted}
            except DamagedShardError as error:
                aside = set_aside(shard)
                raise DataError(
                    f"{error}. It was moved to {aside.name}; run audiotl extract to make its "
                    "clips again"
                ) from error
        return found

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
        os.utime(self.folder / STORE_FILE)

    def writer(self) -> StoreWriter:
        """Return the one object that may add clips; use it in a ``with`` statement."""
        return StoreWriter(self)

    def _scanned(self) -> _Scan:
        if self._scan is None:
            self._scan = self._look()
        return self._scan

    def _look(self) -> _Scan:
        scan = _Scan({}, {})
        for shard in self.shards():
            try:
                keys = read_keys(shard)
            except DamagedShardError as error:
                aside = set_aside(shard)
                logger.warning("%s; moved to %s, its clips are made again", error, aside.name)
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


class StoreWriter:
    """Adds clips to a store; one process at a time, others wait.

    Every clip is on the disk, as a shard of its own, when `add` returns. Small shards are
    merged into large ones as they come together, so that a run that was killed and run
    again leaves the same files as one that was not.
    """

    def __init__(self, store: FeatureStore) -> None:
        import filelock

        self.store = store
        self.loose: dict[str, Features] = {}
        self.loose_shards: set[Path] = set()
        self.n_bytes = 0
        self._lock = filelock.FileLock(store.folder / ".lock")

    def __enter__(self) -> Self:
        import filelock

        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            logger.info("Another run is adding to %s; waiting for it to end", self.store.folder)
            self._lock.acquire()
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
                self._merge()
        finally:
            self._lock.release()

    def add(self, key: str, features: Features) -> None:
        """Put one clip on the disk."""
        path = write_shard(self.store.folder, {key: features}, sync=False)
        self._hold(key, features, path)
        self._merge_if_full()

    def _hold(self, key: str, features: Features, shard: Path) -> None:
        self.loose[key] = features
        self.loose_shards.add(shard)
        self.n_bytes += features.frames.nbytes
        self.store._scanned().shard_of[key] = shard

    def _recover(self) -> None:
        """Sweep up what a killed run left; take its small shards over."""
        # only parts of shards: another process may be making store.json right now
        for part in self.store.folder.glob(".shard-*.part"):
            part.unlink(missing_ok=True)
        self.store._scan = None
        scan = self.store._scanned()
        # largest first: a merged shard that is damaged leaves its clips to the small ones
        for shard, n_clips in sorted(scan.n_clips.items(), key=lambda item: -item[1]):
            if n_clips >= SHARD_CLIPS or shard.stat().st_size >= SHARD_BYTES:
                continue
            try:
                clips = list(read_shard(shard))
            except DamagedShardError as error:
                aside = set_aside(shard)
                logger.warning("%s; moved to %s, its clips are made again", error, aside.name)
                scan.shard_of = {k: path for k, path in scan.shard_of.items() if path != shard}
                continue
            for key, features in clips:
                if scan.shard_of.get(key, shard) == shard:
                    self._hold(key, features, shard)
            self.loose_shards.add(shard)
        self._merge_if_full()  # as the killed run was about to do

    def _merge_if_full(self) -> None:
        if len(self.loose) >= SHARD_CLIPS or self.n_bytes >= SHARD_BYTES:
            self._merge()

    def _merge(self) -> None:
        """Write what is loose as one shard, then delete the small ones."""
        if self.loose:
            merged = write_shard(self.store.folder, self.loose)
            self.loose_shards.discard(merged)
            scan = self.store._scanned()
            scan.shard_of |= dict.fromkeys(self.loose, merged)
            scan.n_clips[merged] = len(self.loose)
        for shard in self.loose_shards:  # copies that a killed run left are among them
            shard.unlink(missing_ok=True)
        self.loose, self.loose_shards, self.n_bytes = {}, set(), 0


def set_aside(shard: Path) -> Path:
    """Rename a damaged shard so that nothing takes it for one; return its new path."""
    aside = shard.with_name(f"damaged-{shard.name}")
    with contextlib.suppress(FileNotFoundError):  # a run beside this one was faster
        shard.replace(aside)
    return aside

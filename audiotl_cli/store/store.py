"""A folder of shards that belong to one fingerprint."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.description import (
    STORE_FILE,
    DamagedStoreError,
    StoreDescription,
    folder_name,
)
from audiotl_cli.store.objects import ObjectWriter
from audiotl_cli.store.reader import StoreReader
from audiotl_cli.store.writer import StoreWriter

logger = logging.getLogger(__name__)


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


class FeatureStore(StoreReader):
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

    @classmethod
    def create(cls, root: AnyPath, extractor: str, dim: int, made_from: Mapping[str, Any]) -> Self:
        """Open the store of a fingerprint below `root`, made first if it does not exist.

        A damaged description is written again.
        """
        about = StoreDescription.of(extractor, dim, made_from)
        folder = root / folder_name(extractor, about.fingerprint)
        try:
            store = cls(folder) if (folder / STORE_FILE).is_file() else None
            if store is not None and (store.extractor, store.dim) == (extractor, dim):
                return store
        except DamagedStoreError as error:  # its shards are as good as before
            logger.warning("%s: done", error)
        folder.mkdir(parents=True, exist_ok=True)
        about.write(folder)
        return cls(folder)

    def writer(self, *, wait: bool = True) -> StoreWriter:
        """Return the one object that may add clips; use it in a ``with`` statement.

        Without `wait`, entering it raises `BusyStoreError` while another run has it.
        """
        kind = StoreWriter if isinstance(self.folder, Path) else ObjectWriter
        return kind(self, wait=wait)

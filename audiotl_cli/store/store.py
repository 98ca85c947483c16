"""Feature stores: folders of shards whose features were made in the same way."""

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

    Stores that cannot be opened are left out with a warning.
    """
    stores = []
    for folder in list_stores(root):
        try:
            stores.append(FeatureStore(folder))
        except DataError as error:
            logger.warning("%s; this store is ignored", error)
    return stores


class FeatureStore(StoreReader):
    """Features of clips, all made by one extractor with the same settings.

    The key of a clip is the SHA-256 of its file, followed by ``:start-end`` if it is a part of the
    file.

    Parameters
    ----------
    folder : str, Path or RemotePath
        The folder with ``store.json``, which `create` makes. ``s3://...`` is on object storage.

    Attributes
    ----------
    extractor : str
    fingerprint : str
    dim : int
    made_from : dict
        Everything that the fingerprint covers.
    written : set of Path or RemotePath
        Shards that this run put on object storage; listings may not show them yet.

    Raises
    ------
    DataError
        The folder holds no store, or a store of another format.
    """

    @classmethod
    def create(cls, root: AnyPath, extractor: str, dim: int, made_from: Mapping[str, Any]) -> Self:
        """Open the store of a fingerprint in the folder `root`; make it if it does not exist.

        A damaged description is written again.
        """
        about = StoreDescription.of(extractor, dim, made_from)
        folder = root / folder_name(extractor, about.fingerprint)
        try:
            store = cls(folder) if (folder / STORE_FILE).is_file() else None
            if store is not None and (store.extractor, store.dim) == (extractor, dim):
                return store
        except DamagedStoreError as error:  # its shards may be fine
            logger.warning("%s: done", error)
        folder.mkdir(parents=True, exist_ok=True)
        about.write(folder)
        return cls(folder)

    def writer(self, *, wait: bool = True) -> StoreWriter:
        """Return an object that adds clips; use it in a ``with`` statement.

        While another run adds clips, entering it waits, or raises `BusyStoreError` if `wait` is
        false.
        """
        kind = StoreWriter if isinstance(self.folder, Path) else ObjectWriter
        return kind(self, wait=wait)

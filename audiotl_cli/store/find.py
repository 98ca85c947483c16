"""Find the feature stores in a folder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from audiotl_cli.errors import DataError
from audiotl_cli.extractor_config import TENSORFLOW
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.description import STORE_FILE
from audiotl_cli.store.store import FeatureStore, open_stores

logger = logging.getLogger(__name__)


def is_store(folder: AnyPath) -> bool:
    """Return whether a folder is one store rather than a folder of stores."""
    return (folder / STORE_FILE).is_file()


def open_all(root: AnyPath) -> list[FeatureStore]:
    """Open a store, or all in a folder of stores, the one used last at the end.

    Raises
    ------
    DataError
        There is none.
    """
    stores = [FeatureStore(root)] if is_store(root) else open_stores(root)
    if not stores:
        raise no_store(root)
    return stores


def in_another_engine(store: FeatureStore) -> tuple[FeatureStore, str] | None:
    """Return the store beside this one that differs in its engine alone, and that engine."""
    for other in open_stores(store.folder.parent):
        if other.fingerprint != store.fingerprint and _unengined(other) == _unengined(store):
            return other, other.made_from["details"].get("engine", TENSORFLOW)
    return None


def _unengined(store: FeatureStore) -> dict[str, Any]:
    made_from = dict(store.made_from)
    details = made_from.get("details", {})
    made_from["details"] = {name: details[name] for name in details if name != "engine"}
    return made_from


def no_store(root: AnyPath) -> DataError:
    """Return the error of a folder without stores."""
    return DataError(f"there is no feature store in {root}; create one with: audiotl extract")


def find_stores(root: AnyPath, extractors: Sequence[str], keys: set[str]) -> list[FeatureStore]:
    """Return the stores that hold the clips of an index.

    Parameters
    ----------
    root : Path or RemotePath
        A folder of stores, or one store.
    extractors : sequence of str
        One store for each: the one used last whose extractor (or folder) is called so.
        Empty: the store used last.
    keys : set of str
        Stores that hold none of these are passed over.

    Raises
    ------
    DataError
        There is no such store; says which there are.
    """
    candidates = [FeatureStore(root)] if is_store(root) else open_stores(root)
    stores = [store for store in candidates if not keys.isdisjoint(store.keys())]
    if not stores:
        raise DataError(
            f"{root} has no features of the clips in this index; extract them with: audiotl extract"
        )
    if not extractors:
        if stores[-1] is not candidates[-1]:
            logger.warning(
                "%s was used last, but has no features of the clips in this index; using %s "
                "instead (choose with --extractor)",
                candidates[-1].folder,
                stores[-1].folder,
            )
        return [stores[-1]]
    found = []
    for name in extractors:
        named = [store for store in stores if name in (store.extractor, store.folder.name)]
        if not named:
            known = ", ".join(sorted({store.extractor for store in stores}))
            raise DataError(
                f"{root} has no {name!r} features of the clips in this index, only features of "
                f"{known}; extract them with: audiotl extract --extractor {name}"
            )
        found.append(named[-1])
    return found

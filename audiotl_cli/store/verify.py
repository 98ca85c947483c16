"""Read all stores, and move what is damaged aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.damaged import set_aside
from audiotl_cli.store.description import STORE_FILE
from audiotl_cli.store.find import is_store, no_store
from audiotl_cli.store.store import FeatureStore, list_stores


@dataclass(frozen=True)
class VerifyReport:
    """What a check of a store found.

    Parameters
    ----------
    folder : Path or RemotePath
    n_clips : int
        Clips in shards that are whole.
    damaged : list of tuple
        Each damaged file, where it lies now, and what is wrong.
    """

    folder: AnyPath
    n_clips: int
    damaged: list[tuple[AnyPath, AnyPath, str]]


def verify_stores(root: AnyPath, on_shard: Callable[[int, int], None]) -> list[VerifyReport]:
    """Read every shard of every store; move damaged ones aside."""
    reports = []
    for folder in [root] if is_store(root) else list_stores(root):
        path = folder / STORE_FILE
        try:
            store = FeatureStore(folder)
        except DataError as error:
            reports.append(VerifyReport(folder, 0, [(path, path, str(error))]))
            continue
        n_clips, damaged = store.verify(on_shard)
        moved = [(shard, set_aside(shard), reason) for shard, reason in damaged]
        reports.append(VerifyReport(folder, n_clips, moved))
    if not reports:
        raise no_store(root)
    return reports

"""Take out of the feature stores what no index needs any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.project import Project
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.find import open_all
from audiotl_cli.store.memo import HashMemo, clip_key
from audiotl_cli.store.prune import Pruned, prune
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.store.writer import BusyStoreError, check_not_linked
from audiotl_cli.stored_clips import clip_keys


@dataclass(frozen=True)
class PruneReport:
    """What was taken out of one store.

    Parameters
    ----------
    store : FeatureStore
    pruned : Pruned or None
        None: another run is adding to the store, and nothing was taken out.
    """

    store: FeatureStore
    pruned: Pruned | None


def prune_stores(
    project: Project, store: AnyPath | None, indexes: Sequence[Path], *, dry_run: bool
) -> list[PruneReport]:
    """Take out of every store the clips that no index names, and what broken runs left.

    Parameters
    ----------
    project : Project
    store : Path, RemotePath or None
        A folder of stores, or one store; None for the project's stores.
    indexes : sequence of Path
        Their clips are kept.
    dry_run : bool
        Whether to change nothing.

    Raises
    ------
    DataError
        There is no index or no store; or an index names a recording that is not there and
        has no hash, so that its features cannot be distinguished from others; or a store is a
        symbolic link.
    """
    if not indexes:
        raise DataError("there is no index to say which features are needed; name one: --index")
    stores = open_all(store or project.features_dir)
    for opened in stores:  # before anything is deleted in the others
        check_not_linked(opened.folder)
    memo = project.open_memo(store)
    needed: set[str] = set()
    for path in indexes:
        needed |= _needed_keys(Index.read(path), memo)
    reports = []
    for opened in stores:
        try:
            reports.append(PruneReport(opened, prune(opened, needed, dry_run=dry_run)))
        except BusyStoreError:
            reports.append(PruneReport(opened, None))
    return reports


def _needed_keys(index: Index, memo: HashMemo) -> set[str]:
    """Return the keys of an index's clips: by their files as they are, and as indexed."""
    needed = set()
    for clip, key in zip(index.clips, clip_keys(index, memo), strict=True):
        if clip.sha256:
            needed.add(clip_key(clip.sha256, clip.start_s, clip.end_s))
        if isinstance(key, str):
            needed.add(key)
        elif not clip.sha256:
            raise DataError(
                f"{index.path} names {clip.path}: {key}. Its features cannot be distinguished from "
                "those that nobody needs. Bring it back, or take it out of the index"
            )
    return needed

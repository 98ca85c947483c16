"""Tidy up after a killed run."""

from __future__ import annotations

import logging

from audiotl_cli.errors import DataError
from audiotl_cli.store.pieces import LeftPieces
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.store.writer import is_closed

logger = logging.getLogger(__name__)


def tidy(store: FeatureStore) -> None:
    """Merge the small shards and delete the pieces that a killed run left in a store.

    Nothing happens while another process writes to the store, or where the folder is read-only.
    """
    try:
        shards = store.scanned().n_clips.items()
        n_open = sum(not is_closed(store, shard, n_clips) for shard, n_clips in shards)
        if n_open > 1 or store.has_leftovers():
            with store.writer(wait=False):
                LeftPieces(store.folder, (), store.dim).remove()
    except (OSError, DataError) as error:
        logger.debug("%s could not be cleaned up: %s", store.folder, error)

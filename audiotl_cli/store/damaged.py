"""What becomes of shards that are not what was written."""

from __future__ import annotations

import logging

from audiotl_cli.storage.paths import AnyPath, rename
from audiotl_cli.store.shard import DamagedShardError

logger = logging.getLogger(__name__)


def warn_of(error: DamagedShardError, shard: AnyPath) -> None:
    """Rename a damaged shard and say so."""
    logger.warning("%s; %s, its clips are made again", error, put_away(shard))


def set_aside(shard: AnyPath) -> AnyPath:
    """Rename a damaged shard so that nothing reads it as a shard.

    Returns
    -------
    path : Path or RemotePath
        Its new path; the old one where the folder cannot be written.
    """
    name = f"damaged-{shard.name}"
    try:
        return rename(shard, name)
    except FileNotFoundError:  # a run beside this one was faster
        return shard.with_name(name)
    except OSError:
        return shard


def put_away(shard: AnyPath) -> str:
    """Rename a damaged shard and return what to say of it."""
    aside = set_aside(shard)
    return "left in place" if aside == shard else f"moved to {aside.name}"

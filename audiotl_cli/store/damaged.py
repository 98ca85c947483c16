"""Set damaged shards aside."""

from __future__ import annotations

import logging

from audiotl_cli.storage.paths import AnyPath, rename
from audiotl_cli.store.shard import DamagedShardError

logger = logging.getLogger(__name__)


def warn_and_set_aside(error: DamagedShardError, shard: AnyPath) -> None:
    """Rename a damaged shard, and log a warning."""
    logger.warning("%s; %s, its clips will be extracted again", error, put_away(shard))


def set_aside(shard: AnyPath) -> AnyPath:
    """Rename a damaged shard so that nothing reads it as a shard.

    Returns
    -------
    path : Path or RemotePath
        Its new path, or the old one where the folder is read-only.
    """
    name = f"damaged-{shard.name}"
    try:
        return rename(shard, name)
    except FileNotFoundError:  # another process was faster
        return shard.with_name(name)
    except OSError:
        return shard


def put_away(shard: AnyPath) -> str:
    """Rename a damaged shard, and return a description of this for a message."""
    aside = set_aside(shard)
    return "left in place" if aside == shard else f"moved to {aside.name}"

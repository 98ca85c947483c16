"""Keep copies of immutable objects in the cache folder, so that they are fetched once.

Training reads every shard in every epoch, and evaluation reads them again.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import re
from pathlib import Path
from typing import BinaryIO

from audiotl_cli.files import cache_folder, is_regular, open_regular, remove_regular, write_whole
from audiotl_cli.storage.remote import RemotePath

logger = logging.getLogger(__name__)

_COPY = re.compile(r"[0-9a-f]{32}(\.[A-Za-z0-9]+)?")

MAX_BYTES = 10 << 30
"""For all copies together; those that were used longest ago are deleted first."""


def open_cached(path: RemotePath) -> BinaryIO:
    """Open an object that never changes, because it is named by its content.

    A copy is used only if the object still exists and has the same size. The caller checks whether
    the content is whole, and calls `forget` if not.

    Raises
    ------
    OSError, StorageError
        The object cannot be read; see `RemotePath`.
    """
    n_bytes = path.stat().st_size
    copy = _copy_of(path)
    try:
        if is_regular(copy) and copy.stat().st_size == n_bytes:
            os.utime(copy)
            return open_regular(copy)
    except OSError:
        pass
    data = path.read_bytes()
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        write_whole(copy, data, sync=False)
        _make_room(copy.parent)
    except OSError as error:  # such as a full disk: without a copy, reading is only slower
        logger.debug("%s could not be cached: %s", path, error)
    return io.BytesIO(data)


def forget(path: RemotePath) -> None:
    """Delete the copy of an object, if there is one."""
    with contextlib.suppress(OSError):
        remove_regular(_copy_of(path))


def _copy_of(path: RemotePath) -> Path:
    name = hashlib.sha256(path.url.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return cache_folder() / "shards" / f"{name}{path.suffix}"


def _make_room(folder: Path) -> None:
    copies = [path for path in folder.iterdir() if _COPY.fullmatch(path.name) and is_regular(path)]
    states = sorted((path.stat().st_mtime_ns, path.stat().st_size, path) for path in copies)
    n_bytes = sum(size for _, size, _ in states)
    for _, size, copy in states:
        if n_bytes <= MAX_BYTES:
            return
        remove_regular(copy)
        n_bytes -= size

"""Change and remove files under a lock, so that concurrent processes lose nothing."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from audiotl_cli.files import (
    NotAFileError,
    is_regular,
    read_if_there,
    real_path,
    write_whole,
)

logger = logging.getLogger(__name__)

LOCK_WAIT_S = 60.0
"""How long a process waits for another that is changing the same file."""

LOCK_SILENT_S = 1.0
"""A longer wait is reported."""

MAX_CHANGE_TRIES = 10
"""How often a change is retried because another program wrote the file meanwhile."""


class FileChangedError(OSError):
    """Another program wrote a file between the reading and the writing of a change."""


@contextlib.contextmanager
def locked(path: Path, *, wait_s: float | None = None) -> Iterator[None]:
    """Hold the lock of a file while it is read, changed and written.

    The lock is an empty hidden file beside the file, ``.NAME.lock``, which stays there. The
    system frees the lock when its process ends, however it ends. Reading needs no lock, because
    files are replaced whole. A thread may take a lock that it already holds.

    Parameters
    ----------
    path : Path
        In a folder that exists; the file need not exist.
    wait_s : float, optional
        How long to wait for another process or thread; `LOCK_WAIT_S` unless given.

    Raises
    ------
    TimeoutError
        Another process or thread holds the lock for longer than that.
    OSError
        The folder cannot be written.
    """
    import filelock

    wait_s = LOCK_WAIT_S if wait_s is None else wait_s
    lock_file = _lock_file(path)
    lock = filelock.FileLock(lock_file, is_singleton=True)
    try:
        try:
            lock.acquire(timeout=min(wait_s, LOCK_SILENT_S))
        except filelock.Timeout:
            logger.info("Waiting for another audiotl process that is changing %s", path)
            lock.acquire(timeout=max(wait_s - LOCK_SILENT_S, 0))
    except filelock.Timeout as error:
        raise TimeoutError(
            errno.ETIMEDOUT,
            f"is being changed by another audiotl process; waited {wait_s:g} s. Try again when "
            "that process has finished",
            str(path),
        ) from error
    except OSError as error:
        if os.path.lexists(lock_file) and not is_regular(lock_file):
            raise NotAFileError(
                errno.EINVAL,
                "the lock of a file belongs here, but this is a link, a folder or a device; "
                "delete it",
                str(lock_file),
            ) from error
        error.filename, error.filename2 = str(path), None
        raise
    try:
        yield
    finally:
        lock.release()


def change_file(
    path: Path, change: Callable[[bytes | None], bytes], *, sync: bool = True
) -> tuple[bytes | None, bytes]:
    """Read, change and write a file without losing concurrent changes by others.

    Other audiotl processes wait, see `locked`. If a program that ignores the lock, such as a
    spreadsheet, writes the file meanwhile, the change is applied again to its version.

    Parameters
    ----------
    path : Path
    change : callable
        Takes the content, None where there is no file, and returns the new content; may be
        called several times.
    sync : bool
        As for `write_whole`.

    Returns
    -------
    old : bytes or None
        The content that was changed.
    new : bytes
        The content that is there now; where it is the old one, nothing was written.

    Raises
    ------
    TimeoutError, OSError
        As `locked` and `write_whole`.
    """
    real = real_path(path)  # a link stays a link
    with locked(path):
        for _ in range(MAX_CHANGE_TRIES):
            old = read_if_there(real)
            new = change(old)
            if new == old:
                return old, new
            try:
                _write_instead_of(real, old, new, sync=sync)
            except FileChangedError:
                continue
            return old, new
    raise FileChangedError(
        errno.EBUSY,
        "is being changed by another program; close the file there and try again",
        str(path),
    )


def remove_file(path: Path) -> None:
    """Delete a file if it is there, and its lock with it.

    Raises
    ------
    TimeoutError, OSError
        As `locked`.
    """
    with locked(path):
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # Windows deletes no file that is open
            _lock_file(path).unlink()


def _lock_file(path: Path) -> Path:
    real = real_path(path)
    return real.with_name(f".{real.name.removeprefix('.')}.lock")


def _write_instead_of(path: Path, old: bytes | None, new: bytes, *, sync: bool) -> None:
    def check() -> None:
        if read_if_there(path) != old:
            raise FileChangedError(errno.EBUSY, "was changed by another program", str(path))

    write_whole(path, new, sync=sync, before_rename=check)

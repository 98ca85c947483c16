"""Create temporary files and folders, and delete those that killed runs left behind.

Files in use are locked. The system releases the lock when a process ends, even if it is killed, so
the next run can tell leftovers from files that others are using.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

FOLDER = re.compile(r"audiotl-[a-z0-9_]{8}")
FILE = re.compile(r"\..+\.\d+-[0-9a-f]{6}\.part", re.DOTALL)
"""Names given by `temporary_folder` and `files.write_whole`."""

STALE_S = 60.0
"""Younger files stay, because they may not be locked yet."""

_in_use: set[Path] = set()
_lock = threading.Lock()


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Yield a new temporary folder, by default in the system's folder for temporary files.

    Leftovers of killed runs in `parent` are deleted.
    """
    parent = parent or Path(tempfile.gettempdir())
    sweep_once(parent)
    folder = Path(tempfile.mkdtemp(prefix="audiotl-", dir=parent))
    try:
        with in_use(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def in_use(path: Path) -> Iterator[None]:
    """Lock a temporary file or folder of this process inside the context."""
    lock = _locked(path)
    with _lock:
        _in_use.add(path)
    try:
        yield
    finally:
        with _lock:
            _in_use.discard(path)
        if lock is not None:
            os.close(lock)


def delete_all() -> None:
    """Delete all temporary files of this process, which is about to end."""
    with _lock:
        paths = list(_in_use)
    for path in paths:
        _delete(path)


def sweep_temporary() -> None:
    """Sweep the system's folder for temporary files, and ignore errors."""
    with contextlib.suppress(OSError):
        sweep_once(Path(tempfile.gettempdir()))


def sweep_once(folder: Path) -> None:
    """Sweep a folder unless this process has done so."""
    _sweep_once(folder.absolute())


@cache
def _sweep_once(folder: Path) -> None:
    sweep(folder)


def sweep(folder: Path) -> None:
    """Delete the temporary files and folders that killed runs left in a folder.

    Files of other users, and files that may be in use, stay.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if FOLDER.fullmatch(entry.name) or FILE.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _sweep(Path(entry.path), entry.stat(follow_symlinks=False))


def _sweep(path: Path, status: os.stat_result) -> None:
    is_folder = stat.S_ISDIR(status.st_mode)
    if not is_folder and not stat.S_ISREG(status.st_mode):
        return
    if bool(FOLDER.fullmatch(path.name)) != is_folder or not _is_own(status):
        return
    if time.time() - status.st_mtime < STALE_S:
        return
    lock = _locked(path)
    if lock is not None:
        _delete(path)
        os.close(lock)


def _is_own(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _locked(path: Path) -> int | None:
    """Lock a file or folder and return the lock; None if it is in use or cannot be locked."""
    try:
        import fcntl
    except ImportError:  # Windows, where open files cannot be deleted anyway
        return None
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle

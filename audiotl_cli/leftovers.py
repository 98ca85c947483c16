"""Temporary files and folders: they go when they are done with, however a run ends.

One that is in use is locked. The system releases the lock when a process dies, even if it is
killed, so that the next run knows what is left of it from what others are using.
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
"""The names of `temporary_folder`, and of `files.write_whole`."""

STALE_S = 60.0
"""What is younger than this stays: between making and locking it, there is a moment."""

_in_use: set[Path] = set()
_lock = threading.Lock()


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Give a new folder for a while; by default in the system's folder for temporary files.

    What killed runs left in `parent` is deleted.
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
    """Lock a temporary file or folder of this process for a while."""
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
    """Delete whatever this process has in use: it is about to end, and will not get to it."""
    with _lock:
        paths = list(_in_use)
    for path in paths:
        _delete(path)


def sweep_temporary() -> None:
    """Sweep the system's folder for temporary files; what goes wrong is not worth a word."""
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

    Those of other users, and those that somebody may still be using, stay.
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
    """Return the lock of a file or folder; None if others have it, or nothing can be locked."""
    try:
        import fcntl
    except ImportError:  # Windows, where what is open cannot be deleted anyway
        return None
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle

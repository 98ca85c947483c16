"""Open, read, write, delete and digest files safely; find the cache and state folders."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from audiotl_cli import leftovers

SMALL = 1 << 20
"""Largest size of a small file, such as settings or a note, in bytes."""


def real_path(path: Path) -> Path:
    """Return an absolute path without symbolic links; circular links are kept."""
    return Path(os.path.realpath(path))  # Path.resolve() raises RuntimeError there


_LONG_NAME = 200
"""Bytes of a file name from which the temporary name made from it may be too long."""


class NotAFileError(OSError):
    """A named pipe, a socket or a device lies where a file is expected."""


def open_regular(path: Path, *, follow: bool = True) -> io.BufferedReader:
    """Open a file for reading; see `regular_descriptor`.

    Without `follow`, a symbolic link is refused (`NotAFileError`).
    """
    if not follow:
        refuse_link(path)
    return os.fdopen(regular_descriptor(path), "rb")


def is_regular(path: Path) -> bool:
    """Return whether a path is a regular file: not a link, folder, pipe or device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def remove_regular(path: Path) -> bool:
    """Delete a file if it is a regular file; return whether it was.

    A link, a folder or a device stays, because audiotl did not create it.
    """
    if not is_regular(path):
        return False
    path.unlink(missing_ok=True)
    return True


def refuse_link(path: Path) -> None:
    """Raise `NotAFileError` where a path is a symbolic link.

    Writing through it, or deleting in the folder it leads to, would change files elsewhere.
    """
    if path.is_symlink():
        raise NotAFileError(
            errno.ELOOP, "it is a symbolic link; expected a regular file", str(path)
        )


def read_regular(path: Path, max_bytes: int | None = None) -> bytes:
    """Return the content of a file; see `regular_descriptor`.

    Raises
    ------
    OSError
        The file cannot be read, or is larger than `max_bytes`.
    """
    with open_regular(path) as file:
        n_bytes = os.fstat(file.fileno()).st_size
        if max_bytes is not None and n_bytes > max_bytes:
            raise OSError(
                errno.EINVAL,
                f"it has {n_bytes:,} bytes, expected at most {max_bytes:,}",
                str(path),
            )
        return file.read() if max_bytes is None else file.read(max_bytes)


def regular_descriptor(path: Path) -> int:
    """Open a file for reading, but never a named pipe or a device.

    An untrusted data set may contain them: reading may block for ever or never end.

    Raises
    ------
    OSError
        The file does not exist, cannot be read, is a folder, or is a pipe or device
        (`NotAFileError`).
    """
    try:
        require_regular(os.stat(path), path)  # noqa: PTH116  (opening some devices has effects)
        extra = (getattr(os, name, 0) for name in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY"))
        descriptor = os.open(path, os.O_RDONLY | sum(extra))
    except ValueError as error:  # a NUL byte, or an invalid character
        raise OSError(errno.EINVAL, "this is not a valid file name", str(path)) from error
    try:
        require_regular(os.fstat(descriptor), path)  # as it was opened
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def require_regular(state: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder; expected a regular file", str(path))
    if not stat.S_ISREG(state.st_mode):
        raise NotAFileError(
            errno.EINVAL, "it is a pipe, a socket or a device; expected a regular file", str(path)
        )


def head_of(path: Path, n_bytes: int) -> bytes:
    """Return the first bytes of a file; none where it cannot be read."""
    try:
        with open_regular(path) as file:
            return file.read(n_bytes)
    except OSError:
        return b""


def read_if_there(path: Path) -> bytes | None:
    """Return the content of a file, or None if it does not exist."""
    try:
        return read_regular(path)
    except FileNotFoundError:
        return None


def write_whole(
    path: Path,
    data: bytes | memoryview,
    *,
    sync: bool = True,
    before_rename: Callable[[], None] = lambda: None,
) -> None:
    """Write a file under a temporary name and rename it into place.

    Readers see either the old file or the complete new one.

    Parameters
    ----------
    path : Path
        In a folder that exists.
    data : bytes
    sync : bool
        Whether to wait until the data is on disk, so that it survives a power cut. Without this,
        it still survives the death of this process.
    before_rename : callable
        Called just before the rename; an exception leaves the old file in place.

    Raises
    ------
    OSError
        The folder cannot be written, the disk is full, or the path is a folder, pipe, socket or
        device. The old file stays.
    """
    if os.path.exists(path):  # noqa: PTH110  (links may be circular)
        require_regular(path.stat(), path)
    # processes on machines that share a disk may have the same ID
    name = path.name if len(os.fsencode(path.name)) < _LONG_NAME else "long"
    part = path.with_name(f".{name}.{os.getpid()}-{secrets.token_hex(3)}.part")
    leftovers.sweep_once(path.parent)
    try:
        with part.open("wb") as file, leftovers.in_use(part):
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        before_rename()
        part.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            error.filename, error.filename2 = str(path), None
        raise
    if sync:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def cache_folder() -> Path:
    """Return the folder for downloads: ``AUDIOTL_CACHE`` or the user's cache folder."""
    chosen = os.environ.get("AUDIOTL_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("audiotl"))


def state_folder() -> Path:
    """Return the folder for persistent state: ``AUDIOTL_STATE`` or the user's state folder."""
    chosen = os.environ.get("AUDIOTL_STATE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_state_dir("audiotl"))


def digest(path: Path, kind: str) -> str:
    """Return a digest of a file in hexadecimal.

    Parameters
    ----------
    path : Path
    kind : {"sha256", "md5", "gitblob"}
        ``gitblob`` is the file's git object ID: the SHA-1 of a header and its bytes.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    # md5 and SHA-1 are publishers' choices: they tell a damaged file from a whole one
    algorithm = "sha1" if kind == "gitblob" else kind
    state = hashlib.new(algorithm, usedforsecurity=kind == "sha256")
    with open_regular(path) as file:
        if kind == "gitblob":
            state.update(b"blob %d\0" % path.stat().st_size)
        while chunk := file.read(1 << 20):
            state.update(chunk)
    return state.hexdigest()

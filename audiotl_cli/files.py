"""Open files that are files, write them whole or not at all, and change them one process at a
time; tables that no spreadsheet takes for formulas; digests; the cache and the state folder.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import logging
import os
import re
import secrets
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from audiotl_cli import leftovers

logger = logging.getLogger(__name__)

SMALL = 1 << 20
"""Bytes of a file of settings, a note or the like, which is a few hundred: at most."""


def real_path(path: Path) -> Path:
    """Return an absolute path without links; those that go round in circles stay as they are."""
    return Path(os.path.realpath(path))  # Path.resolve() raises RuntimeError there


_LONG_NAME = 200
"""Bytes of a file's name from which a temporary one, made of it, might be too long."""


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
    """Return whether a path is a file itself: no link, folder, pipe or device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def remove_regular(path: Path) -> bool:
    """Delete a file if it is a regular one; return whether it was.

    Whatever else has its name stays: a link, a folder or a device is nothing we wrote.
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
        raise NotAFileError(errno.ELOOP, "it is a symbolic link; expected a file", str(path))


def read_regular(path: Path, max_bytes: int | None = None) -> bytes:
    """Return the content of a file; see `regular_descriptor`.

    Raises
    ------
    OSError
        Also if it is larger than `max_bytes`.
    """
    with open_regular(path) as file:
        n_bytes = os.fstat(file.fileno()).st_size
        if max_bytes is not None and n_bytes > max_bytes:
            raise OSError(
                errno.EINVAL,
                f"it holds {n_bytes:,} bytes, expected at most {max_bytes:,}",
                str(path),
            )
        return file.read() if max_bytes is None else file.read(max_bytes)


def regular_descriptor(path: Path) -> int:
    """Open a file for reading, but never wait for a named pipe, nor read from a device.

    Whoever makes the files of a data set may put those there as well: reading from them takes
    for ever, or gives bytes without end.

    Raises
    ------
    OSError
        The file is not there, cannot be read, is a folder, or is none (`NotAFileError`).
    """
    try:
        _need_file(os.stat(path), path)  # noqa: PTH116  (some devices act when they are opened)
        extra = (getattr(os, name, 0) for name in ("O_BINARY", "O_NONBLOCK", "O_NOCTTY"))
        descriptor = os.open(path, os.O_RDONLY | sum(extra))
    except ValueError as error:  # a NUL byte, or half of a character
        raise OSError(errno.EINVAL, "no file can have this name", str(path)) from error
    try:
        _need_file(os.fstat(descriptor), path)  # as it was opened
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _need_file(state: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder; expected a file", str(path))
    if not stat.S_ISREG(state.st_mode):
        raise NotAFileError(
            errno.EINVAL, "it is a pipe, a socket or a device; expected a file", str(path)
        )


LOCK_WAIT_S = 60.0
"""How long a process waits for another that is changing the same file."""

APPEND_WAIT_S = 5.0
"""The same, where lines are appended: that takes no time, and they only spare work."""

LOCK_SILENT_S = 1.0
"""A wait that is longer is announced."""

MAX_CHANGE_TRIES = 10
"""How often a change is made anew because another program wrote the file meanwhile."""


class FileChangedError(OSError):
    """Another program wrote a file between the reading and the writing of a change."""


@contextlib.contextmanager
def locked(path: Path, *, wait_s: float | None = None) -> Iterator[None]:
    """Hold the lock of a file for as long as it is read, changed and written.

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
            logger.info("Waiting for another audiotl that is changing %s", path)
            lock.acquire(timeout=max(wait_s - LOCK_SILENT_S, 0))
    except filelock.Timeout as error:
        raise TimeoutError(
            errno.ETIMEDOUT,
            f"is being changed by another audiotl; waited {wait_s:g} s. Try again when that has "
            "finished",
            str(path),
        ) from error
    except OSError as error:
        if os.path.lexists(lock_file) and not is_regular(lock_file):
            raise NotAFileError(
                errno.EINVAL,
                "is where the lock of a file lies, but is a link, a folder or a device; delete it",
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
    """Read a file, change it, and write it, without losing what anybody else writes meanwhile.

    Other processes of this program wait, see `locked`. A program that knows no such lock, a
    spreadsheet for instance, is noticed: its version is read, and changed in its turn.

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
        errno.EBUSY, "is being changed by another program; close it there, and try again", str(path)
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


def read_if_there(path: Path) -> bytes | None:
    """Return the content of a file, or None where there is no file."""
    try:
        return read_regular(path)
    except FileNotFoundError:
        return None


def _write_instead_of(path: Path, old: bytes | None, new: bytes, *, sync: bool) -> None:
    def check() -> None:
        if read_if_there(path) != old:
            raise FileChangedError(errno.EBUSY, "was changed by another program", str(path))

    write_whole(path, new, sync=sync, before_rename=check)


def write_whole(
    path: Path,
    data: bytes | memoryview,
    *,
    sync: bool = True,
    before_rename: Callable[[], None] = lambda: None,
) -> None:
    """Write a file under a temporary name and rename it into place.

    Readers see the old file or the whole new one, never a part.

    Parameters
    ----------
    path : Path
        In a folder that exists.
    data : bytes
    sync : bool
        Whether to wait until the disk has it, so that a power cut cannot take it back.
        Without, it still survives the death of this process.
    before_rename : callable
        Called at the last moment; what it raises leaves the old file in place.

    Raises
    ------
    OSError
        The folder cannot be written, or the disk is full; says which file. The old one stays.
        Or a folder, pipe, socket or device lies there: a device is never replaced by a file.
    """
    if os.path.exists(path):  # noqa: PTH110  (links may go round in circles)
        _need_file(path.stat(), path)
    # machines that share a disk may have processes of the same number
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
    """Wait until the disk has the names in a folder."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


MAX_LINE_BYTES = 1 << 20
"""A longer line is none of ours: the fingerprint of ten minutes of sound takes a fifth of this."""

MAX_LINES_BYTES = 4 << 30
"""What is read of a file of lines: the measurements of a million recordings."""


def read_lines(path: Path) -> Iterator[bytes]:
    """Read what `append_lines` wrote; lines that were cut off or damaged are left out.

    Lines of more than `MAX_LINE_BYTES`, and what follows the first `MAX_LINES_BYTES`, are left
    out as well.
    """
    n_bytes = 0
    with contextlib.suppress(OSError), open_regular(path) as file:
        while n_bytes < MAX_LINES_BYTES and (row := file.readline(MAX_LINE_BYTES)):
            n_bytes += len(row)
            check, _, line = row.removesuffix(b"\n").partition(b"\t")
            if check == _check_sum(line):
                yield line


def append_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Append lines, each with a check sum; its folder is made if need be.

    Parameters
    ----------
    path : Path
    lines : iterable of bytes
        Without line breaks.

    Raises
    ------
    TimeoutError
        As `locked`.
    OSError
        The file cannot be written, or is a link or no regular file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    refuse_link(path)
    if path.exists():
        _need_file(path.stat(), path)
    data = b"".join(_check_sum(line) + b"\t" + line + b"\n" for line in lines)
    with locked(path, wait_s=APPEND_WAIT_S), path.open("ab+") as file:
        if ends_within_a_line(file):
            data = b"\n" + data
        file.write(data)


def ends_within_a_line(file: io.BufferedRandom | io.FileIO) -> bool:
    """Return whether a process was killed while it appended."""
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def _check_sum(line: bytes) -> bytes:
    return f"{zlib.crc32(line):08x}".encode()


_SIGNS = "=+@\\-\uff1d\uff0b\uff0d\uff20"  # as some keyboards have them, too
_SOME_SIGN = re.compile(rf"[{_SIGNS}\t\r]")
_BEGIN = r"((?:^|[,;\t\r\n])[ \v\f\xa0\"']*)"
_FORMULA = re.compile(rf"{_BEGIN}([{_SIGNS}])|^('*)(?=[\t\r])")
_SAFE_FORMULA = re.compile(rf"{_BEGIN}'([{_SIGNS}])|^('*)'(?=[\t\r])")


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV; text that a spreadsheet would take for a formula is marked for it."""
    text = io.StringIO()
    csv.writer(text).writerows([safe_cell(value) for value in row] for row in rows)
    return text.getvalue()


def safe_cell(value: object) -> object:
    """Return a cell that no spreadsheet computes; `plain_cell` gives it back.

    Spreadsheets split a line at commas, semicolons or tabs, as the language of the system has
    it, whatever a file is written with. So a ``'`` is put before the sign of a formula wherever
    a cell could begin with it: ``a;=b`` becomes ``a;'=b``.
    """
    if isinstance(value, str):
        if not _SOME_SIGN.search(value):  # most cells, and much sooner
            return value
        return _FORMULA.sub(r"\1\3'\2", value)
    return "" if value is None else value


def plain_cell(text: str) -> str:
    """Return the text that `safe_cell` made a cell of; other text is returned as it is."""
    return _SAFE_FORMULA.sub(r"\1\3\2", text) if "'" in text else text


def cache_folder() -> Path:
    """Return the folder for downloads: ``AUDIOTL_CACHE`` or the user's cache folder."""
    chosen = os.environ.get("AUDIOTL_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("audiotl"))


def state_folder() -> Path:
    """Return the folder for what is remembered: ``AUDIOTL_STATE`` or the user's state folder."""
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
        ``gitblob`` is the id git gives the file: the SHA-1 of a header and its bytes.

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

"""Open files that are files; write them whole or not at all, and tables that no spreadsheet takes
for formulas; digests; and where the cache folder is.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import os
import re
import secrets
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

SMALL = 1 << 20
"""Bytes of a file of settings, a note or the like, which is a few hundred: at most."""


def real_path(path: Path) -> Path:
    """Return an absolute path without links; those that go round in circles stay as they are."""
    return Path(os.path.realpath(path))  # Path.resolve() raises RuntimeError there


_LONG_NAME = 200
"""Bytes of a file's name from which a temporary one, made of it, might be too long."""


class NotAFileError(OSError):
    """A named pipe, a socket or a device lies where a file is expected."""


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file for reading; see `regular_descriptor`."""
    return os.fdopen(regular_descriptor(path), "rb")


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


def write_whole(path: Path, data: bytes | memoryview, *, sync: bool = True) -> None:
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
    try:
        with part.open("wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
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


MAX_LINE = 1 << 16
"""Bytes of a line that `read_lines` reads: more than any path is long."""


def read_lines(path: Path) -> Iterator[bytes]:
    """Read what `append_lines` wrote; lines that were cut off or damaged are left out."""
    with contextlib.suppress(OSError), open_regular(path) as file:
        while row := file.readline(MAX_LINE):
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
    OSError
        The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        _need_file(path.stat(), path)
    # one write to a file opened for appending: runs side by side do not mix their lines
    with path.open("ab") as file:
        file.write(b"".join(_check_sum(line) + b"\t" + line + b"\n" for line in lines))


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

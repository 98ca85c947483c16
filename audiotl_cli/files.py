"""Write files whole or not at all, tables no spreadsheet takes for formulas; tell digests; and
where the cache folder and the state folder are.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path


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
    """
    # machines that share a disk may have processes of the same number
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.part")
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


def read_lines(path: Path) -> Iterator[bytes]:
    """Read what `append_lines` wrote; lines that were cut off or damaged are left out."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        for row in file:
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
    # one write to a file opened for appending: runs side by side do not mix their lines
    with path.open("ab") as file:
        file.write(b"".join(_check_sum(line) + b"\t" + line + b"\n" for line in lines))


def _check_sum(line: bytes) -> bytes:
    return f"{zlib.crc32(line):08x}".encode()


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV; text that a spreadsheet would take for a formula is quoted for it."""
    text = io.StringIO()
    csv.writer(text).writerows([safe_cell(value) for value in row] for row in rows)
    return text.getvalue()


def safe_cell(value: object) -> object:
    """Return a cell no spreadsheet computes: text that begins like a formula gets a ``'``."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return "" if value is None else value


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
    with path.open("rb") as file:
        if kind == "gitblob":
            state.update(b"blob %d\0" % path.stat().st_size)
        while chunk := file.read(1 << 20):
            state.update(chunk)
    return state.hexdigest()

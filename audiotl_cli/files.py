"""Write files whole or not at all, and tables whose names no spreadsheet takes for formulas."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import secrets
from collections.abc import Iterable
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

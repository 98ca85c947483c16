"""Keeps ``audiotl index`` from overwriting an index that was edited.

The hash of the index as it was written is kept beside it, in ``.NAME.csv.sha256``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.files import change_file, locked, read_regular, write_whole


def replace_index(index: Index, path: Path, check: Callable[[bytes | None], None]) -> Index:
    """Write an index and the hash of it, and return the index with its new place.

    Parameters
    ----------
    index : Index
    path : Path
    check : callable
        Takes the content of the file that is to be replaced, None where there is none, while
        no other process of this program can change it; raises an error to keep it.

    Raises
    ------
    TimeoutError
        Another process is changing the file, see `files.locked`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)

    def change(old: bytes | None) -> bytes:
        check(old)
        return index.as_csv(path.parent)

    with locked(path):
        change_file(path, change)
        write_whole(_hash_file(path), f"{index.sha256()}\n".encode())
    return replace(index, path=path)


def is_edited(path: Path, data: bytes | None) -> bool:
    """Return whether the content of an index file is not, row by row, what was written.

    Parameters
    ----------
    path : Path
    data : bytes or None
        None where there is no such file.
    """
    if data is None:
        return False
    try:
        saved = read_regular(_hash_file(path), 1 << 10).decode().strip()
        return saved != Index.read(path, data).sha256()
    except (OSError, ValueError, DataError):  # no hash, or nothing that was written here
        return True


def _hash_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")

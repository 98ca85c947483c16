"""Writes indexes that audiotl made, and recognises those that somebody else made or edited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from audiotl_cli.dataset.index import Index, index_content
from audiotl_cli.locks import change_file
from audiotl_cli.written import WrittenFiles


def change_index(path: Path, change: Callable[[bytes | None], Index]) -> Index:
    """Write an index, list it as audiotl's own, and return it with its new place.

    Parameters
    ----------
    path : Path
    change : callable
        Takes the content of the file that is to be replaced, None where there is none, while
        no other process of this program can change it; returns the index to write, or raises
        an error to keep the file. May be called several times.

    Raises
    ------
    TimeoutError
        Another process is changing the file, see `locks.locked`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    index = Index([], path.parent)

    def change_and_list(old: bytes | None) -> bytes:
        nonlocal index
        index = change(old)
        # before it is written: a kill in between makes no stranger of it
        WrittenFiles(index_content).mark(path, index.sha256())
        return index.as_csv(path.parent)

    change_file(path, change_and_list)
    return replace(index, path=path)


def is_edited(path: Path, data: bytes | None) -> bool:
    """Return whether the content of an index file is not, row by row, what audiotl wrote.

    Parameters
    ----------
    path : Path
    data : bytes or None
        None where there is no such file.
    """
    if data is None:
        return False
    return not WrittenFiles(index_content).is_listed(path, index_content(path, data))

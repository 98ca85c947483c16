"""Writes indexes that audiotl made, and recognises those that somebody else made or edited."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from audiotl_cli.dataset.index import Index, index_content
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.files import read_if_there
from audiotl_cli.locks import change_file, locked
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.written import WrittenFiles, check_folder


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


def check_replaceable(out: Path, sources: Sequence[AnyPath], *, overwrite: bool) -> bytes | None:
    """Return the content of an index that is to be replaced; None if there is none.

    Parameters
    ----------
    out : Path
        The index.
    sources : sequence of Path or RemotePath
        What the new index is made from.
    overwrite : bool
        Whether an index that was edited may be lost.

    Raises
    ------
    UsageError
        The index is one of the sources, or was edited; or its folder cannot be written into.
    """
    check_folder(out.parent)
    local = [source for source in sources if isinstance(source, Path)]
    if any(out.exists() and source.exists() and out.samefile(source) for source in local):
        raise UsageError(f"{out} is what the index is made from; name another file with --out")
    if not os.path.lexists(out):
        return None
    with locked(out):  # another run may be writing it
        written = WrittenFiles(index_content)
        before = read_if_there(out) if out.is_file() else None
        edited = not written.is_free(out)
        if overwrite:
            written.claim([out], overwrite=True)
    if edited and not overwrite:
        raise UsageError(
            f"{out} is not as audiotl index wrote it: somebody edited or made it. Keep it and "
            "write another with --out FILE or --name NAME, or lose it with --overwrite"
        )
    return before


def replace_index(index: Index, out: Path, before: bytes | None) -> Index:
    """Write an index, unless the file was edited since `check_replaceable` returned `before`."""

    def change(now: bytes | None) -> Index:
        if now != before and is_edited(out, now):
            raise DataError(
                f"{out} was changed while audiotl index was reading the recordings, and is left as "
                "it is. Write another index with --out FILE or --name NAME, or run the same "
                "command with --overwrite to lose the change; recordings are not read again"
            )
        return index

    return change_index(out, change)

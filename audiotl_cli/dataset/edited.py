"""Tells an index that somebody worked on from one that ``audiotl index`` may write anew.

Beside an index lies the hash of what was written, in ``.NAME.csv.sha256``.
"""

from __future__ import annotations

from pathlib import Path

from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.files import read_regular, write_whole


def remember(index: Index, path: Path) -> None:
    """Note what an index says, now that it has been written."""
    write_whole(_note(path), f"{index.sha256()}\n".encode())


def was_edited(path: Path) -> bool:
    """Return whether there is an index that is not, row by row, as it was written."""
    if not path.exists():
        return False
    try:
        return read_regular(_note(path), 1 << 10).decode().strip() != Index.read(path).sha256()
    except (OSError, ValueError, DataError):  # no note, or nothing that was written here
        return True


def _note(path: Path) -> Path:
    return path.with_name(f".{path.name}.sha256")

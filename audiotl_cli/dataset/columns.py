"""Columns of tables about recordings: what they mean, and which files they name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from audiotl_cli.audio.decode import find_recordings
from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.options import COLUMN_OPTIONS, IndexOptions
from audiotl_cli.dataset.reading import read_columns
from audiotl_cli.dataset.rows import Row, read_rows
from audiotl_cli.dataset.table import list_columns
from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath, relative

SPLIT_NAMES = {
    "train": "train", "training": "train", "dev": "valid", "valid": "valid",
    "validation": "valid", "val": "valid", "test": "test", "testing": "test", "eval": "test",
    "evaluation": "test",
}  # fmt: skip
"""Names of folders, or values in a table, that mean a split."""


def named_columns(options: IndexOptions) -> dict[str, str]:
    """Return the columns that options name, by what they hold."""
    found = {name: getattr(options, f"{name}_column") for name in COLUMN_OPTIONS}
    return {name: column for name, column in found.items() if column}


def column_by_path(
    path: AnyPath, root: AnyPath, column: str, named: Mapping[str, str]
) -> dict[str, str]:
    """Return the cells of a further column of a table, by the path of the clip.

    Raises
    ------
    DataError
        The table has no such column.
    """
    table, find = read_rows(path), Finder(root)
    if column not in table.columns:
        raise DataError(
            f"{path} has the columns {list_columns(table.columns)}; expected {column!r}"
        )
    roles = read_columns(table, named).roles
    return {find_row(row, roles, find): row.cells[column] for row in table.rows}


def find_row(row: Row, roles: Mapping[str, str], find: Finder) -> str:
    """Return the path of the recording that a row of a table is about, as `Finder` does."""
    name = row.cells[roles["path"]]
    folder = row.cells[roles["folder"]].replace("\\", "/").strip("/") if "folder" in roles else ""
    below = f"{folder}/{name}" if folder and name else name
    return find(below) if find.exists(below) or not find.exists(name) else name


class Finder:
    """Finds the recordings that a table names below a folder, which is searched only once."""

    def __init__(self, root: AnyPath) -> None:
        self.root = root
        self.exists = _existence_test(root)
        self._by_name: dict[str, list[str]] | None = None

    def __call__(self, text: str) -> str:
        """Return the path of a recording relative to the root.

        If there is no file at the path, a file of that name is searched; if there is none or
        several, the path is returned as it is.
        """
        path = text.replace("\\", "/")
        if not path or self.exists(path):
            return path
        if self.exists(plain := plain_cell(path)):  # written by audiotl, see `safe_cell`
            return plain
        if self._by_name is None:
            self._by_name = {}
            for file in find_recordings(self.root):
                self._by_name.setdefault(file.name, []).append(relative(file, self.root))
        same = self._by_name.get(PurePosixPath(path).name, [])
        return same[0] if len(same) == 1 else path


def _existence_test(root: AnyPath) -> Callable[[str], bool]:
    """Return a function that says if a file exists; on object storage, files are listed once."""
    if isinstance(root, Path):
        return lambda path: "://" in path or os.path.exists(root / path)  # noqa: PTH110
    names = {relative(path, root) for path in root.files()}
    return lambda path: "://" in path or path in names

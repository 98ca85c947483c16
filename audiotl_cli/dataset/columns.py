"""Columns of tables about recordings, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping

from audiotl_cli.dataset.finder import Finder
from audiotl_cli.dataset.options import COLUMN_OPTIONS, IndexOptions
from audiotl_cli.dataset.reading import read_columns
from audiotl_cli.dataset.rows import Row, read_rows
from audiotl_cli.dataset.table import list_columns
from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath

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
    names = [recording_of(row, roles) for row in table.rows]
    find.expect(names)
    return {find(name): row.cells[column] for name, row in zip(names, table.rows, strict=True)}


def recording_of(row: Row, roles: Mapping[str, str]) -> str:
    """Return the name of the recording that a row is about, in the folder of another column."""
    name = row.cells[roles["path"]]
    folder = row.cells[roles["folder"]] if "folder" in roles else ""
    return f"{folder.rstrip('/').rstrip(chr(92))}/{name}" if folder and name else name

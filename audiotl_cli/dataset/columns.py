"""Columns of tables about recordings, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass

from audiotl_cli.dataset.finder import Finder
from audiotl_cli.dataset.options import COLUMN_OPTIONS, IndexOptions
from audiotl_cli.dataset.rows import Table, read_rows
from audiotl_cli.dataset.table import list_columns
from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath

SPLIT_NAMES = {
    "train": "train", "training": "train", "dev": "valid", "valid": "valid",
    "validation": "valid", "val": "valid", "test": "test", "testing": "test", "eval": "test",
    "evaluation": "test",
}  # fmt: skip
"""Names of folders, or values in a table, that mean a split."""

USUAL_NAMES = {
    "path": (
        "path", "file_name", "filename", "file", "fname", "audio", "filepath", "file_path",
        "audio_path", "audio_file", "wav", "wav_path", "recording", "begin_file",
    ),
    "label": (
        "label", "labels", "category", "class", "class_name", "target", "genre", "species",
        "scene_label", "event_label", "tag", "tags",
    ),
    "split": ("split", "subset", "partition"),
    "fold": ("fold",),
    "group": (
        "group", "speaker", "speaker_id", "src_file", "source_file", "artist", "artist_id",
        "subject", "subject_id", "recording_id", "site",
    ),
    "start_s": ("start_s", "start", "start_time", "start_seconds", "onset", "begin"),
    "end_s": ("end_s", "end", "end_time", "end_seconds", "offset"),
}  # fmt: skip
"""Usual names of columns, the most likely first, in upper or lower case."""


@dataclass(frozen=True)
class Columns:
    """Names of columns to use instead of the usual ones.

    Parameters
    ----------
    path, label, group, fold, split : str or None
    """

    path: str | None = None
    label: str | None = None
    group: str | None = None
    fold: str | None = None
    split: str | None = None

    @classmethod
    def of(cls, options: IndexOptions) -> Columns:
        """Return the names that options give."""
        return cls(**{name: getattr(options, f"{name}_column") for name in COLUMN_OPTIONS})


DEFAULT_COLUMNS = Columns()


def choose_columns(table: Table, columns: Columns = DEFAULT_COLUMNS) -> dict[str, str]:
    """Return the columns of a table by the field of a clip that they fill, at least the path's."""
    by_name = {name.strip().casefold(): name for name in reversed(table.columns)}
    found: dict[str, str] = {}
    for field, usual in USUAL_NAMES.items():
        named = getattr(columns, field, None)
        wanted = (named,) if named else usual
        column = next(
            (by_name[name.casefold()] for name in wanted if name.casefold() in by_name), None
        )
        if column is not None:
            found[field] = column
        elif named or field == "path":
            option = f" (--{field}-column)" if named else "; or name it with --path-column"
            raise DataError(
                f"{table.path} has the columns {list_columns(table.columns)}; expected "
                f"one of {', '.join(wanted)}{option}"
            )
    return found


def column_by_path(
    path: AnyPath, root: AnyPath, column: str, columns: Columns = DEFAULT_COLUMNS
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
    of_path = choose_columns(table, columns)["path"]
    find.expect(row.cells.get(of_path, "") for row in table.rows)
    return {find(row.cells.get(of_path, "")): row.cells.get(column, "") for row in table.rows}

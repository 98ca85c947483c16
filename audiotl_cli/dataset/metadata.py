"""Clips from a table about recordings: which column means what, and where the files are."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from audiotl_cli.audio.decode import find_recordings
from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.build import SPLIT_NAMES
from audiotl_cli.dataset.index import Clip, check_clip
from audiotl_cli.dataset.rows import Row, Table, read_rows
from audiotl_cli.dataset.table import list_columns
from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath, relative

logger = logging.getLogger(__name__)

USUAL = {
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
"""What columns are usually called, the likeliest first; upper and lower case are the same."""


@dataclass(frozen=True)
class Columns:
    """Names of columns to take instead of the usual ones.

    Parameters
    ----------
    path, label, group, fold, split : str or None
    """

    path: str | None = None
    label: str | None = None
    group: str | None = None
    fold: str | None = None
    split: str | None = None


def clips_from_table(path: AnyPath, root: AnyPath, columns: Columns = Columns()) -> list[Clip]:
    """Read clips from a table with a header; see `rows.read_rows` for its forms.

    Parameters
    ----------
    path : Path or RemotePath
    root : Path or RemotePath
        What its paths are relative to. A file that is not there is looked for by its name
        in the folders below.
    columns : Columns

    Raises
    ------
    DataError
        The file is missing, is no such table, or misses a column.
    UsageError
        It is Parquet, and pyarrow is not installed.
    """
    table = read_rows(path)
    found = choose_columns(table, columns)
    if not table.rows:
        raise DataError(f"{path} lists no recordings")
    taken = ", ".join(f"{field} from {name!r}" for field, name in found.items() if field != name)
    if taken:
        logger.info("%s: %s", path.name, taken)
    find = Finder(root)
    return [_clip(row, found, find) for row in table.rows]


def choose_columns(table: Table, columns: Columns = Columns()) -> dict[str, str]:
    """Return the column of every field of a clip that a table has, the path's at least."""
    by_name = {name.strip().casefold(): name for name in reversed(table.columns)}
    found: dict[str, str] = {}
    for field, usual in USUAL.items():
        named = getattr(columns, field, None)
        wanted = (named,) if named else usual
        column = next(
            (by_name[one.casefold()] for one in wanted if one.casefold() in by_name), None
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
    path: AnyPath, root: AnyPath, column: str, columns: Columns = Columns()
) -> dict[str, str]:
    """Return the cells of one more column of a table by the path of the clip.

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
    return {find(row.cells.get(of_path, "")): row.cells.get(column, "") for row in table.rows}


class Finder:
    """Where the recordings of a table are, below a folder that is looked through once."""

    def __init__(self, root: AnyPath) -> None:
        self.root = root
        self._exists = _looked_for_in(root)
        self._by_name: dict[str, list[str]] | None = None

    def __call__(self, text: str) -> str:
        """Return a path relative to the root; as it is, where no file or several fit."""
        path = text.replace("\\", "/")
        if not path or self._exists(path):
            return path
        if self._exists(plain := plain_cell(path)):  # a table of our own, see `safe_cell`
            return plain
        if self._by_name is None:
            self._by_name = {}
            for one in find_recordings(self.root):
                self._by_name.setdefault(one.name, []).append(relative(one, self.root))
        same = self._by_name.get(PurePosixPath(path).name, [])
        return same[0] if len(same) == 1 else path


def _looked_for_in(root: AnyPath) -> Callable[[str], bool]:
    """Return what tells whether a file is there: of object storage, all are listed once."""
    if isinstance(root, Path):
        return lambda path: "://" in path or os.path.exists(root / path)  # noqa: PTH110
    names = {relative(path, root) for path in root.files()}
    return lambda path: "://" in path or path in names


def _clip(row: Row, found: Mapping[str, str], find: Finder) -> Clip:
    def cell(field: str) -> str:
        return row.cells.get(found[field], "") if field in found else ""

    split = cell("split")
    clip = Clip(
        path=find(cell("path")),
        label=cell("label"),
        split=SPLIT_NAMES.get(split.lower(), split),
        fold=cell("fold"),
        group=cell("group"),
        start_s=seconds(cell("start_s"), row.where),
        end_s=seconds(cell("end_s"), row.where),
    )
    check_clip(clip, row.where)
    return clip


def seconds(text: str, where: str) -> float | None:
    """Return a cell as seconds; None where it is empty."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise DataError(f"{where}: {text!r} is not a number of seconds") from error
    if not math.isfinite(value):
        raise DataError(f"{where}: {text!r} is not a number of seconds")
    return value


def audiofolder_tables(source: Path) -> list[Path]:
    """Return the ``metadata`` tables of an audiofolder, as Hugging Face's datasets have them.

    It is one of `source` itself, or one in each of its folders that are called like splits;
    with a column ``file_name``.
    """
    names = [f"metadata{suffix}" for suffix in (".csv", ".jsonl", ".parquet")]
    folders = [source]
    if source.is_dir():
        folders += [one for one in sorted(source.iterdir()) if one.name.lower() in SPLIT_NAMES]
    tables = []
    for folder in folders:
        table = next((folder / name for name in names if (folder / name).is_file()), None)
        if table is not None and "file_name" in read_rows(table).columns:
            tables.append(table)
    return tables[:1] if tables and tables[0].parent == source else tables


def clips_from_audiofolder(
    source: Path, tables: Sequence[Path], columns: Columns = Columns()
) -> list[Clip]:
    """Read clips of an audiofolder; where it has no column of splits, its folders are splits.

    Parameters
    ----------
    source : Path
    tables : sequence of Path
        From `audiofolder_tables`; their paths are relative to their own folders.
    columns : Columns
    """
    clips = []
    for table in tables:
        below = PurePosixPath(table.parent.relative_to(source).as_posix())
        clips += [
            replace(clip, path=str(below / clip.path))
            for clip in clips_from_table(table, table.parent, columns)
        ]
    firsts = [PurePosixPath(clip.path).parts[0].lower() for clip in clips]
    if any(clip.split for clip in clips) or not all(first in SPLIT_NAMES for first in firsts):
        return clips
    return [
        replace(clip, split=SPLIT_NAMES[first]) for clip, first in zip(clips, firsts, strict=True)
    ]

"""A table with a row a clip: CSV, TSV, JSON lines or Parquet."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from audiotl_cli.dataset.columns import (
    DEFAULT_COLUMNS,
    SPLIT_NAMES,
    Columns,
    choose_columns,
)
from audiotl_cli.dataset.finder import Finder, count_unnamed
from audiotl_cli.dataset.index import Clip, check_clip
from audiotl_cli.dataset.layouts.registry import Layout, Request, Source
from audiotl_cli.dataset.numbers import parse_seconds
from audiotl_cli.dataset.rows import Row, read_rows
from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath

logger = logging.getLogger(__name__)


def clips_from_table(
    path: AnyPath,
    root: AnyPath,
    columns: Columns = DEFAULT_COLUMNS,
    find: Finder | None = None,
) -> list[Clip]:
    """Read clips from a table with a header; see `rows.read_rows` for its forms.

    Parameters
    ----------
    path : Path or RemotePath
    root : Path or RemotePath
        What its paths are relative to. A file that is not at its path is searched by its name
        in the folders below, see `Finder`.
    columns : Columns
    find : Finder or None
        Finds recordings below `root`; it knows afterwards which were not found.

    Raises
    ------
    DataError
        The file is missing, is not such a table, or lacks a column.
    UsageError
        It is Parquet, and pyarrow is not installed.
    """
    table = read_rows(path)
    found = choose_columns(table, columns)
    if not table.rows:
        raise DataError(f"{path} lists no recordings")
    renamed = ", ".join(f"{field} from {name!r}" for field, name in found.items() if field != name)
    if renamed:
        logger.info("%s: %s", path.name, renamed)
    find = Finder(root) if find is None else find
    find.expect(row.cells.get(found["path"], "") for row in table.rows)
    return [_clip(row, found, find) for row in table.rows]


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
        start_s=parse_seconds(cell("start_s"), row.where, found.get("start_s", "")),
        end_s=parse_seconds(cell("end_s"), row.where, found.get("end_s", "")),
    )
    check_clip(clip, row.where)
    return clip


def _read(request: Request) -> Source | None:
    table = request.table
    if table is None:
        return None
    find = Finder(request.root)
    clips = clips_from_table(table, request.root, Columns.of(request.options), find)
    find.log(table.name)
    count_unnamed(find, clips, request.left_out, everywhere=request.source is not table)
    return Source(clips, request.root, [table], unmatched=find.unmatched)


LAYOUT = Layout(order=50, read=_read, labels_from="csv")

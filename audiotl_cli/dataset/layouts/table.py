"""A table with a row a clip: CSV, TSV, JSON lines or Parquet."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from audiotl_cli.dataset.candidates import UNUSED
from audiotl_cli.dataset.columns import SPLIT_NAMES, named_columns, recording_of
from audiotl_cli.dataset.finder import Finder, count_unnamed
from audiotl_cli.dataset.index import Clip, check_clip
from audiotl_cli.dataset.label_cells import check_labels, labels_in_cell, warn_of_joined_labels
from audiotl_cli.dataset.layouts.registry import Layout, Request, Source
from audiotl_cli.dataset.long_tables import NamedClip, merge_rows
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.dataset.points import LENGTHLESS, widen
from audiotl_cli.dataset.reading import Reading, is_one, read_columns
from audiotl_cli.dataset.rows import Row, Table, read_rows
from audiotl_cli.dataset.table import list_columns
from audiotl_cli.dataset.time_columns import bounds
from audiotl_cli.errors import DataError
from audiotl_cli.labels import SEPARATOR, join_labels, split_labels
from audiotl_cli.left_out import LeftOutCounter
from audiotl_cli.storage.paths import AnyPath

logger = logging.getLogger(__name__)


def read_table(
    path: AnyPath, find: Finder, options: IndexOptions, left_out: LeftOutCounter
) -> Source:
    """Read clips from a table with a header; see `rows.read_rows` for its forms.

    Parameters
    ----------
    path : Path or RemotePath
    find : Finder
        Finds recordings below the folder that paths are relative to.
    options : IndexOptions
        Name columns, the separator of labels, and the width of points.
    left_out : LeftOutCounter
        Rows that are left out are added.

    Raises
    ------
    DataError
        The file is missing, is not such a table, or lacks a column; or its columns can be read
        in several ways.
    UsageError
        It is Parquet, and pyarrow is not installed.
    """
    table = read_rows(path)
    reading = read_columns(table, named_columns(options))
    if "path" not in reading.roles:
        raise DataError(
            f"{path} has the columns {list_columns(table.columns)}; expected one with the paths of "
            "recordings, such as path, file_name or filename; or name it with --path-column"
        )
    if not table.rows:
        raise DataError(f"{path} lists no recordings")
    logger.info("%s: %s", path.name, reading)
    if "label" in reading.roles:
        check_labels((row.cells[reading.roles["label"]], row.where) for row in table.rows)
    find.expect(recording_of(row, reading.roles) for row in table.rows)
    rows = []
    for row in table.rows:
        clip = _clip(row, reading, find, options)
        if clip is None:
            labels = split_labels(_label(row, reading, options))
            left_out.add(LENGTHLESS, row.where, unit="row", labels=labels)
        else:
            rows.append(NamedClip(clip, row.where))
    find.log(path.name)
    clips, warnings = merge_rows(rows, path.name, left_out)
    warnings += [*_warnings(table, reading, options), *_other_splits(clips, path.name)]
    return Source(
        clips, find.root, [path], unmatched=find.unmatched, reading=reading, warnings=warnings
    )


def _clip(row: Row, reading: Reading, find: Finder, options: IndexOptions) -> Clip | None:
    """Return the clip of a row; None where it begins where it ends."""

    def cell(role: str) -> str:
        return row.cells[roles[role]] if role in roles else ""

    roles: Mapping[str, str] = reading.roles
    start, end = bounds(row, roles)
    if start is not None and start == end:
        if options.point_width_s is None:
            return None
        start, end = widen(start, options.point_width_s)
    split = cell("split")
    clip = Clip(
        path=find(recording_of(row, roles)),
        label=_label(row, reading, options),
        split=SPLIT_NAMES.get(split.lower(), split),
        fold=cell("fold"),
        group=cell("group"),
        start_s=start,
        end_s=end,
    )
    check_clip(clip, row.where)
    return clip


def _label(row: Row, reading: Reading, options: IndexOptions) -> str:
    if reading.one_hot:
        found = (name for name in reading.one_hot if is_one(row.cells[name]))
        return join_labels(name.replace(SEPARATOR, ",") for name in found)
    column = reading.roles.get("label")
    return labels_in_cell(row.cells[column], options.label_separator) if column else ""


def _warnings(table: Table, reading: Reading, options: IndexOptions) -> list[str]:
    name = table.path.name
    if reading.one_hot:
        n_without = sum(not _label(row, reading, options) for row in table.rows)
        none = f"; {n_without} rows have none of them" if n_without else ""
        logger.info("%s: %d columns of 0 and 1 are labels%s", name, len(reading.one_hot), none)
        return []
    if "label" not in reading.roles:
        if options.label_column or not reading.unused():
            return []
        return [
            f"{name} has no column that is known to hold labels, so its clips have none; name one "
            f"with --label-column: {list_columns(reading.unused())}"
        ]
    cells = [row.cells[reading.roles["label"]] for row in table.rows]
    hint = warn_of_joined_labels(cells, name) if options.label_separator is None else ""
    return [hint] if hint else []


def _other_splits(clips: list[Clip], name: str) -> list[str]:
    usual = {*SPLIT_NAMES.values(), ""}
    others = sorted({clip.split for clip in clips} - usual)
    if not others:
        return []
    n = sum(clip.split in others for clip in clips)
    return [
        f"{n} clips of {name} are in splits that are not used, neither trained nor tested on: "
        f"{list_columns(others)}; expected train, valid or test, or --split-column {UNUSED}"
    ]


def _read(request: Request) -> Source | None:
    table = request.table
    if table is None:
        return None
    find = Finder(request.root)
    found = read_table(table, find, request.table_options, request.left_out)
    count_unnamed(find, found.clips, request.left_out, everywhere=request.source is not table)
    return found


LAYOUT = Layout(order=50, read=_read, labels_from="csv")

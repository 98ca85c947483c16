"""An audiofolder, as Hugging Face's datasets have it: a folder with a table ``metadata``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from audiotl_cli.dataset.columns import SPLIT_NAMES
from audiotl_cli.dataset.finder import Finder, count_unnamed
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.layouts.registry import Layout, Request, Source
from audiotl_cli.dataset.layouts.table import read_table
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.dataset.rows import read_rows
from audiotl_cli.left_out import LeftOutCounter

logger = logging.getLogger(__name__)


def audiofolder_tables(source: Path) -> list[Path]:
    """Return the ``metadata`` tables of an audiofolder, as Hugging Face's datasets have them.

    There is one in `source`, or one in each folder that is named after a split. It has a column
    ``file_name``.
    """
    names = [f"metadata{suffix}" for suffix in (".csv", ".jsonl", ".parquet")]
    folders = [source]
    if source.is_dir():
        folders += [path for path in sorted(source.iterdir()) if path.name.lower() in SPLIT_NAMES]
    tables = []
    for folder in folders:
        table = next((folder / name for name in names if (folder / name).is_file()), None)
        if table is not None and "file_name" in read_rows(table).columns:
            tables.append(table)
    return tables[:1] if tables and tables[0].parent == source else tables


def read_audiofolder(
    source: Path, tables: Sequence[Path], options: IndexOptions, left_out: LeftOutCounter
) -> Source:
    """Read clips of an audiofolder; if it has no column of splits, its folders are splits.

    Parameters
    ----------
    source : Path
    tables : sequence of Path
        From `audiofolder_tables`; their paths are relative to their own folders.
    options, left_out
        As for `read_table`.
    """
    clips: list[Clip] = []
    warnings: list[str] = []
    unmatched: dict[str, str] = {}
    for table in tables:
        found = read_table(table, Finder(table.parent), options, left_out)
        below = PurePosixPath(table.parent.relative_to(source).as_posix())
        clips += [replace(clip, path=str(below / clip.path)) for clip in found.clips]
        unmatched |= {str(below / path): why for path, why in found.unmatched.items()}
        warnings += found.warnings
    firsts = [PurePosixPath(clip.path).parts[0].lower() for clip in clips]
    if not any(clip.split for clip in clips) and all(first in SPLIT_NAMES for first in firsts):
        clips = [
            replace(clip, split=SPLIT_NAMES[first])
            for clip, first in zip(clips, firsts, strict=True)
        ]
    return Source(
        clips, source, tables, unmatched=unmatched, reading=found.reading, warnings=warnings
    )


def _read(request: Request) -> Source | None:
    folder = request.folder_to_recognise
    tables = audiofolder_tables(folder) if folder else []
    if folder is None or not tables:
        return None
    logger.info("Labels from %s", ", ".join(map(str, tables)))
    found = read_audiofolder(folder, tables, request.table_options, request.left_out)
    count_unnamed(Finder(folder), found.clips, request.left_out, everywhere=True)
    return found


LAYOUT = Layout(order=60, read=_read)

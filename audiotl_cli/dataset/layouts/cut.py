"""A folder that ``audiotl cut`` wrote: clips in folders of labels, and a table of their sources."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path, PurePosixPath

from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.layouts.folder import clips_from_folder
from audiotl_cli.dataset.layouts.registry import Layout, Request, Source
from audiotl_cli.dataset.rows import Row, read_rows

logger = logging.getLogger(__name__)

TABLE = "clips.csv"
COLUMNS = (
    "file",
    "path",
    "start_s",
    "end_s",
    "label",
    "score",
    "clip_start_s",
    "clip_end_s",
    "padding_s",
)
"""Of the table: the clip, the recording it is from, the detection, and what the clip holds."""


def _rows(folder: Path) -> dict[str, Row]:
    """Return the rows of the table of a folder by clip; none where it is no such folder."""
    path = folder / TABLE
    if not path.is_file():
        return {}
    table = read_rows(path)
    if not set(COLUMNS) <= set(table.columns):
        return {}
    return {plain_cell(row.cells["file"]): row for row in table.rows}


def _read(request: Request) -> Source | None:
    """Take labels from the table, and groups: the recordings.

    A clip that somebody moved to another folder has the label of that folder, and is still known
    by its name.
    """
    folder = request.folder_to_recognise
    rows = _rows(folder) if folder else {}
    if folder is None or not rows:
        return None
    logger.info("Labels and groups from %s, which audiotl cut wrote", folder / TABLE)
    labels = {_folder(file): plain_cell(row.cells["label"]) for file, row in rows.items()}
    recordings = {file: plain_cell(row.cells["path"]) for file, row in rows.items()}
    by_name = {PurePosixPath(file).name: recording for file, recording in recordings.items()}
    clips: list[Clip] = []
    found = clips_from_folder(
        folder, labelled=request.labelled, label_level=1, left_out=request.left_out
    )
    for clip in found:
        label = labels.get(_folder(clip.path), clip.label) if request.labelled else ""
        own = recordings.get(clip.path) or by_name.get(PurePosixPath(clip.path).name, "")
        clips.append(replace(clip, label=label, group=own))
    return Source(clips, folder, [folder / TABLE])


def _folder(path: str) -> str:
    return path.partition("/")[0]


LAYOUT = Layout(order=65, read=_read)

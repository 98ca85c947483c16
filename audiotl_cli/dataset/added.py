"""Put clips into an index that may be there already."""

from __future__ import annotations

from pathlib import Path

from audiotl_cli.dataset.edited import change_index, is_edited
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.written import refusal


def add_clips(path: Path, rows: list[Clip], *, overwrite: bool) -> Index:
    """Put clips into an index, in the place of those of the same path."""

    def change(old: bytes | None) -> Index:
        if is_edited(path, old):
            raise UsageError(refusal([path]))
        there = _read_index(path, old, overwrite=overwrite)
        clips = {clip.path: clip for clip in [*there.clips, *rows]}
        return Index(list(clips.values()), there.audio_root)

    return change_index(path, change)


def _read_index(path: Path, data: bytes | None, *, overwrite: bool) -> Index:
    """Return the index that is there, unless there is none, or none that is to be kept."""
    try:
        return Index([], Path.cwd()) if data is None else Index.read(path, data)
    except DataError:
        if overwrite:
            return Index([], Path.cwd())
        raise

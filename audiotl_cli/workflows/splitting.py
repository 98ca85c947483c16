"""Who goes into which fold and split, and what to say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiotl_cli.dataset.assign import (
    assign_folds,
    assign_splits,
    assign_splits_by_time,
    fold_each_group,
)
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.likely_groups import likely_groups
from audiotl_cli.dataset.metadata import Columns, column_by_path
from audiotl_cli.dataset.times import times_from_column, times_from_files, times_from_names
from audiotl_cli.errors import UsageError

if TYPE_CHECKING:
    from audiotl_cli.workflows.index import IndexOptions
    from audiotl_cli.workflows.sources import Source


def split_clips(clips: list[Clip], source: Source, options: IndexOptions) -> list[Clip]:
    """Deal clips into folds where that is asked for, and into splits.

    Raises
    ------
    UsageError
        It cannot be done with these groups, or times are not known.
    """
    if options.folds == "group":
        clips = fold_each_group(clips)
    elif options.folds is not None:
        clips = assign_folds(clips, options.folds, options.seed)
    if options.by_time is None:
        return assign_splits(clips, options.test_size, options.seed)
    return assign_splits_by_time(clips, _times(clips, source, options), options.test_size)


def _times(clips: list[Clip], source: Source, options: IndexOptions) -> list[float]:
    how = options.by_time or ""
    if how == "name":
        return times_from_names(clips)
    if how == "modified":
        return times_from_files(clips, source.root)
    if not source.tables:
        raise UsageError(
            f"--by-time is {how!r}; choose name or modified, or give the table that has a column "
            "of that name: --metadata FILE.csv"
        )
    cells = column_by_path(source.tables[0], source.root, how, Columns(path=options.path_column))
    return times_from_column(clips, how, cells)


def group_warning(clips: list[Clip]) -> str:
    """Return what to do where no groups are known and file names suggest some, else nothing."""
    if any(clip.group or clip.fold for clip in clips):
        return ""
    likely = likely_groups(clips)
    if likely is None:
        return ""
    return (
        f"no groups are known, but {likely.n_clips} of {len(clips)} names look as if they told "
        f"of {likely.n_groups} sources, such as {likely.example!r}. If clips of one source are "
        "on both sides of a split, scores are flattered; keep them together with: "
        f"--group-regex '{likely.expression}'"
    )

"""Make an index of a folder of recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from audiotl_cli.classifiers.labels import unbalanced
from audiotl_cli.dataset.assign import split_clips
from audiotl_cli.dataset.audit import Audit, find_problems, paths_by_problem, paths_by_reason
from audiotl_cli.dataset.catalog.compare import Comparison
from audiotl_cli.dataset.duplicates.groups import Duplicates
from audiotl_cli.dataset.duplicates.suggested_groups import (
    SuggestedGroups,
    suggest_groups,
    warn_without_groups,
)
from audiotl_cli.dataset.edited import check_replaceable, replace_index
from audiotl_cli.dataset.fix import Change
from audiotl_cli.dataset.index import Index, clip_labels
from audiotl_cli.dataset.label_warnings import warn_of_labels
from audiotl_cli.dataset.layouts.registry import read_source
from audiotl_cli.dataset.measure_clips import OnClip
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.dataset.path_patterns import fill_from_paths
from audiotl_cli.dataset.reading import Reading
from audiotl_cli.errors import UsageError
from audiotl_cli.left_out import LeftOut
from audiotl_cli.project import Project
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.workflows.audit import audit_source
from audiotl_cli.workflows.datasets import dataset_folder


@dataclass(frozen=True)
class IndexReport:
    """An index that was written, and what to know about it.

    Parameters
    ----------
    index : Index
        As written.
    problems : dict
        Code to the paths that have it.
    warnings : list of str
        What to look into before training on the index.
    changes : list of Change
        Changes that were made to clips because of their problems.
    duplicates : Duplicates
        Which clips, by their positions in the index, hold the same sound.
    comparison : Comparison or None
        Of a named data set with the published one.
    reasons : dict
        Why recordings cannot be read, to their paths.
    left_out : sequence of LeftOut
        What was found and is not in the index, and why.
    reading : Reading or None
        How the columns of a table were read.
    failures : mapping
        Files of annotations that cannot be used, and why.
    suspected_groups : SuggestedGroups or None
        Groups that names suggest, where none are known.
    """

    index: Index
    problems: dict[str, list[str]]
    warnings: list[str]
    changes: list[Change]
    duplicates: Duplicates
    comparison: Comparison | None = None
    reasons: Mapping[str, list[str]] = field(default_factory=dict)
    left_out: Sequence[LeftOut] = ()
    reading: Reading | None = None
    failures: Mapping[str, str] = field(default_factory=dict)
    suspected_groups: SuggestedGroups | None = None


def build_index(
    project: Project,
    source: AnyPath | None,
    out: Path,
    options: IndexOptions,
    *,
    overwrite: bool = False,
    on_clip: OnClip = lambda done, total, audio_s: None,
) -> IndexReport:
    """Index the recordings of a folder, or of a table about them, and write the index.

    Parameters
    ----------
    project : Project
        Keeps measurements of clips, and named data sets.
    source : Path, RemotePath or None
        A folder; or a table or annotations, whose paths are relative to their own folder.
        None takes the folder into which a named data set is fetched.
    out : Path
        The index to write.
    options : IndexOptions
    overwrite : bool
        Whether an index that was edited since it was written may be overwritten.
    on_clip : callable
        See `OnClip`.

    Raises
    ------
    DataError
        Nothing to index, or not one recording can be read.
    UsageError
        Options that do not fit together; or `out` is the table, or was edited.
    """
    if source is None:
        if options.dataset is None:
            raise UsageError("name what to index: audiotl index FOLDER, or --dataset NAME")
        source = dataset_folder(project, options.dataset)
    found = read_source(source, options)
    before = check_replaceable(out, [source, *found.tables], overwrite=overwrite)
    clips, root = fill_from_paths(found.clips, options), found.root
    audit, changes = Audit(clips), list[Change]()
    if options.audit:
        audit, changes = audit_source(project, clips, found, options, on_clip)
    clips = split_clips(list(audit.clips), options, root, found.tables)
    clips = list(find_problems(replace(audit, clips=clips)).clips)  # splits may leak now
    index = replace_index(Index(clips, root), out, before)
    suggested = suggest_groups(clips)
    had = found.left_out.labels.union(*map(clip_labels, found.clips))
    warnings = [
        *warn_of_labels(index, had),
        unbalanced([clip.label for clip in clips if clip_labels(clip)]),
        warn_without_groups(suggested, len(clips)),
        *found.warnings,
        *audit.warnings,
    ]
    if found.comparison:
        warnings.append(found.comparison.dataset.caution)
    return IndexReport(
        index,
        paths_by_problem(clips),
        [*filter(None, warnings)],
        changes,
        audit.duplicates,
        found.comparison,
        paths_by_reason(audit),
        found.left_out.found(),
        found.reading,
        found.failures,
        suggested,
    )

"""Make an index of a folder of recordings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audiotl_cli.classifiers.labels import unbalanced
from audiotl_cli.dataset.audit import clip_problems, describe, mark_kin, mark_leaks, problems
from audiotl_cli.dataset.build import Pattern, search_paths
from audiotl_cli.dataset.catalog.compare import Comparison
from audiotl_cli.dataset.edited import change_index, is_edited
from audiotl_cli.dataset.fix import Change, drop, regroup
from audiotl_cli.dataset.index import Clip, Index, clip_labels, index_content
from audiotl_cli.dataset.kin import Kin, find_kin
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.files import read_if_there
from audiotl_cli.locks import locked
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.workflows.audit import OnClip, listen_to_clips
from audiotl_cli.workflows.sources import dataset_folder, read_source
from audiotl_cli.workflows.splitting import group_warning, split_clips
from audiotl_cli.written import WrittenFiles

UNHEARD = {"unreadable", "empty"}


@dataclass(frozen=True)
class IndexOptions:
    """How to read labels, groups and folds, and how to split.

    Parameters
    ----------
    labels_from : str or None
        ``folder``, ``filename``, ``csv``, ``annotations`` or ``module:function``; None takes
        the first layout that fits, see `sources.read_source`.
    label_regex, group_regex, fold_regex : str or None
        Searched in the path below the source; the first group counts.
    metadata : Path or None
        A table with a header, or annotations.
    path_column, label_column, group_column, fold_column, split_column : str or None
        Columns of the table, where not called as usual.
    dataset : str or None
        A data set known by name.
    test_size : float
        Share of the clips for the test split.
    folds : int, "group" or None
        Number of folds to deal the clips into, or one for every group.
    by_time : str or None
        Newest clips into the test: by a date in the ``name``, by when the file was
        ``modified``, or by a column of the table.
    seed : int
    audit : bool
        Whether to listen to every clip.
    fix : bool
        Whether to leave out what cannot be used, and keep near-duplicates together.
    workers : int or None
        Processes that listen; None is one a core.
    """

    labels_from: str | None = None
    label_regex: str | None = None
    metadata: Path | None = None
    group_regex: str | None = None
    path_column: str | None = None
    label_column: str | None = None
    group_column: str | None = None
    fold_regex: str | None = None
    fold_column: str | None = None
    split_column: str | None = None
    dataset: str | None = None
    test_size: float = 0.25
    folds: int | Literal["group"] | None = None
    by_time: str | None = None
    seed: int = 0
    audit: bool = True
    fix: bool = False
    workers: int | None = None


@dataclass(frozen=True)
class IndexReport:
    """What was indexed.

    Parameters
    ----------
    index : Index
        As written.
    problems : dict
        Code to the paths that have it.
    warnings : list of str
        What should be looked into before anything is measured with it.
    changes : list of Change
        What was done to clips for their problems' sake.
    kin : Kin
        Which clips, by their positions in the index, have the same sound.
    comparison : Comparison or None
        Of a named data set: what is missing, and what is more.
    """

    index: Index
    problems: dict[str, list[str]]
    warnings: list[str]
    changes: list[Change]
    kin: Kin
    comparison: Comparison | None = None


def build_index(
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
    source : Path, RemotePath or None
        A folder; or a table or annotations, whose paths are relative to their own folder.
        None is where a named data set is put when it is fetched.
    out : Path
        The index to write.
    options : IndexOptions
    overwrite : bool
        Whether an index that was edited since it was written may be lost.
    on_clip : callable
        Told how many recordings have been listened to, of how many, and their seconds.

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
        source = dataset_folder(options.dataset)
    found = read_source(source, options)
    before = _check_out(out, [source, *found.tables], overwrite=overwrite)
    clips, root = found.clips, found.root
    if options.group_regex:
        clips = search_paths(clips, "group", Pattern("--group-regex", options.group_regex))
    if options.fold_regex:
        clips = search_paths(clips, "fold", Pattern("--fold-regex", options.fold_regex))
    ungrouped = group_warning(clips)  # before groups are given, and folds dealt
    kin, changes = Kin([], []), list[Change]()
    if options.audit:
        clips, kin, changes = _audit(clips, root, options, on_clip)
    clips = mark_leaks(split_clips(clips, found, options), kin)
    made = Index(clips, root)

    def instead_of(now: bytes | None) -> Index:
        _check_unchanged(out, before, now)
        return made

    index = change_index(out, instead_of)
    warnings = [*_warnings(index), ungrouped]
    if found.comparison:
        warnings.append(found.comparison.dataset.caution)
    told = [*filter(None, warnings)]
    return IndexReport(index, problems(clips), told, changes, kin, found.comparison)


def _audit(
    clips: list[Clip], root: AnyPath, options: IndexOptions, on_clip: OnClip
) -> tuple[list[Clip], Kin, list[Change]]:
    """Describe clips, and mend what can be mended, if asked to."""
    heard = listen_to_clips(clips, root, workers=options.workers, on_clip=on_clip)
    clips = [describe(clip, one.sha256, one.found) for clip, one in zip(clips, heard, strict=True)]
    if all(not UNHEARD.isdisjoint(clip_problems(clip)) for clip in clips):
        raise DataError(
            f"none of the {len(clips)} recordings in {root} can be read; "
            f"the first is {clips[0].path} ({clips[0].problems})"
        )
    kin = find_kin([one.found for one in heard])
    marked = mark_kin(clips, kin)
    if not options.fix:
        return marked, kin, []
    kept, dropped = drop(marked, kin)
    if not kept:
        raise DataError(
            f"none of the {len(clips)} recordings in {root} can be used, so --fix would leave none"
        )
    kin = kin.only(kept)
    regrouped, grouped = regroup([clips[i] for i in kept], kin)
    return mark_kin(regrouped, kin), kin, [*dropped, *grouped]


def _check_out(out: Path, sources: Sequence[AnyPath], *, overwrite: bool) -> bytes | None:
    """Return the content of the index that is there, once it is known that it may be lost."""
    local = [source for source in sources if isinstance(source, Path)]
    if any(out.exists() and source.exists() and out.samefile(source) for source in local):
        raise UsageError(f"{out} is what the index is made from; name another file with --out")
    if not os.path.lexists(out):
        return None
    with locked(out):  # another run may be writing it
        written = WrittenFiles(index_content)
        before = read_if_there(out) if out.is_file() else None
        edited = not written.is_free(out)
        if overwrite:
            written.claim([out], overwrite=True)
    if edited and not overwrite:
        raise UsageError(
            f"{out} is not as audiotl index wrote it: somebody edited or made it. Keep it and "
            "write another with --out FILE or --name NAME, or lose it with --overwrite"
        )
    return before


def _check_unchanged(out: Path, before: bytes | None, now: bytes | None) -> None:
    """Keep what was written into the index while this run was reading the recordings."""
    if now != before and is_edited(out, now):
        raise DataError(
            f"{out} was changed while audiotl index was reading the recordings, and is left as it "
            "is. Write another index with --out FILE or --name NAME, or run the same command with "
            "--overwrite to lose the change; recordings are not read again"
        )


def _warnings(index: Index) -> list[str]:
    splits = {clip.split for clip in index.clips}
    warnings = []
    for split in ("train", "test"):
        held = {label for clip in index.clips if clip.split == split for label in clip_labels(clip)}
        missing = [label for label in index.labels() if label not in held]
        if split in splits and missing:
            names = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
            warnings.append(
                f"{len(missing)} of {len(index.labels())} labels have no clip in the {split} "
                f"split: {names}"
            )
    if hint := unbalanced([clip.label for clip in index.clips if clip_labels(clip)]):
        warnings.append(hint)
    return warnings

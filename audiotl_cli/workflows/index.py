"""Make an index of a folder of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audiotl_cli.audio.decode import EXTENSIONS
from audiotl_cli.classify.labels import unbalanced
from audiotl_cli.dataset.audit import clip_problems, describe, mark_kin, mark_leaks, problems
from audiotl_cli.dataset.build import (
    FILE_NAME_LABEL,
    Pattern,
    assign_folds,
    assign_splits,
    clips_from_folder,
    clips_from_table,
    search_paths,
)
from audiotl_cli.dataset.edited import remember, was_edited
from audiotl_cli.dataset.fix import Change, drop, regroup
from audiotl_cli.dataset.index import Clip, Index, clip_labels
from audiotl_cli.dataset.kin import Kin, find_kin
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.workflows.audit import OnClip, listen_to_clips

UNHEARD = {"unreadable", "empty"}

LabelsFrom = Literal["folder", "filename", "csv"]


@dataclass(frozen=True)
class IndexOptions:
    """How to read labels, groups and folds, and how to split.

    Parameters
    ----------
    labels_from : {"folder", "filename", "csv"} or None
        None: ``csv`` where `metadata` is given, ``filename`` where `label_regex` is,
        else ``folder``.
    label_regex, group_regex, fold_regex : str or None
        Searched in the path below the source; the first group counts.
    metadata : Path or None
        CSV or TSV with a header.
    group_column, fold_column : str or None
        Columns of `metadata`.
    test_size : float
        Share of the clips for the test split.
    folds : int or None
        Number of folds to deal the clips into.
    seed : int
    audit : bool
        Whether to listen to every clip.
    fix : bool
        Whether to leave out what cannot be used, and keep near-duplicates together.
    workers : int or None
        Processes that listen; None is one a core.
    """

    labels_from: LabelsFrom | None = None
    label_regex: str | None = None
    metadata: Path | None = None
    group_regex: str | None = None
    group_column: str | None = None
    fold_regex: str | None = None
    fold_column: str | None = None
    test_size: float = 0.25
    folds: int | None = None
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
    """

    index: Index
    problems: dict[str, list[str]]
    warnings: list[str]
    changes: list[Change]
    kin: Kin


def build_index(
    source: Path,
    out: Path,
    options: IndexOptions,
    *,
    overwrite: bool = False,
    on_clip: OnClip = lambda done, total, audio_s: None,
) -> IndexReport:
    """Index the recordings of a folder, or of a table about them, and write the index.

    Parameters
    ----------
    source : Path
        A folder; or a CSV or TSV file, whose paths are relative to its own folder.
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
    table, root = options.metadata, source
    if source.suffix.lower() in EXTENSIONS and source.is_file():
        raise UsageError(f"{source} is a recording; name the folder it is in, or a table")
    if table is None and source.is_file():
        table, root = source, source.parent
    _check_options(source, table, options)
    _check_out(out, [source, *([table] if table else [])], overwrite=overwrite)
    if table is not None:
        clips = clips_from_table(
            table, root, group_column=options.group_column, fold_column=options.fold_column
        )
    else:
        labelled = options.labels_from in (None, "folder") and not options.label_regex
        clips = clips_from_folder(root, labelled=labelled)
        if options.labels_from == "filename" and not options.label_regex:
            clips = search_paths(clips, "label", Pattern("--labels-from filename", FILE_NAME_LABEL))
    if options.label_regex:
        clips = search_paths(clips, "label", Pattern("--label-regex", options.label_regex))
    if options.group_regex:
        clips = search_paths(clips, "group", Pattern("--group-regex", options.group_regex))
    if options.fold_regex:
        clips = search_paths(clips, "fold", Pattern("--fold-regex", options.fold_regex))
    kin, changes = Kin([], []), list[Change]()
    if options.audit:
        clips, kin, changes = _audit(clips, root, options, on_clip)
    if options.folds is not None:
        clips = assign_folds(clips, options.folds, options.seed)
    clips = assign_splits(clips, options.test_size, options.seed)
    clips = mark_leaks(clips, kin)
    index = Index(clips, root).write(out)
    remember(index, out)
    return IndexReport(index, problems(clips), _warnings(index), changes, kin)


def _audit(
    clips: list[Clip], root: Path, options: IndexOptions, on_clip: OnClip
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


def _check_options(source: Path, table: Path | None, options: IndexOptions) -> None:
    """Raise `UsageError` where one option would make another count for nothing."""
    if options.labels_from == "csv" and table is None:
        raise UsageError("--labels-from csv needs the table: --metadata FILE.csv")
    if (options.group_column or options.fold_column) and table is None:
        raise UsageError("--group-column and --fold-column need the table: --metadata FILE.csv")
    elsewhere = options.labels_from in ("folder", "filename")
    regex, metadata = options.label_regex, options.metadata
    at_odds = {
        f"SOURCE {source}, itself a table, and --metadata": source.is_file() and metadata,
        f"--labels-from {options.labels_from} and --metadata": elsewhere and metadata,
        f"--labels-from {options.labels_from} and a table as SOURCE": elsewhere and table,
        "--no-audit and --fix": options.fix and not options.audit,
        "--labels-from folder and --label-regex": options.labels_from == "folder" and regex,
        "--labels-from csv and --label-regex": options.labels_from == "csv" and regex,
        "--group-regex and --group-column": options.group_regex and options.group_column,
        "--fold-regex and --fold-column": options.fold_regex and options.fold_column,
        "--folds, which deals new ones, and --fold-regex": options.folds and options.fold_regex,
        "--folds, which deals new ones, and --fold-column": options.folds and options.fold_column,
    }
    for what, found in at_odds.items():
        if found:
            raise UsageError(f"{what} do not fit together; give one of them")


def _check_out(out: Path, sources: Sequence[Path], *, overwrite: bool) -> None:
    if any(out.exists() and source.exists() and out.samefile(source) for source in sources):
        raise UsageError(f"{out} is what the index is made from; name another file with --out")
    if not overwrite and was_edited(out):
        raise UsageError(
            f"{out} is not as audiotl index wrote it: somebody edited or made it. Keep it and "
            "write another with --out FILE or --name NAME, or lose it with --overwrite"
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

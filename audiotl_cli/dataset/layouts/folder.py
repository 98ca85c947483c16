"""Folders whose names are labels, or recordings without labels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import PurePosixPath

from audiotl_cli.audio.listing import Listing, list_folder
from audiotl_cli.dataset.folder_levels import FolderLevels, Parts, find_levels
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.layouts.annotations import annotation_files
from audiotl_cli.dataset.layouts.registry import Layout, Request, Source, local_folder
from audiotl_cli.dataset.path_patterns import one_label_each
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.left_out import SYSTEM_FILE, LeftOutCounter
from audiotl_cli.storage.paths import AnyPath

logger = logging.getLogger(__name__)


def clips_from_folder(
    source: AnyPath,
    *,
    labelled: bool,
    label_level: int | None = None,
    left_out: LeftOutCounter | None = None,
    warnings: list[str] | None = None,
) -> list[Clip]:
    """List the recordings below a folder.

    Parameters
    ----------
    source : Path or RemotePath
    labelled : bool
        Whether folders are labels, and perhaps splits or folds; see `find_levels`.
    label_level : int or None
        The level of folders that are labels, counted from 1; None decides by the folders.
    left_out : LeftOutCounter or None
        Gets what is below the folder and not among the clips.
    warnings : list of str or None
        Gets what else the labels could be.

    Raises
    ------
    DataError
        The folder is missing or holds no recordings.
    UsageError
        No recording lies as deep as `label_level`.
    """
    left_out = LeftOutCounter() if left_out is None else left_out
    if not source.is_dir():
        raise DataError(f"{source}: no such folder")
    listing = list_folder(source)
    if not listing.recordings:
        raise DataError(f"{source} {listing.nothing_found()}")
    if not labelled:
        listing.count(left_out)
        return [Clip(path) for path in listing.paths]
    sounds = [*listing.paths, *(item.path for item in listing.skipped if item.suffix)]
    levels = find_levels([_folders(path) for path in sounds], label_level)
    for note in levels.notes:
        logger.info("%s: %s", source, note)
    if levels.doubt and warnings is not None:
        warnings.append(levels.doubt)
    listing.count(left_out, label_of=lambda path: levels.label_of(_folders(path)))
    clips = _label(listing.paths, levels, left_out)
    _count_empty_folders(listing, levels, left_out)
    if label_level is not None and not any(clip.label for clip in clips):
        deepest = max(len(_folders(path)) for path in listing.paths)
        raise UsageError(
            f"--label-level is {label_level}, but no recording below {source} lies in more than "
            f"{deepest} folders"
        )
    return clips


def _label(paths: Sequence[str], levels: FolderLevels, left_out: LeftOutCounter) -> list[Clip]:
    clips = []
    for path in paths:
        parts = _folders(path)
        if levels.is_left_out(parts):
            kind = "splits" if levels.split is not None else "folds"
            suffix = PurePosixPath(path).suffix.lower()
            left_out.add(f"lies beside the folders that are {kind}", path, suffix=suffix)
            continue
        split, fold = levels.split_of(parts), levels.fold_of(parts)
        clips.append(Clip(path, label=levels.label_of(parts), split=split, fold=fold))
    return clips


def _count_empty_folders(listing: Listing, levels: FolderLevels, left_out: LeftOutCounter) -> None:
    """Count folders that would be labels, but hold nothing."""
    counted = [item for item in listing.skipped if item.unit != SYSTEM_FILE]
    paths = [*listing.paths, *(item.path for item in counted)]
    full = {str(folder) for path in paths for folder in PurePosixPath(path).parents}
    full |= {item.path for item in counted if item.unit == "folder"}
    for folder in listing.folders:
        parts = PurePosixPath(folder).parts
        would_be = len(parts) == levels.label + 1 and not levels.is_left_out(parts)
        if would_be and parts[: len(levels.above)] == levels.above and folder not in full:
            label = "" if folder in listing.other_folders else levels.label_of(parts)
            left_out.add("holds no recordings", folder, unit="folder", labels=[label])


def _folders(path: str) -> Parts:
    return PurePosixPath(path).parts[:-1]


def _read(request: Request) -> Source:
    request.options.check_no_columns()
    recognised = request.folder_to_recognise
    if recognised and annotation_files(local_folder(recognised)):
        logger.info(
            "Annotations lie beside the recordings: --labels-from annotations makes clips of them"
        )
    warnings: list[str] = []
    clips = clips_from_folder(
        request.source,
        labelled=request.labelled,
        label_level=request.options.label_level,
        left_out=request.left_out,
        warnings=warnings,
    )
    clips, changed = one_label_each(clips)
    return Source(clips, request.source, warnings=[*warnings, *changed])


LAYOUT = Layout(order=70, read=_read, labels_from="folder")

"""Whose clips are indexed: a named data set, a table, annotations, or a folder as it is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audiotl_cli.audio.decode import EXTENSIONS
from audiotl_cli.dataset.annotations import (
    annotation_files,
    clips_from_annotations,
    is_annotation,
)
from audiotl_cli.dataset.build import (
    FILE_NAME_LABEL,
    Pattern,
    clips_from_folder,
    search_paths,
)
from audiotl_cli.dataset.catalog.compare import Comparison, compare
from audiotl_cli.dataset.catalog.registry import get_dataset, list_datasets
from audiotl_cli.dataset.hook import label_by_function
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.metadata import (
    Columns,
    audiofolder_tables,
    clips_from_audiofolder,
    clips_from_table,
)
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.storage.paths import AnyPath, need_local

if TYPE_CHECKING:
    from audiotl_cli.workflows.index import IndexOptions

logger = logging.getLogger(__name__)

AUDIO = Path("data") / "audio"
"""Where data sets are put when they are fetched."""

KINDS = ("folder", "filename", "csv", "annotations")
"""What ``--labels-from`` takes, besides ``module:function``."""


@dataclass(frozen=True)
class Source:
    """Clips, before groups, folds and splits are added.

    Parameters
    ----------
    clips : list of Clip
    root : Path or RemotePath
        What their paths are relative to.
    tables : list of Path or RemotePath
        The files about them, which must not be written over.
    comparison : Comparison or None
        Of a named data set.
    """

    clips: list[Clip]
    root: AnyPath
    tables: Sequence[AnyPath]
    comparison: Comparison | None = None


def dataset_folder(name: str) -> Path:
    """Return where a named data set lies in a project."""
    return AUDIO / get_dataset(name).name


def read_source(source: AnyPath, options: IndexOptions) -> Source:
    """Read the clips of a source by the first layout that fits.

    What an option names, comes first. Otherwise, in this order: a file that is a table or
    annotations; a data set that is recognised by its own files; an audiofolder, with
    ``metadata.csv`` or alike in it; folders whose names are labels.

    Raises
    ------
    DataError
        Nothing to index, or a table that is wrong.
    UsageError
        Options that do not fit together.
    """
    _check_options(source, options)
    if source.suffix.lower() in EXTENSIONS and source.is_file():
        raise UsageError(f"{source} is a recording; name the folder it is in, or a table")
    if isinstance(source, Path) and source.exists() and not (source.is_file() or source.is_dir()):
        raise DataError(f"{source} is a pipe, a socket or a device; expected a folder or a table")
    found = _read(source, options)
    clips = found.clips
    kind = options.labels_from or ""
    if options.label_regex:
        clips = search_paths(clips, "label", Pattern("--label-regex", options.label_regex))
    elif kind == "filename":
        clips = search_paths(clips, "label", Pattern("--labels-from filename", FILE_NAME_LABEL))
    elif ":" in kind:
        clips = label_by_function(clips, kind)
    return replace(found, clips=clips)


def _read(source: AnyPath, options: IndexOptions) -> Source:
    columns = Columns(
        path=options.path_column,
        label=options.label_column,
        group=options.group_column,
        fold=options.fold_column,
        split=options.split_column,
    )
    if options.dataset:
        return _dataset(options.dataset, source, options)
    table: AnyPath | None = options.metadata or (source if source.is_file() else None)
    root = source.parent if table is source else source
    if table is not None and (options.labels_from == "annotations" or is_annotation(table)):
        table, below = _local(table), _local(root)
        return Source(clips_from_annotations(below, [table], columns.label), root, [table])
    if table is not None:
        return Source(clips_from_table(table, root, columns), root, [table])
    if options.labels_from == "annotations":
        files = annotation_files(_folder(_local(root)))
        return Source(clips_from_annotations(_local(root), files, columns.label), root, files)
    plain = options.labels_from is None and not options.label_regex
    # afar, looking for this and that file takes long
    near = source if plain and isinstance(source, Path) else None
    if near and (known := _recognise(near)):
        logger.info("%s is a copy of %s: indexed as by --dataset %s", source, known, known)
        return _dataset(known, source, options)
    if near and (tables := audiofolder_tables(near)):
        logger.info("Labels from %s", ", ".join(map(str, tables)))
        return Source(clips_from_audiofolder(near, tables, columns), root, tables)
    _refuse_columns(options)
    if near and annotation_files(_folder(near)):
        logger.info(
            "Annotations lie beside the recordings: --labels-from annotations makes clips of them"
        )
    labelled = options.labels_from == "folder" or plain
    return Source(clips_from_folder(source, labelled=labelled), root, [])


def _dataset(name: str, source: AnyPath, options: IndexOptions) -> Source:
    _refuse_columns(options)
    comparison = compare(get_dataset(name), _local(source))
    return Source(comparison.clips, comparison.root, [], comparison)


def _recognise(source: Path) -> str | None:
    for name in list_datasets():
        dataset = get_dataset(name)
        if dataset.recognised and (source / dataset.markers[0]).exists():
            return name
    return None


def _local(path: AnyPath) -> Path:
    return need_local(path, "copy it to a disk first, or index it by folders or a table")


def _folder(source: Path) -> Path:
    if not source.is_dir():
        raise DataError(f"{source}: no such folder")
    return source


def _check_options(source: AnyPath, options: IndexOptions) -> None:
    """Raise `UsageError` where one option would make another count for nothing."""
    kind, regex, metadata = options.labels_from, options.label_regex, options.metadata
    table = metadata or source.is_file()
    if kind is not None and kind not in KINDS and ":" not in kind:
        raise UsageError(
            f"--labels-from is {kind!r}; choose from {', '.join(KINDS)}, or name a function of "
            "your own as MODULE:FUNCTION"
        )
    if kind == "csv" and not table:
        raise UsageError("--labels-from csv needs the table: --metadata FILE.csv")
    elsewhere = kind in ("folder", "filename")
    from_dataset = f"--dataset {options.dataset}, whose labels are known,"
    at_odds = {
        f"SOURCE {source}, itself a table, and --metadata": source.is_file() and metadata,
        f"--labels-from {kind} and --metadata": elsewhere and metadata,
        "--no-audit and --fix": options.fix and not options.audit,
        f"--labels-from {kind} and a table as SOURCE": elsewhere and table,
        f"--labels-from {kind} and --label-regex": kind and kind != "filename" and regex,
        "--group-regex and --group-column": options.group_regex and options.group_column,
        "--fold-regex and --fold-column": options.fold_regex and options.fold_column,
        "--folds, which deals new ones, and --fold-regex": options.folds and options.fold_regex,
        "--folds, which deals new ones, and --fold-column": options.folds and options.fold_column,
        f"{from_dataset} and --labels-from": options.dataset and kind,
        f"{from_dataset} and --label-regex": options.dataset and regex,
        f"{from_dataset} and --metadata": options.dataset and metadata,
        f"{from_dataset} and a file as SOURCE": options.dataset and source.is_file(),
    }
    for what, found in at_odds.items():
        if found:
            raise UsageError(f"{what} do not fit together; give one of them")


def _refuse_columns(options: IndexOptions) -> None:
    """Raise `UsageError` where columns are named and nothing has any."""
    named = [
        f"--{field}-column"
        for field in ("path", "label", "group", "fold", "split")
        if getattr(options, f"{field}_column")
    ]
    if named:
        raise UsageError(f"{' and '.join(named)} need the table: --metadata FILE.csv")

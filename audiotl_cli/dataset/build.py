"""Make an index from a folder of recordings or from a table about them."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from audiotl_cli.audio.decode import find_recordings
from audiotl_cli.dataset.index import Clip, check_clip
from audiotl_cli.dataset.split import deal
from audiotl_cli.dataset.table import read_table
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.storage.paths import AnyPath, relative

SPLIT_NAMES = {
    "train": "train", "training": "train", "dev": "valid", "valid": "valid",
    "validation": "valid", "val": "valid", "test": "test", "testing": "test", "eval": "test",
    "evaluation": "test",
}  # fmt: skip
"""Folder names, or values in a table, that mean a split."""

PATH_COLUMNS = ("path", "file_name", "filename", "file", "fname", "audio", "filepath")
LABEL_COLUMNS = ("label", "labels", "category", "class", "class_name", "target", "genre", "species")

FILE_NAME_LABEL = r"([^/]*?)[-_ .]*\d*(?:[-_ ][^/]*)?\.[^/.]+$"
"""The label in a file name where no expression is given: up to the first separator or number."""


@dataclass(frozen=True)
class Pattern:
    """A regular expression searched in the path below the source; its first group counts."""

    option: str
    expression: str

    def compiled(self) -> re.Pattern[str]:
        try:
            pattern = re.compile(self.expression)
        except re.error as error:
            raise UsageError(f"{self.option} {self.expression!r} is not valid: {error}") from error
        if pattern.groups < 1:
            raise UsageError(
                f"{self.option} {self.expression!r} has no group; put what counts in (...)"
            )
        return pattern


def clips_from_folder(source: AnyPath, *, labelled: bool) -> list[Clip]:
    """List the recordings below a folder.

    Parameters
    ----------
    source : Path or RemotePath
    labelled : bool
        Whether the first folder below `source` is the label. Where folders are called
        train, valid, test or the like, they are splits and the folders in them labels.

    Raises
    ------
    DataError
        The folder is missing or holds no recordings.
    """
    if not source.is_dir():
        raise DataError(f"{source}: no such folder")
    paths = [relative(path, source) for path in find_recordings(source)]
    if not paths:
        raise DataError(
            f"{source} holds no recordings (files ending in .wav, .flac, .ogg, .mp3, ...)"
        )
    folders = [PurePosixPath(path).parts[:-1] for path in paths]
    if not labelled:
        return [Clip(path) for path in paths]
    are_splits = all(parts and parts[0].lower() in SPLIT_NAMES for parts in folders)
    clips = []
    for path, parts in zip(paths, folders, strict=True):
        split = SPLIT_NAMES[parts[0].lower()] if are_splits else ""
        rest = parts[1:] if are_splits else parts
        clips.append(Clip(path, label=rest[0] if rest else "", split=split))
    return clips


def clips_from_table(
    table: AnyPath,
    root: AnyPath,
    *,
    group_column: str | None = None,
    fold_column: str | None = None,
) -> list[Clip]:
    """Read clips from a table with a header: commas, semicolons or tabs between cells.

    The columns of paths and labels are found by their usual names (`PATH_COLUMNS`,
    `LABEL_COLUMNS`); ``split``, ``fold``, ``group``, ``start_s`` and ``end_s`` are taken
    where they are called so.

    Parameters
    ----------
    table : Path or RemotePath
    root : Path or RemotePath
        What its paths are relative to. A file that is not there is looked for by its name
        in the folders below.
    group_column, fold_column : str, optional
        Columns to take instead of ``group`` and ``fold``.

    Raises
    ------
    DataError
        The file is missing, is no such table, or misses a column.
    """
    try:
        comments, text, delimiter = read_table(table)
    except FileNotFoundError as error:
        raise DataError(f"{table} cannot be read ({error.strerror})") from error
    n_comments = len(comments)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        columns = list(rows.fieldnames or [])
        cells = [(rows.line_num, row) for row in rows if any(row.values())]
    except csv.Error as error:
        line = n_comments + rows.reader.line_num
        raise DataError(f"{table}, line {line}: {error}") from error

    def column(wanted: Sequence[str], option: str, *, required: bool) -> str | None:
        found = next((name for name in wanted if name in columns), None)
        if found is None and required:
            raise DataError(
                f"{table} has the columns {', '.join(columns) or '(none)'}; expected one of "
                f"{', '.join(wanted)}{option}"
            )
        return found

    of_path = column(PATH_COLUMNS, "", required=True)
    of_label = column(LABEL_COLUMNS, "", required=False)
    of_group = column([group_column or "group"], " (--group-column)", required=bool(group_column))
    of_fold = column([fold_column or "fold"], " (--fold-column)", required=bool(fold_column))

    clips = []
    by_name: dict[str, list[str]] | None = None
    exists = _looked_for_in(root)
    for line, row in cells:

        def cell(name: str | None, row: dict[str, str | None] = row) -> str:
            return (row.get(name) or "").strip() if name else ""

        path = cell(of_path).replace("\\", "/")
        if not exists(path):
            if by_name is None:
                by_name = _by_name(root)
            same = by_name.get(PurePosixPath(path).name, [])
            path = same[0] if len(same) == 1 else path
        split = cell("split").lower()
        where = f"{table}, line {n_comments + line}"
        clip = Clip(
            path=path,
            label=cell(of_label),
            split=SPLIT_NAMES.get(split, split),
            fold=cell(of_fold),
            group=cell(of_group),
            start_s=_seconds(cell("start_s"), where),
            end_s=_seconds(cell("end_s"), where),
        )
        check_clip(clip, where)
        clips.append(clip)
    if not clips:
        raise DataError(f"{table} lists no recordings")
    return clips


def search_paths(
    clips: list[Clip], field: Literal["label", "group", "fold"], pattern: Pattern
) -> list[Clip]:
    """Fill a field from the paths, by a regular expression.

    Raises
    ------
    UsageError
        The expression is not valid, or matches no path.
    """
    compiled = pattern.compiled()
    found = [compiled.search(clip.path) for clip in clips]
    if not any(found):
        raise UsageError(
            f"{pattern.option} {pattern.expression!r} matches no path, for example "
            f"{clips[0].path!r}"
        )
    values = [(match.group(1) or "").strip() if match else "" for match in found]
    fill: dict[str, Callable[[Clip, str], Clip]] = {
        "label": lambda clip, value: replace(clip, label=value),
        "group": lambda clip, value: replace(clip, group=value),
        "fold": lambda clip, value: replace(clip, fold=value),
    }
    return [
        fill[field](clip, value) if value else clip
        for clip, value in zip(clips, values, strict=True)
    ]


def assign_folds(
    clips: list[Clip], n_folds: int, seed: int, *, option: str = "--folds"
) -> list[Clip]:
    """Deal clips into folds 1 ... n, groups kept together, labels spread evenly.

    Raises
    ------
    UsageError
        There are not so many groups; the message names `option`.
    """
    groups = {_unit(replace(clip, fold="")) for clip in clips}
    if not 2 <= n_folds <= len(groups):
        raise UsageError(
            f"{option} is {n_folds}; expected 2 to {len(groups)}, the number of groups"
        )
    parts = deal(
        [clip.label for clip in clips],
        [_unit(replace(clip, fold="")) for clip in clips],
        [1 / n_folds] * n_folds,
        seed,
    )
    return [replace(clip, fold=str(part + 1)) for clip, part in zip(clips, parts, strict=True)]


def assign_splits(clips: list[Clip], test_size: float, seed: int) -> list[Clip]:
    """Deal clips into ``train`` and ``test``, labels spread evenly.

    Clips of one group stay together; where there are no groups but folds, whole folds do,
    because a data set's own folds usually keep apart what belongs together.

    Parameters
    ----------
    clips : list of Clip
        Those with a split keep it: if any has one, nothing is dealt.
    test_size : float
        Share of clips for the test, 0 to below 1.
    seed : int
    """
    if any(clip.split for clip in clips):
        return clips
    if not 0 <= test_size < 1:
        raise UsageError(f"--test-size is {test_size}, expected a share from 0 to below 1")
    if test_size == 0:
        return [replace(clip, split="train") for clip in clips]
    parts = deal(
        [clip.label for clip in clips],
        [_unit(clip) for clip in clips],
        [1 - test_size, test_size],
        seed,
    )
    return [
        replace(clip, split=("train", "test")[part])
        for clip, part in zip(clips, parts, strict=True)
    ]


def _unit(clip: Clip) -> tuple[str, str]:
    """Return what must stay together: the group, else the fold, else the recording."""
    if clip.group:
        return "group", clip.group
    return ("fold", clip.fold) if clip.fold else ("path", clip.path)


def _looked_for_in(root: AnyPath) -> Callable[[str], bool]:
    """Return what tells whether a file is there: of object storage, all are listed once."""
    if isinstance(root, Path):
        return lambda path: "://" in path or (root / path).exists()
    names = {relative(path, root) for path in root.files()}
    return lambda path: "://" in path or path in names


def _by_name(root: AnyPath) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in find_recordings(root):
        found.setdefault(path.name, []).append(relative(path, root))
    return found


def _seconds(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError as error:
        raise DataError(f"{where}: {text!r} is not a number of seconds") from error
    if not math.isfinite(seconds):
        raise DataError(f"{where}: {text!r} is not a number of seconds")
    return seconds

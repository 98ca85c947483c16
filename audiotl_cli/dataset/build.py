"""Clips from a folder of recordings: labels, splits and groups from folders and file names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from audiotl_cli.audio.decode import find_recordings
from audiotl_cli.dataset.index import Clip
from audiotl_cli.errors import DataError, UsageError

SPLIT_NAMES = {
    "train": "train", "training": "train", "dev": "valid", "valid": "valid",
    "validation": "valid", "val": "valid", "test": "test", "testing": "test", "eval": "test",
    "evaluation": "test",
}  # fmt: skip
"""Folder names, or values in a table, that mean a split."""

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


def clips_from_folder(source: Path, *, labelled: bool) -> list[Clip]:
    """List the recordings below a folder.

    Parameters
    ----------
    source : Path
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
    paths = [path.relative_to(source).as_posix() for path in find_recordings(source)]
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

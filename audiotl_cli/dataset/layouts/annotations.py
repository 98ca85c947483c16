"""Annotations: label tracks of Audacity, and tables such as Raven's, about parts of recordings.

A file lies beside its recording and begins with its name (``night.txt``, ``night.labels.txt``,
``night.wav.Table.1.selections.txt``, ``night.BirdNET.results.csv``), has a name that Audacity gives
it (``Label Track.txt``) beside a single recording, or names the recording of each row, as Raven's
``Begin Path`` and ``Begin File`` do.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audiotl_cli.audio.reasons import same_name
from audiotl_cli.audio.suffixes import EXTENSIONS
from audiotl_cli.dataset.annotation_file import (
    LIST,
    TABLE,
    TRACK,
    Mark,
    kind_of_annotation,
    read_annotations,
)
from audiotl_cli.dataset.finder import Finder, count_unnamed
from audiotl_cli.dataset.index import LABEL_SEPARATOR, Clip
from audiotl_cli.dataset.layouts.registry import Layout, Request, Source, local, local_folder
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.errors import DataError
from audiotl_cli.left_out import LeftOutCounter
from audiotl_cli.storage.paths import AnyPath

logger = logging.getLogger(__name__)

_ANY = re.compile(r"(label track|labels?|annotations?|marks?)[ _-]?\d*\.txt")
"""Names of files, in lower case, that say nothing about the recording."""

VERDICTS_END = ".verdicts.csv"
"""End of the names of tables in which a person judged detections: wrong ones are no annotations."""

_TABLES = (".csv", ".tsv")
"""Suffixes of files that are annotations only if they begin with the name of a recording."""


def annotation_files(folder: Path) -> list[Path]:
    """Return the text files below a folder that are annotations, sorted."""
    found = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in (".txt", *_TABLES)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.name.endswith(VERDICTS_END)
        and path.is_file()
    ]
    beside = recordings_beside(found)
    return sorted(
        path
        for path in found
        if (path.suffix.lower() not in _TABLES or beside[path]) and kind_of_annotation(path)
    )


def recordings_beside(files: Sequence[Path]) -> dict[Path, list[Path]]:
    """Return the recordings whose names files begin with: those of the longest name."""
    folders = {path.parent for path in files}
    recordings = {folder: _recordings_in(folder) for folder in folders}
    return {path: _named(path, recordings[path.parent]) for path in files}


def _recordings_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in EXTENSIONS]


def _named(file: Path, beside: Sequence[Path]) -> list[Path]:
    name = same_name(file.name)
    whole = [path for path in beside if name.startswith(f"{same_name(path.name)}.")]
    found = whole or [path for path in beside if name.startswith(f"{same_name(path.stem)}.")]
    longest = max((len(path.stem) for path in found), default=0)
    return [path for path in found if len(path.stem) == longest]


@dataclass
class _Reader:
    """Reads files of annotations one by one, and keeps what is wrong with each.

    Parameters
    ----------
    root : Path
        The folder of the recordings.
    options : IndexOptions
    left_out : LeftOutCounter
    """

    root: Path
    options: IndexOptions
    left_out: LeftOutCounter
    labels: dict[tuple[str, float, float], list[str]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.find = Finder(self.root)

    def read(self, files: Sequence[Path]) -> None:
        beside = _with_the_only_one(recordings_beside(files), self.find)
        for file in files:
            try:
                marks = read_annotations(file, self.options, self.left_out)
                self._place(file, marks, beside[file])
            except DataError as error:
                self.failures[str(file)] = str(error)

    def _place(self, file: Path, marks: Sequence[Mark], beside: Sequence[Path]) -> None:
        beside = [path for path in beside if path.is_relative_to(self.root)]
        if any(not mark.recording for mark in marks) and len(beside) != 1:
            which = "no recording" if not beside else "several recordings"
            raise DataError(
                f"{file} is about {which} in its folder; expected its name to begin with the name "
                "of one recording, such as night.txt or night.wav.txt for night.wav"
            )
        self.find.expect(mark.recording for mark in marks if mark.recording)
        unknown = []
        for mark in marks:
            path = (
                self.find(mark.recording)
                if mark.recording
                else beside[0].relative_to(self.root).as_posix()
            )
            if reason := self.find.unmatched.get(path):
                unknown.append(f"{mark.recording}, which {reason}")
                continue
            if not mark.label:
                self.unlabelled.append(mark.where)
            self.labels.setdefault((path, mark.start_s, mark.end_s), []).append(mark.label)
        if unknown:
            n = "" if len(unknown) == len(marks) else f" in {len(unknown)} of {len(marks)} rows"
            raise DataError(f"{file} is about {unknown[0]}{n}")

    def clips(self) -> list[Clip]:
        """Return clips in order of time; marks of the same bounds are one of several labels."""
        return [
            Clip(
                path,
                LABEL_SEPARATOR.join(dict.fromkeys(filter(None, found))),
                start_s=start,
                end_s=end,
            )
            for (path, start, end), found in sorted(self.labels.items())
        ]

    def warnings(self) -> list[str]:
        """Return what to look into."""
        if not self.unlabelled:
            return []
        n, first = len(self.unlabelled), self.unlabelled[0]
        have = "annotation has" if n == 1 else "annotations have"
        return [f"{n} {have} no label, such as {first}; their clips have none either"]


def _with_the_only_one(
    beside: Mapping[Path, list[Path]], find: Finder
) -> Mapping[Path, list[Path]]:
    """Give the only ``Label Track.txt`` of a folder the only recording without annotations."""
    found = dict(beside)
    taken = {path for paths in beside.values() for path in paths}
    without = [
        file for file, paths in beside.items() if not paths and _ANY.fullmatch(file.name.lower())
    ]
    for file in without:
        if [other for other in without if other.parent == file.parent] != [file]:
            continue
        if kind_of_annotation(file) == LIST:
            continue
        free = [path for path in _recordings_in(file.parent) if path not in taken]
        if len(free) == 1:
            found[file] = free
            logger.info(
                "%s is taken to be about %s, the only recording in its folder without annotations",
                file,
                free[0].name,
            )
    return found


def read_annotation_files(
    root: Path, files: Sequence[Path], options: IndexOptions, left_out: LeftOutCounter
) -> Source:
    """Read clips from files of annotations.

    Parameters
    ----------
    root : Path
        The folder of the recordings.
    files : sequence of Path
    options, left_out
        As for `read_annotations`.

    Returns
    -------
    source : Source
        With the files that cannot be used, as `failures`.

    Raises
    ------
    DataError
        There are no annotations, or not one file can be used.
    """
    reader = _Reader(root, options, left_out)
    reader.read(files)
    clips = reader.clips()
    if not clips and reader.failures:
        n_more = len(reader.failures) - 1
        more = f" ({n_more} more files of annotations cannot be used either)" if n_more else ""
        raise DataError(next(iter(reader.failures.values())) + more)
    if not clips:
        reasons = "".join(f"; {group.counted}: {group.reason}" for group in left_out.found())
        raise DataError(
            f"{root} holds no annotations: files of Audacity, Raven or BirdNET beside the "
            "recordings, which begin with their names; a table about all recordings is given with "
            f"--metadata{reasons}"
        )
    count_unnamed(reader.find, clips, left_out, everywhere=True, reason="no annotation is about it")
    return Source(clips, root, files, failures=reader.failures, warnings=reader.warnings())


def _read(request: Request) -> Source | None:
    table, options = request.table, request.options
    if options.labels_from != "annotations" and not (table and _is_about_one(table)):
        return None
    options.check_annotations()
    folder = local_folder(request.root)
    files = [local(table)] if table else annotation_files(folder)
    return read_annotation_files(folder, files, options, request.left_out)


def _is_about_one(path: AnyPath) -> bool:
    """Return whether a file holds annotations of one recording, which its rows do not name."""
    kind = kind_of_annotation(path)
    return kind == TRACK or (
        kind == TABLE and isinstance(path, Path) and any(recordings_beside([path]).values())
    )


LAYOUT = Layout(order=40, read=_read, labels_from="annotations")

"""Annotations: label tracks of Audacity and selection tables of Raven.

A file lies beside its recording and begins with its name (``night.txt``, ``night.labels.txt``,
``night.wav.Table.1.selections.txt``), or names the recording of each row, as Raven's ``Begin
Path`` and ``Begin File`` do.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from audiotl_cli.audio.listing import find_recordings
from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.finder import Finder
from audiotl_cli.dataset.index import LABEL_SEPARATOR, Clip
from audiotl_cli.dataset.layouts.registry import Layout, Request, Source, local, local_folder
from audiotl_cli.dataset.numbers import parse_seconds
from audiotl_cli.dataset.table import list_columns, open_table
from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath, open_file

BEGIN, END = "Begin Time (s)", "End Time (s)"
IN_FILE = "File Offset (s)"
"""Where a selection begins in its own file, in tables about several files."""

RAVEN_LABELS = (
    "Label",
    "Species",
    "Annotation",
    "Class",
    "Tags",
    "Type",
    "Call Type",
    "Common Name",
)

Mark = tuple[str, float, float, str]
"""Recording (empty for the one beside the file), start, end, label."""


def annotation_files(folder: Path) -> list[Path]:
    """Return the text files below a folder that are annotations, sorted."""
    return sorted(
        path
        for path in folder.rglob("*.txt")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and is_annotation(path)
    )


def is_annotation(path: AnyPath) -> bool:
    """Return whether a file's first lines look like Audacity's or Raven's."""
    try:
        with open_file(path) as file:
            start = file.read(4096).decode("utf-8-sig", "surrogateescape")
    except OSError:
        return False
    first = next((line for line in start.splitlines() if line.strip()), "")
    return BEGIN in first.split("\t") or _is_span(first.split("\t"))


def clips_from_annotations(
    root: Path, files: Sequence[Path], label_column: str | None = None
) -> list[Clip]:
    """Read clips from files of annotations.

    Parameters
    ----------
    root : Path
        The folder of the recordings.
    files : sequence of Path
    label_column : str, optional
        The column of Raven's labels; otherwise the first of `RAVEN_LABELS` a table has.

    Returns
    -------
    clips : list of Clip
        In order of time within a recording. Marks of the same bounds are one clip of
        several labels.

    Raises
    ------
    DataError
        A file is damaged, or is about no recording below `root`.
    """
    find = Finder(root)
    recordings = find_recordings(root)
    labels: dict[tuple[str, float, float], list[str]] = {}
    for file in files:
        for name, start, end, label in read_annotations(file, label_column):
            path = find(name) if name else _beside(file, recordings, root)
            if reason := find.unmatched.get(path):
                raise DataError(f"{file} is about {name}, which {reason}")
            labels.setdefault((path, start, end), []).append(label)
    if not labels:
        raise DataError(
            f"{root} holds no annotations: Audacity's label tracks or Raven's selection tables, "
            "text files beside the recordings that begin with their names"
        )
    return [
        Clip(
            path, LABEL_SEPARATOR.join(dict.fromkeys(filter(None, found))), start_s=start, end_s=end
        )
        for (path, start, end), found in sorted(labels.items())
    ]


def read_annotations(path: Path, label_column: str | None = None) -> list[Mark]:
    """Read the marks of one file; see `clips_from_annotations`."""
    try:
        with open_table(path) as table:
            lines = [line.rstrip("\r\n") for line in table.lines]
    except FileNotFoundError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    header = lines[0].split("\t") if lines else []
    if BEGIN in header:
        return _raven(path, lines, label_column)
    return _audacity(path, lines)


def _audacity(path: Path, lines: Iterable[str]) -> list[Mark]:
    """Read lines of start, end and label; those of frequencies begin with a backslash."""
    marks: list[Mark] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        cells = line.split("\t")
        if not _is_span(cells):
            raise DataError(
                f"{path}, line {number} is {line[:40]!r}, expected start, end and label, "
                "separated by tabs"
            )
        start, end = _number(cells[0]), _number(cells[1])
        if end > start:  # a label at a point has no sound
            marks.append(("", start, end, plain_cell(cells[2].strip()) if len(cells) > 2 else ""))
    return marks


def _raven(path: Path, lines: Iterable[str], label_column: str | None) -> list[Mark]:
    reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    columns = reader.fieldnames or ()
    wanted = (label_column,) if label_column else RAVEN_LABELS
    of_label = next((name for name in wanted if name in columns), None)
    if of_label is None:
        raise DataError(
            f"{path} has the columns {list_columns(columns)}; expected one of {', '.join(wanted)} "
            "(--label-column names another)"
        )
    marks: dict[tuple[str, ...], Mark] = {}
    for number, row in enumerate(reader, start=2):
        where = f"{path}, line {number}"
        start, end = (parse_seconds(row.get(name) or "", where, name) for name in (BEGIN, END))
        if start is None or end is None or end <= start:
            raise DataError(f"{where}: a selection from {start} s to {end} s has no length")
        begins = parse_seconds(row.get(IN_FILE) or "", where, IN_FILE)
        if begins is not None:
            start, end = begins, begins + end - start
        name = (row.get("Begin Path") or row.get("Begin File") or "").strip()
        label = plain_cell((row.get(of_label) or "").strip())
        # a selection has a row for every view of it
        key = (row.get("Selection") or str(number), name, label)
        marks.setdefault(key, (name, round(start, 6), round(end, 6), label))
    return list(marks.values())


def _beside(file: Path, recordings: Sequence[Path], root: Path) -> str:
    """Return the recording whose name a file of annotations begins with."""
    beside = [path for path in recordings if path.parent == file.parent]
    whole = [path for path in beside if file.name.startswith(f"{path.name}.")]
    found = whole or [path for path in beside if file.name.startswith(f"{path.stem}.")]
    longest = max((len(path.stem) for path in found), default=0)
    found = [path for path in found if len(path.stem) == longest]
    if len(found) != 1:
        which = "no recording" if not found else "several recordings"
        raise DataError(
            f"{file} is about {which} in its folder; expected its name to begin with the name of "
            "one recording, such as night.txt or night.wav.txt for night.wav"
        )
    return found[0].relative_to(root).as_posix()


def _is_span(cells: Sequence[str]) -> bool:
    try:
        return len(cells) >= 2 and 0 <= _number(cells[0]) <= _number(cells[1])
    except ValueError:
        return False


def _number(text: str) -> float:
    # Audacity writes numbers as the system's language does
    number = float(text.strip().replace(",", "."))
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _read(request: Request) -> Source | None:
    table, label_column = request.table, request.options.label_column
    if request.options.labels_from != "annotations" and not (table and is_annotation(table)):
        return None
    folder = local_folder(request.root)
    files = [local(table)] if table else annotation_files(folder)
    return Source(clips_from_annotations(folder, files, label_column), folder, files)


LAYOUT = Layout(order=40, read=_read, labels_from="annotations")

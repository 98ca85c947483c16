"""One file of annotations: a label track of Audacity, or a table such as those of Raven."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.column_names import fold_name
from audiotl_cli.dataset.columns import named_columns, recording_of
from audiotl_cli.dataset.label_cells import labels_in_cell
from audiotl_cli.dataset.numbers import parse_number
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.dataset.points import LENGTHLESS, widen
from audiotl_cli.dataset.reading import read_columns
from audiotl_cli.dataset.rows import Row, read_rows
from audiotl_cli.dataset.table import DELIMITERS, open_table, report_assumed_encoding
from audiotl_cli.dataset.time_columns import STARTS, bounds
from audiotl_cli.errors import DataError
from audiotl_cli.labels import score_after, split_labels, without_score
from audiotl_cli.left_out import LeftOutCounter
from audiotl_cli.storage.paths import AnyPath, open_file

TRACK, TABLE, LIST = "track", "table", "list"
"""Kinds of annotations: of Audacity, with a header, and with the recording of each row as well."""

SCORES = ("score", "confidence")
"""Folded names of columns of scores."""

_FIRST = 4096  # bytes
_SECONDS = re.compile(r"\d+(?:[.,]\d*)?(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Mark:
    """An annotation.

    Parameters
    ----------
    recording : str
        As its row names it; empty for the recording beside the file.
    start_s, end_s : float
    label : str
        Empty without one.
    where : str
        File and line, for messages.
    score : float or None
        Of a detection, where the file has scores.
    """

    recording: str
    start_s: float
    end_s: float
    label: str
    where: str
    score: float | None = None


def kind_of_annotation(path: AnyPath) -> str:
    """Return what a file looks like by its first line; empty if it is no file of annotations."""
    try:
        with open_file(path) as file:
            start = file.read(_FIRST)
    except OSError:
        return ""
    is_utf_16 = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = start.decode("utf-16" if is_utf_16 else "utf-8-sig", "replace")
    first = next((line for line in text.splitlines() if line.strip()), "")
    cells = max((first.split(delimiter) for delimiter in DELIMITERS), key=len)
    if _is_span(first.split("\t")):
        return TRACK
    names = [fold_name(cell.strip().strip('"')) for cell in cells]

    def has(*roles: str) -> bool:
        return any(name.tier(role) is not None for name in names for role in roles)

    if not has(*STARTS) or not has("end", "duration"):
        return ""
    return LIST if has("path") else TABLE


def read_annotations(path: Path, options: IndexOptions, left_out: LeftOutCounter) -> list[Mark]:
    """Read the marks of one file.

    Parameters
    ----------
    path : Path
    options : IndexOptions
        Name columns, the separator of labels, and the width of points.
    left_out : LeftOutCounter
        Marks without a length, and rows for another view of a selection, are added.

    Raises
    ------
    DataError
        The file is damaged, or its columns can be read in several ways.
    """
    marks = _read_track(path) if kind_of_annotation(path) == TRACK else _read_table(path, options)
    if not marks:
        left_out.add("holds no annotations", str(path), suffix=path.suffix.lower())
    found: dict[Mark, None] = {}
    for mark in marks:
        if mark.end_s > mark.start_s:
            found[mark] = None
        elif options.point_width_s is not None:
            start, end = widen(mark.start_s, options.point_width_s)
            found[replace(mark, start_s=start, end_s=end)] = None
        else:
            labels = split_labels(mark.label)
            left_out.add(LENGTHLESS, mark.where, unit="annotation", labels=labels)
    return _without_other_views(list(found), left_out)


def _without_other_views(marks: Sequence[Mark], left_out: LeftOutCounter) -> list[Mark]:
    """Raven writes a row for each view of a selection."""
    found: dict[tuple[str, float, float, str], Mark] = {}
    for mark in marks:
        key = (mark.recording, mark.start_s, mark.end_s, mark.label)
        if key in found:
            left_out.add("repeats another annotation", mark.where, unit="row")
        else:
            found[key] = mark
    return list(found.values())


def _read_track(path: Path) -> list[Mark]:
    """Read lines of start, end and label; those of frequencies begin with a backslash.

    The score that ``predict --format audacity`` writes after a label is not part of it.
    """
    marks: list[Mark] = []
    with open_table(path) as table:
        report_assumed_encoding(path, table)
        for number, line in enumerate(table.lines, start=table.n_before + 1):
            if not line.strip() or line.startswith("\\"):
                continue
            cells = line.rstrip("\r\n").split("\t")
            where = f"{path}, line {number}"
            if not _is_span(cells):
                raise DataError(
                    f"{where} is {line.strip()[:40]!r}, expected start, end and label, separated "
                    "by tabs"
                )
            start, end = (float(cell.strip().replace(",", ".")) for cell in cells[:2])
            _check(start, end, where)
            text = plain_cell(cells[2].strip()) if len(cells) > 2 else ""
            marks.append(Mark("", start, end, without_score(text), where, score_after(text)))
    return marks


def _read_table(path: Path, options: IndexOptions) -> list[Mark]:
    table = read_rows(path, quotes=not _is_raw(path))
    if not table.rows:
        return []
    roles = read_columns(table, named_columns(options)).roles
    if "label" not in roles and options.label_column is None:
        raise DataError(
            f"{path} has no column that is known to hold labels: {', '.join(table.columns)}; name "
            "it with --label-column"
        )
    return [_mark(row, roles, options) for row in table.rows]


def _is_raw(path: Path) -> bool:
    """Return whether quotes in a table are part of labels: Raven quotes nothing."""
    with open_table(path) as table:
        return table.delimiter == "\t" and '"' not in next(table.lines, "")


def _mark(row: Row, roles: Mapping[str, str], options: IndexOptions) -> Mark:
    start, end = bounds(row, roles)
    if start is None or end is None:
        raise DataError(f"{row.where}: a selection needs a start and an end")
    start, end = round(start, 6), round(end, 6)
    _check(start, end, row.where)
    label = plain_cell(row.cells[roles["label"]]) if "label" in roles else ""
    recording = recording_of(row, roles) if "path" in roles else ""
    labels = labels_in_cell(label, options.label_separator)
    return Mark(recording, start, end, labels, row.where, _score(row))


def _score(row: Row) -> float | None:
    """Return the score of a row, where a column is called so; text in it is none."""
    for name, cell in row.cells.items():
        if fold_name(name).key in SCORES:
            with contextlib.suppress(DataError):
                return parse_number(cell, row.where, name)
    return None


def _check(start: float, end: float, where: str) -> None:
    if end < start:
        raise DataError(f"{where}: a selection from {start} s to {end} s has no length")


def _is_span(cells: Sequence[str]) -> bool:
    # Audacity writes numbers as the system's language does
    return len(cells) > 1 and all(_SECONDS.fullmatch(cell.strip()) for cell in cells[:2])

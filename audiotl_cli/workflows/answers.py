"""Bring labels that somebody gave into an index."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.index import Index
from audiotl_cli.dataset.numbers import parse_seconds
from audiotl_cli.dataset.relabel import Place, check_label, place_of, write_labels
from audiotl_cli.dataset.table import OpenTable, list_columns, open_table, report_assumed_encoding
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.review.clip_names import find_rows, name_of, read_name
from audiotl_cli.storage.paths import join

Answer = tuple[str, AudioSource, str]
"""Where it was given, the clip, and its label."""


def read_answers(texts: Iterable[str], table: Path | None, index: Index) -> dict[Place, str]:
    """Return the labels given on a command line and in a table.

    Parameters
    ----------
    texts : iterable of str
        ``FILE=LABEL``; without a label, it takes the label away.
    table : Path or None
        With columns ``path`` and ``label``, and maybe ``start_s`` and ``end_s``; rows without
        a label say nothing.
    index : Index

    Raises
    ------
    UsageError
        A text is no such answer.
    DataError
        The table is none, or a clip is not in the index, or named twice with different labels.
    """
    given = [_read_text(text, index) for text in texts]
    if table is not None:
        given += _read_rows(table)
    labels: dict[Place, str] = {}
    for where, source, label in given:
        try:
            check_label(label)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
        for place in _places(where, source, index):
            if labels.setdefault(place, label) != label:
                raise DataError(
                    f"{where}: {place[0]} is labelled {labels[place]!r} before, and {label!r} here"
                )
    return labels


def write_answers(index: Index, labels: dict[Place, str]) -> tuple[Index, int]:
    """Write labels into the index file; return it as it then is, and how many clips changed."""
    assert index.path is not None
    written = write_labels(index.path, labels)
    n_changed = sum(written.before[place] != label for place, label in labels.items())
    return written.index, n_changed


def _read_text(text: str, index: Index) -> Answer:
    parts = text.split("=")
    if len(parts) < 2 or not parts[0]:
        raise UsageError(f"--set is {text!r}, expected FILE=LABEL")
    # names and labels may hold the sign themselves: the first part that names a clip counts
    for n in range(1, len(parts)):
        source = read_name("=".join(parts[:n]))
        if find_rows(index, source):
            return f"--set {text!r}", source, "=".join(parts[n:]).strip()
    return f"--set {text!r}", read_name("=".join(parts[:-1])), parts[-1].strip()


def _read_rows(path: Path) -> list[Answer]:
    try:
        with open_table(path) as table:
            report_assumed_encoding(path, table)
            return _answers(path, table)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error


def _answers(path: Path, table: OpenTable) -> list[Answer]:
    rows = csv.DictReader(table.lines, delimiter=table.delimiter, strict=True)
    answers: list[Answer] = []
    try:
        columns = rows.fieldnames or []
        if not {"path", "label"} <= set(columns):
            raise DataError(
                f"{path} has the columns {list_columns(columns)}; expected path and label"
            )
        for row in rows:
            where = f"{path}, line {table.n_before + rows.line_num}"
            label = plain_cell((row["label"] or "").strip())
            if not label or not row["path"]:
                continue
            start, end = (
                parse_seconds(row.get(name) or "", where, name, delimiter=table.delimiter)
                for name in ("start_s", "end_s")
            )
            answers.append((where, AudioSource(join(Path(), row["path"]), start, end), label))
    except csv.Error as error:
        raise DataError(f"{path}, line {table.n_before + rows.line_num}: {error}") from error
    return answers


def _places(where: str, source: AudioSource, index: Index) -> Sequence[Place]:
    rows = find_rows(index, source)
    if not rows:  # a table of our own, see `safe_cell`
        path = join(Path(), plain_cell(str(source.path)))
        rows = find_rows(index, AudioSource(path, source.start_s, source.end_s))
    if not rows:
        raise DataError(f"{where}: {name_of(source)} is no clip of {index.path}")
    places = {place_of(index.clips[row]) for row in rows}
    if len(places) > 1:
        names = ", ".join(name_of(index.source(index.clips[row])) for row in rows[:3])
        raise DataError(
            f"{where}: {len(places)} clips of {index.path} are of this recording; say which: "
            f"{names}{', ...' if len(rows) > 3 else ''}"
        )
    return sorted(places, key=str)

"""Read the detections in one file: what ``predict --segments`` writes, or annotations."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import unquote

from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.annotation_file import kind_of_annotation, read_annotations
from audiotl_cli.dataset.numbers import parse_number, parse_seconds
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.dataset.rows import Row, read_rows
from audiotl_cli.errors import DataError
from audiotl_cli.files import read_regular
from audiotl_cli.labels import split_labels
from audiotl_cli.left_out import LeftOutCounter

MAX_BYTES = 1 << 30
"""Largest file of predictions: some million events."""

EVENT = ("path", "start_s", "end_s", "label")
KALEIDOSCOPE = ("INDIR", "FOLDER", "IN FILE", "OFFSET", "DURATION", "AUTO ID")
_RTTM_FIELDS = 10


@dataclass(frozen=True)
class Found:
    """A detection as its file has it.

    Parameters
    ----------
    path : str
        The recording as the file names it; empty for the one that the file's own name says.
    start_s, end_s : float
    label : str
    score : float or None
    where : str
        File and line, for messages.
    """

    path: str
    start_s: float
    end_s: float
    label: str
    score: float | None
    where: str


def read_file(path: Path, left_out: LeftOutCounter) -> Iterator[Found]:
    """Yield the detections in a file, in its order.

    Parameters
    ----------
    path : Path
        JSON, JSON lines, CSV, Parquet, RTTM, or annotations as `read_annotations` reads them.
    left_out : LeftOutCounter
        Rows that are no detections are added: recordings that could not be read, stretches of
        silence, annotations without a length.

    Raises
    ------
    DataError
        The file cannot be read, holds something else, or predictions of whole recordings; the
        message names the line.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in (".json", ".jsonl", ".ndjson"):
            found = _read_json(path, left_out)
        elif suffix == ".rttm":
            found = _read_rttm(path)
        else:
            found = _read_table(path, left_out)
        for detection in found:
            yield _checked(detection)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from error


def _checked(found: Found) -> Found:
    numbers = (found.start_s, found.end_s, 0.0 if found.score is None else found.score)
    if not all(map(math.isfinite, numbers)) or not 0 <= found.start_s < found.end_s:
        raise DataError(
            f"{found.where}: a detection from {found.start_s} s to {found.end_s} s with the score "
            f"{found.score}; expected finite numbers, and an end after the start"
        )
    return found


def _whole(where: object) -> DataError:
    return DataError(
        f"{where} holds predictions of whole recordings, without a start and an end; make "
        "detections with: audiotl predict --segments"
    )


def _read_json(path: Path, left_out: LeftOutCounter) -> Iterator[Found]:
    data = read_regular(path, MAX_BYTES)
    if path.suffix.lower() == ".json":
        values = _parse(data, path)
        if not isinstance(values, list):
            raise DataError(f"{path} is not a list of predictions, as predict --format json writes")
        numbered = [(value, f"{path}, item {n}") for n, value in enumerate(values, start=1)]
    else:
        lines = [(line, f"{path}, line {n}") for n, line in enumerate(data.split(b"\n"), start=1)]
        numbered = [(_parse(line, where), where) for line, where in lines if line.strip()]
    for value, where in numbered:
        yield from _of_object(value, where, left_out)


def _parse(data: bytes, where: object) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is not JSON: {error}") from error


def _of_object(value: Any, where: str, left_out: LeftOutCounter) -> Iterator[Found]:
    if not isinstance(value, dict) or not isinstance(value.get("path"), str):
        raise DataError(f"{where} is {str(value)[:40]!r}, expected an object with a path")
    if "error" in value:
        left_out.add("could not be predicted", value["path"], unit="recording")
        return
    events = value.get("segments", [value] if "start_s" in value else None)
    if events is None:
        raise _whole(where)
    for event in events if isinstance(events, list) else [events]:
        yield _of_event(event, value["path"], where)


def _of_event(event: Any, path: str, where: str) -> Found:
    values = event if isinstance(event, dict) else {}
    start, end, label, score = (values.get(n) for n in ("start_s", "end_s", "label", "score"))
    numbers = (start, end, 0 if score is None else score)
    if not isinstance(label, str) or any(type(number) not in (int, float) for number in numbers):
        raise DataError(
            f"{where} has the segment {str(event)[:60]!r}; expected start_s, end_s, label and score"
        )
    return Found(path, float(start), float(end), label, score, where)  # type: ignore[arg-type]


def _read_rttm(path: Path) -> Iterator[Found]:
    try:
        text = read_regular(path, MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8: {error}") from error
    for n, line in enumerate(text.split("\n"), start=1):
        fields = line.split()
        where = f"{path}, line {n}"
        if not fields or line.startswith(";") or fields[0] != "SPEAKER":
            continue
        if len(fields) < _RTTM_FIELDS - 1:
            raise DataError(f"{where} has {len(fields)} fields, expected {_RTTM_FIELDS}")
        start, length, score = (
            None if cell == "<NA>" else parse_number(cell, where, name)
            for cell, name in zip(
                (fields[3], fields[4], fields[8]), ("start", "duration", "score"), strict=True
            )
        )
        if start is None or length is None:
            raise DataError(f"{where} has no start or no duration")
        end = round(start + length, 6)
        yield Found(unquote(fields[1]), start, end, unquote(fields[7]), score, where)


def _read_table(path: Path, left_out: LeftOutCounter) -> Iterator[Found]:
    if path.suffix.lower() in (".csv", ".tsv", ".parquet"):
        table = read_rows(path)
        columns = set(table.columns)
        if columns.issuperset((*EVENT, "verdict")):
            raise DataError(f"{path} is a table of verdicts; name the detections that it is about")
        if columns.issuperset(KALEIDOSCOPE):
            for row in table.rows:
                yield _of_kaleidoscope(row)
            return
        if columns.issuperset(EVENT):
            for row in table.rows:
                yield from _of_row(row, left_out)
            return
        if "path" in columns and (
            "score" in columns or any(c.startswith("score") for c in columns)
        ):
            raise _whole(path)
    if path.suffix.lower() == ".parquet" or not kind_of_annotation(path):
        if not read_regular(path, MAX_BYTES).strip():
            return  # a label track without events
        raise DataError(
            f"{path} holds no detections; expected what audiotl predict --segments writes, or "
            "annotations of Audacity, Raven or in CSV"
        )
    for mark in read_annotations(path, IndexOptions(), left_out):
        for label in split_labels(mark.label):
            yield Found(mark.recording, mark.start_s, mark.end_s, label, mark.score, mark.where)
        if not mark.label:
            left_out.add("has no label", mark.where, unit="annotation")


def _of_row(row: Row, left_out: LeftOutCounter) -> Iterator[Found]:
    """Yield the event of a row of the tables that audiotl writes; other rows have no label."""
    cells = row.cells
    label, name = plain_cell(cells["label"]), plain_cell(cells["path"])
    if not label:
        reason = "could not be predicted" if cells.get("error") else cells.get("note")
        left_out.add(reason or "has no label", row.where, unit="row")
        return
    start, end = (_seconds(row, name) for name in ("start_s", "end_s"))
    if not name:
        raise DataError(f"{row.where}: path is empty, expected a recording")
    yield Found(name, start, end, label, _number(row, "score"), row.where)


def _of_kaleidoscope(row: Row) -> Found:
    cells: Mapping[str, str] = row.cells
    where = PurePath(*(plain_cell(cells[name]) for name in ("INDIR", "FOLDER", "IN FILE")))
    start = _seconds(row, "OFFSET")
    label = plain_cell(cells.get("MANUAL ID") or cells["AUTO ID"])
    end = round(start + _seconds(row, "DURATION"), 6)
    return Found(str(where), start, end, label, _number(row, "SCORE"), row.where)


def _seconds(row: Row, name: str) -> float:
    value = parse_seconds(row.cells[name], row.where, name, delimiter=row.delimiter)
    if value is None:
        raise DataError(f"{row.where}: {name} is empty, expected seconds")
    return value


def _number(row: Row, name: str) -> float | None:
    return parse_number(row.cells.get(name) or "", row.where, name, delimiter=row.delimiter)

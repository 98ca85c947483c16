"""Read detections: the events that ``audiotl predict --segments`` wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiotl_cli.cells import plain_cell
from audiotl_cli.dataset.numbers import parse_number
from audiotl_cli.dataset.rows import Row, read_rows
from audiotl_cli.dataset.table import MAX_BYTES
from audiotl_cli.errors import DataError
from audiotl_cli.files import read_regular
from audiotl_cli.json_files import get
from audiotl_cli.left_out import LeftOutCounter

TABLES, JSON = (".csv", ".tsv", ".parquet"), (".json", ".jsonl", ".ndjson")
COLUMNS = ("path", "start_s", "end_s", "label", "score")


@dataclass(frozen=True)
class Detection:
    """An event that a model found in a recording.

    Parameters
    ----------
    path : str
        Of the recording, as the predictions have it.
    start_s, end_s : float
        Seconds from the beginning of the recording.
    label : str
    score : float
    """

    path: str
    start_s: float
    end_s: float
    label: str
    score: float


@dataclass
class Detected:
    """What files of predictions hold.

    Parameters
    ----------
    detections : dict
        Every detection once, in the order of the files.
    paths : dict
        Recordings that the files name, also without detections, in their order.
    failed : dict
        Recordings that could not be predicted, and why.
    repeated : list of str
        Recordings of detections that are listed again, once for each time.
    """

    detections: dict[Detection, None] = field(default_factory=dict)
    paths: dict[str, None] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)

    def add(self, detection: Detection) -> None:
        """Add a detection, or count it if it is there."""
        if detection in self.detections:
            self.repeated.append(detection.path)
        self.detections[detection] = None

    def kept(self, min_score: float, left_out: LeftOutCounter) -> dict[Detection, None]:
        """Return the detections from a score on; what else is here is added to what is left out."""
        for path in self.repeated:
            left_out.add("listed more than once, and counted once", path, unit="detection")
        for path, reason in self.failed.items():
            left_out.add(f"could not be predicted: {reason}", path, unit="recording")
        kept: dict[Detection, None] = {}
        for detection in self.detections:
            if detection.score < min_score:
                left_out.add(f"below --min-score {min_score:g}", detection.path, unit="detection")
            else:
                kept[detection] = None
        return kept


def read_detected(files: Iterable[Path]) -> Detected:
    """Read files of predictions: CSV, Parquet, JSON or JSON lines.

    Raises
    ------
    DataError
        A file is missing, damaged, of another format, or holds no events; says where.
    UsageError
        It is Parquet, and pyarrow is not installed.
    """
    found = Detected()
    for file in files:
        suffix = file.suffix.lower()
        if suffix in JSON:
            for value, where in _values(file):
                _add_value(found, value, where)
        elif suffix in TABLES:
            _add_table(found, file)
        else:
            raise DataError(
                f"{file} is none of {', '.join((*TABLES, *JSON))}; expected what audiotl predict "
                "--segments writes with --format csv, parquet, json or jsonl"
            )
    return found


def _add_table(found: Detected, file: Path) -> None:
    table = read_rows(file)
    if "path" not in table.columns or "start_s" not in table.columns:
        raise _no_events(str(file), f"has the columns {', '.join(table.columns[:8])}")
    table.cells(*COLUMNS)
    for row in table.rows:
        path, label = (plain_cell(row.cells[name]) for name in ("path", "label"))
        if not path:
            raise DataError(f"{row.where}: path is empty, expected a recording")
        found.paths[path] = None
        if error := row.cells["error"]:
            found.failed[path] = error
        elif label:  # others are stretches without any sound
            numbers = (_number(row, name) for name in ("start_s", "end_s", "score"))
            start_s, end_s, score = numbers
            found.add(_checked(Detection(path, start_s, end_s, label, score), row.where))


def _number(row: Row, name: str) -> float:
    value = parse_number(row.cells[name], row.where, name)
    if value is None:
        raise DataError(f"{row.where}: {name} is empty, expected a number")
    return value


def _checked(detection: Detection, where: str) -> Detection:
    bounds = (detection.start_s, detection.end_s)
    if not all(map(math.isfinite, (*bounds, detection.score))) or not 0 <= bounds[0] <= bounds[1]:
        raise DataError(f"{where}: an event from {bounds[0]} s to {bounds[1]} s is none")
    return detection


def _values(file: Path) -> Iterator[tuple[dict[str, Any], str]]:
    try:
        text = read_regular(file, MAX_BYTES).decode("utf-8-sig")
        if file.suffix.lower() == ".json":
            values = json.loads(text)
            wheres = ((value, f"{file}, element {n}") for n, value in enumerate(values, 1))
        else:
            lines = ((line, n) for n, line in enumerate(text.split("\n"), 1) if line.strip())
            wheres = ((json.loads(line), f"{file}, line {n}") for line, n in lines)
        for value, where in wheres:
            if not isinstance(value, dict):
                raise DataError(f"{where} is no object; expected a prediction")
            yield value, where
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror})") from error
    except (RecursionError, TypeError, ValueError) as error:
        raise DataError(f"{file} is not JSON of predictions: {error}") from error


def _add_value(found: Detected, value: Mapping[str, Any], where: str) -> None:
    try:
        path = get(value, "path", str)
        found.paths[path] = None
        if "start_s" in value:  # a line of a stream
            found.add(_checked(_event(path, value), where))
        elif "error" in value:
            found.failed[path] = str(get(value, "error", dict).get("message", ""))
        elif "segments" in value:
            for event in get(value, "segments", list):
                if not isinstance(event, dict):
                    raise DataError("a segment is no object")
                found.add(_checked(_event(path, event), where))
        else:
            raise _no_events(where, "has a label for a whole recording")
    except DataError as error:
        raise error if where in str(error) else DataError(f"{where}: {error}") from error


def _event(path: str, value: Mapping[str, Any]) -> Detection:
    start_s, end_s, score = (get(value, name, float) for name in ("start_s", "end_s", "score"))
    return Detection(path, start_s, end_s, get(value, "label", str), score)


def _no_events(where: str, found: str) -> DataError:
    return DataError(
        f"{where} {found}, expected events ({', '.join(COLUMNS)}); write them with: audiotl "
        "predict RECORDINGS --segments --output FILE"
    )

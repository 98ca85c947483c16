"""Predictions as text: JSON, JSON lines, CSV."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audiotl_cli.files import csv_text

Record = Mapping[str, Any]
"""``path``, ``label``, ``score``, ``scores``, and ``error`` where there is one; ``labels``
where there may be several; ``segments`` where they were asked for."""


def to_json(records: Sequence[Record], labels: Sequence[str]) -> str:
    """Return one JSON list."""
    return json.dumps(records, allow_nan=False) + "\n"


def to_jsonl(records: Sequence[Record], labels: Sequence[str]) -> str:
    """Return one JSON object a line."""
    return "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)


def to_csv(records: Sequence[Record], labels: Sequence[str]) -> str:
    """Return a table: a column of scores for every label, in the model's order; or of segments."""
    if any("segments" in record for record in records):
        return _segments_csv(records)
    several = ["labels"] if any("labels" in record for record in records) else []
    rows: list[list[object]] = [["path", "label", "score", *several, *labels, "error"]]
    for record in records:
        scores = record["scores"]
        error = record["error"]["message"] if "error" in record else ""
        cells = [record["path"], record["label"] or "", record["score"]]
        cells += [";".join(record.get("labels", [])) for _ in several]
        rows.append([*cells, *(scores.get(label, "") for label in labels), error])
    return csv_text(rows)


def _segments_csv(records: Sequence[Record]) -> str:
    """Return a row a segment, and one for each recording that failed."""
    columns = ("start_s", "end_s", "label", "score")
    rows: list[list[object]] = [["path", *columns, "error"]]
    for record in records:
        path = record["path"]
        if "error" in record:
            rows.append([path, *("" for _ in columns), record["error"]["message"]])
        found = record.get("segments", [])
        rows += [[path, *(one[column] for column in columns), ""] for one in found]
    return csv_text(rows)


FORMATS: dict[str, Callable[[Sequence[Record], Sequence[str]], str]] = {
    "json": to_json,
    "jsonl": to_jsonl,
    "csv": to_csv,
}

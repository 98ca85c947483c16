"""Predictions as text: JSON, JSON lines, CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
"""``path``, ``label``, ``score``, ``scores``, and ``error`` where there is one; ``labels``
where there may be several."""


def to_json(records: Sequence[Record], labels: Sequence[str]) -> str:
    """Return one JSON list."""
    return json.dumps(records, allow_nan=False) + "\n"


def to_jsonl(records: Sequence[Record], labels: Sequence[str]) -> str:
    """Return one JSON object a line."""
    return "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)


def to_csv(records: Sequence[Record], labels: Sequence[str]) -> str:
    """Return a table with a column of scores for every label, in the model's order."""
    text = io.StringIO()
    rows = csv.writer(text)
    several = ["labels"] if any("labels" in record for record in records) else []
    rows.writerow(
        ["path", "label", "score", *several, *(_cell(label) for label in labels), "error"]
    )
    for record in records:
        scores = record["scores"]
        error = record["error"]["message"] if "error" in record else ""
        cells = [record["path"], record["label"] or "", record["score"]]
        cells += [";".join(record.get("labels", [])) for _ in several]
        cells += [scores.get(label, "") for label in labels]
        rows.writerow([_cell(cell) for cell in [*cells, error]])
    return text.getvalue()


FORMATS: dict[str, Callable[[Sequence[Record], Sequence[str]], str]] = {
    "json": to_json,
    "jsonl": to_jsonl,
    "csv": to_csv,
}


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking a name for a formula."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return "" if value is None else value

"""The numbers of an evaluation as tables for spreadsheets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audiotl_cli.files import csv_text

Rows = list[Sequence[object]]


def tables(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every table that a result has numbers for."""
    for name, make in _TABLES.items():
        rows = make(result)
        if len(rows) > 1:
            yield name, csv_text(rows)


def _confusion(result: Mapping[str, Any]) -> Rows:
    labels = result.get("labels", ())
    counts = zip(labels, result.get("confusion_matrix", ()), strict=False)
    return [["true \\ predicted", *labels], *([label, *row] for label, row in counts)]


def _per_label(result: Mapping[str, Any]) -> Rows:
    columns = ("n_clips", "precision", "recall", "f1")
    scores = result.get("per_label", {}).items()
    return [["label", *columns], *([label, *(one[c] for c in columns)] for label, one in scores)]


def _predictions(result: Mapping[str, Any]) -> Rows:
    told = result.get("predictions", ())
    places = [c for c in ("start_s", "end_s", "group", "fold") if any(c in one for one in told)]
    labels = list(dict.fromkeys(label for one in told for label in one.get("scores", ())))
    rows = [
        [
            *(one[name] for name in ("path", "label", "predicted")),
            *(one.get(name) for name in places),
            *(one.get("scores", {}).get(label) for label in labels),
        ]
        for one in told
    ]
    return [["path", "label", "predicted", *places, *labels], *rows]


def _calibration(result: Mapping[str, Any]) -> Rows:
    columns = ("low", "high", "n_clips", "confidence", "accuracy")
    bins = result.get("calibration", {}).get("bins", ())
    return [columns, *([one[name] for name in columns] for one in bins)]


def _learning_curve(result: Mapping[str, Any]) -> Rows:
    curve = result.get("learning_curve", {})
    points = [(one, "measured") for one in curve.get("points", ())]
    points += [(curve["twice"], "extrapolated")] if curve.get("twice") else []
    rows = [[one["n_clips"], one["accuracy"], *one["interval"], how] for one, how in points]
    return [["n_clips", "accuracy", "low", "high", "how"], *rows]


_TABLES = {
    "confusion.csv": _confusion,
    "per_label.csv": _per_label,
    "predictions.csv": _predictions,
    "calibration.csv": _calibration,
    "learning_curve.csv": _learning_curve,
}
NAMES = tuple(_TABLES)

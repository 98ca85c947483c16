"""The numbers of an evaluation as tables for spreadsheets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from audiotl_cli.cells import csv_text
from audiotl_cli.evaluation.evaluation import MOST_IN_MATRIX, Evaluation
from audiotl_cli.evaluation.metrics.registry import all_label_metrics
from audiotl_cli.evaluation.predictions import Predictions

Rows = Iterator[Sequence[object]]


def tables(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every table that an evaluation has numbers for."""
    for name, make in _TABLES.items():
        rows = list(make(evaluation))
        if len(rows) > 1:
            yield name, csv_text(rows)


def _scores(evaluation: Evaluation) -> Rows:
    scores = evaluation.scores
    intervals = {scores.leading: scores.lead[1], "accuracy": scores.interval}
    yield "metric", "value", "low", "high"
    for name, value in scores.metrics.items():
        yield name, value, *intervals.get(name, (None, None))


def _confusion(evaluation: Evaluation) -> Rows:
    labels = evaluation.scores.labels
    if len(labels) > MOST_IN_MATRIX:
        return
    yield "true \\ predicted", *labels
    for label, row in zip(labels, evaluation.scores.confusion.tolist(), strict=True):
        yield label, *row


def _per_label(evaluation: Evaluation) -> Rows:
    per_label = evaluation.scores.per_label
    names = [metric.name for metric in all_label_metrics()]
    columns = [name for name in names if any(name in row for row in per_label.values())]
    yield "label", "n_clips", *columns
    for label, row in per_label.items():
        yield label, row["n_clips"], *(row.get(name) for name in columns)


def _predictions(evaluation: Evaluation) -> Rows:
    predictions = evaluation.predictions
    places = [
        name
        for name in ("start_s", "end_s", "group", "fold")
        if any(getattr(clip, name) not in (None, "") for clip in predictions.clips)
    ]
    names, scores = _score_columns(predictions)
    yield "path", "label", "predicted", *places, *names
    for i, clip in enumerate(predictions.clips):
        where = [getattr(clip, name) for name in places]
        yield clip.path, clip.label, predictions.predicted[i], *where, *scores(i)


def _score_columns(
    predictions: Predictions,
) -> tuple[Sequence[str], Callable[[int], Sequence[object]]]:
    """Return the names of the columns of scores, and what fills them for a clip."""
    labels, n = predictions.labels, predictions.n_listed
    if n == len(labels):
        return labels, lambda i: [round(v, 6) for v in predictions.scores[i].tolist()]
    best = predictions.best(n)
    names = [name for rank in range(1, n + 1) for name in (f"label_{rank}", f"score_{rank}")]

    def cells(i: int) -> list[object]:
        pairs = ((labels[j], round(float(predictions.scores[i, j]), 6)) for j in best[i].tolist())
        return [cell for pair in pairs for cell in pair]

    return names, cells


def _calibration(evaluation: Evaluation) -> Rows:
    yield "low", "high", "n_clips", "confidence", "accuracy"
    if calibration := evaluation.calibration:
        for some in calibration.bins:
            yield some.low, some.high, some.n_clips, some.confidence, some.accuracy


def _learning_curve(evaluation: Evaluation) -> Rows:
    yield "n_clips", "accuracy", "low", "high", "how"
    if curve := evaluation.learning_curve:
        for point in curve.points:
            yield point.n_clips, point.accuracy, *point.interval, "measured"
        yield curve.twice.n_clips, curve.twice.accuracy, *curve.twice.interval, "extrapolated"


def _thresholds(evaluation: Evaluation) -> Rows:
    yield "threshold", "sensitivity", "specificity", "precision"
    if found := evaluation.binary:
        for at in found.curve[1:]:
            yield at.threshold, at.sensitivity, at.specificity, at.precision


_TABLES = {
    "scores.csv": _scores,
    "confusion.csv": _confusion,
    "per_label.csv": _per_label,
    "predictions.csv": _predictions,
    "calibration.csv": _calibration,
    "learning_curve.csv": _learning_curve,
    "thresholds.csv": _thresholds,
}
NAMES = tuple(_TABLES)

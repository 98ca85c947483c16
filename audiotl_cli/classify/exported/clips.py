"""A classifier of clips as ONNX: from the frames of a clip to the scores of its labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audiotl_cli.classify.calibration import SMALLEST, Calibrator
from audiotl_cli.classify.classifier import ClipClassifier
from audiotl_cli.classify.exported.estimators import add_row_labels, add_row_scores
from audiotl_cli.classify.exported.told import ONE, SMALL, add_sigmoid
from audiotl_cli.classify.rejection import POOLING, SAME, Rejection
from audiotl_cli.graph import Graph, Value


def add_classifier(graph: Graph, classifier: ClipClassifier, parts: Sequence[str]) -> None:
    """Write a classifier of one clip, and name what it tells.

    ``scores``, float32 (n_labels,), are those of `ClipClassifier.scores`; ``rejected`` is
    whether it says "none of these".

    Parameters
    ----------
    graph : Graph
    classifier : ClipClassifier
    parts : sequence of str
        The clip's frames, float32 (n_frames, dim), by each extractor.

    Raises
    ------
    UsageError
        Something in the classifier cannot be written.
    """
    scores = _scores(graph, classifier, parts)
    n_labels = len(classifier.labels)
    if classifier.rejection is None:
        rejected = graph.constant(np.array(False))
    else:
        rejected = _rejects(graph, classifier.rejection, parts, scores)
    told = graph.reshape(graph.cast(scores, np.float32), n_labels)
    graph.output("scores", told, np.float32, [n_labels])
    graph.output("rejected", rejected, np.bool_, [])


def _scores(graph: Graph, classifier: ClipClassifier, parts: Sequence[str]) -> str:
    """Return the scores of the clip, float64 (1, n_labels)."""
    rows = _pool_clip(graph, parts, classifier.pooling)
    pipeline, n_labels = classifier.pipeline, len(classifier.labels)
    if classifier.pooling == "vote" and not classifier.multi_label:
        scores = add_row_labels(graph, pipeline, rows, n_labels)
    else:
        several = classifier.multi_label
        scores = add_row_scores(graph, pipeline, rows, n_labels, several=several)
    if classifier.pooling == "vote":
        scores = graph.reduce("Mean", scores, 0)
    return _calibrate(graph, classifier.calibrator, scores) if classifier.calibrator else scores


def _pool_clip(graph: Graph, parts: Sequence[str], pooling: str) -> str:
    """Return the clip's rows, float32, the extractors' side by side."""
    rows = [_pool(graph, frames, pooling) for frames in parts]
    return rows[0] if len(rows) == 1 else graph.add("Concat", *rows, axis=1)


def _pool(graph: Graph, frames: str, pooling: str) -> str:
    if pooling == "vote":
        return frames
    wide = graph.cast(frames, np.float64)
    mean = graph.reduce("Mean", wide, 0)
    pooled = [mean]
    if pooling == "mean+std":
        away = graph.add("Sub", wide, mean)
        pooled.append(graph.add("Sqrt", graph.reduce("Mean", graph.add("Mul", away, away), 0)))
    elif pooling == "mean+max":
        pooled.append(graph.reduce("Max", wide, 0))
    return graph.cast(graph.add("Concat", *pooled, axis=1), np.float32)


def _calibrate(graph: Graph, calibrator: Calibrator, scores: str) -> str:
    if calibrator.method == "temperature":
        heights = graph.add("Log", graph.add("Max", scores, np.float64(SMALLEST)))
        cooled = graph.add("Div", heights, np.float64(calibrator.temperature))
        return graph.add("Softmax", cooled, axis=1)
    if calibrator.method == "sigmoid":
        inside = graph.add("Clip", scores, np.float64(SMALLEST), np.float64(1 - SMALLEST))
        odds = graph.add("Log", graph.add("Div", inside, graph.add("Sub", ONE, inside)))
        slanted = graph.add("Mul", odds, np.array([calibrator.slopes]))
        told = add_sigmoid(graph, graph.add("Add", slanted, np.array([calibrator.offsets])))
    else:
        columns = [
            _interpolate(graph, graph.add("Gather", scores, np.array([i]), axis=1), *step)
            for i, step in enumerate(calibrator.steps)
        ]
        told = graph.add("Concat", *columns, axis=1)
    total = graph.reduce("Sum", told, 1)
    shares = graph.add("Div", told, graph.add("Max", total, SMALL))
    return graph.add("Where", graph.add("Greater", total, np.float64(0)), shares, scores)


def _interpolate(graph: Graph, x: str, places: Sequence[float], values: Sequence[float]) -> str:
    """Follow lines between points, flat beyond them; `x` is (1, 1)."""
    at, heights = np.array(places), np.array(values)
    if len(at) == 1:
        return graph.add("Add", graph.add("Mul", x, np.float64(0)), heights)
    widths = np.diff(at)
    slopes = np.diff(heights) / np.where(widths > 0, widths, 1)
    inside = graph.add("Clip", x, at[0], at[-1])
    n_below = graph.reduce("Sum", _count(graph, inside, "GreaterOrEqual", at), 1, keep=False)
    place = graph.add("Sub", graph.cast(n_below, np.int64), np.array([1]))
    place = graph.add("Min", place, np.array([len(at) - 2]))
    start, height, slope = (graph.add("Gather", each, place) for each in (at, heights, slopes))
    rise = graph.add("Mul", graph.add("Sub", inside, start), slope)
    return graph.add("Add", rise, height)


def _count(graph: Graph, x: str, how: str, values: Value) -> str:
    return graph.cast(graph.add(how, x, values), np.float64)


def _rejects(graph: Graph, rejection: Rejection, parts: Sequence[str], scores: str) -> str:
    sure = graph.reduce("Max", scores, 1)
    near = _nearness(graph, rejection, _pool_clip(graph, parts, POOLING))
    ranks = graph.add(
        "Mul", _rank(graph, sure, rejection.sureness), _rank(graph, near, rejection.nearness)
    )
    rejected = graph.add("Less", graph.add("Sqrt", ranks), np.float64(rejection.threshold))
    return graph.add("Reshape", rejected, np.array([], np.int64))


def _nearness(graph: Graph, rejection: Rejection, rows: str) -> str:
    """Return minus the squared distance from the nearest label's mean, (1, 1)."""
    around = rejection.surroundings
    centred = graph.add("Sub", graph.cast(rows, np.float64), around.centre.astype(np.float64))
    rows = graph.add("Div", centred, around.spread.astype(np.float64))
    means, weights = around.means.astype(np.float64), around.weights.astype(np.float64)
    directions = around.directions.astype(np.float64)
    along = graph.add("Sub", graph.add("MatMul", rows, directions.T), means @ directions.T)
    inside = graph.add("Mul", along, along)
    away = graph.add("Sub", rows, means)
    whole = graph.reduce("Sum", graph.add("Mul", away, away), 1)
    outside = graph.add("Sub", whole, graph.reduce("Sum", inside, 1))
    distances = graph.add(
        "Add",
        graph.add("MatMul", inside, weights[:-1, None]),
        graph.add("Mul", outside, weights[-1]),
    )
    return graph.add("Neg", graph.reduce("Min", distances, 0))


def _rank(graph: Graph, value: str, known: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """Return the share of the known that lie below, those that are equal counted half."""
    below = graph.reduce("Sum", _count(graph, value, "Greater", known + SAME), 1)
    upto = graph.reduce("Sum", _count(graph, value, "GreaterOrEqual", known - SAME), 1)
    both = graph.add("Add", graph.add("Add", below, upto), ONE)
    return graph.add("Div", both, np.float64(2 * len(known) + 2))

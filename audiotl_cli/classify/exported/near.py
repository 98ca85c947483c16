"""Classifiers that ask what lies near, as ONNX: neighbours, support vectors, prototypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from audiotl_cli.classify.exported.told import ONE, Told
from audiotl_cli.errors import UsageError
from audiotl_cli.graph import Graph


def _distances(graph: Graph, x: str, rows: Any) -> str:
    """Return the squared distances of every row of `x` from every one of `rows`."""
    rows = np.asarray(rows, np.float64)
    products = graph.add("MatMul", x, -2 * rows.T)
    lengths = graph.reduce("Sum", graph.add("Mul", x, x), 1)
    return graph.add("Add", graph.add("Add", products, (rows**2).sum(axis=1)), lengths)


def _unit(graph: Graph, x: str) -> str:
    """Scale rows (float64) to the length 1; nothing stays nothing."""
    length = graph.add("Sqrt", graph.reduce("Sum", graph.add("Mul", x, x), 1))
    empty = graph.cast(graph.add("Equal", length, np.float64(0)), np.float64)
    return graph.add("Div", x, graph.add("Add", length, empty))


def add_neighbours(graph: Graph, estimator: Any, x: str) -> Told:
    rows = np.asarray(estimator._fit_X, np.float64)
    x = graph.cast(x, np.float64)
    metric = estimator.effective_metric_
    if estimator.weights != "uniform" or metric not in ("cosine", "euclidean"):
        raise UsageError(
            f"neighbours by {metric} with weights={estimator.weights!r} cannot be written as "
            "ONNX, only by cosine or euclidean with weights='uniform'; --format skops can"
        )
    if metric == "cosine":
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(lengths == 0, 1, lengths)
        distances = graph.add("Neg", graph.add("MatMul", _unit(graph, x), rows.T))
    else:
        distances = _distances(graph, x, rows)
    k = np.array([estimator.n_neighbors], np.int64)
    nearest = graph.add_several(2, "TopK", distances, k, axis=1, largest=0)[1]
    belongs = np.eye(len(estimator.classes_))[estimator._y]
    return Told(graph.reduce("Mean", graph.add("Gather", belongs, nearest), 1, keep=False))


def add_svm(graph: Graph, estimator: Any, x: str) -> Told:
    """Ask every pair of labels, and count (libsvm; Chang and Lin, 2011)."""
    if estimator.probability is True or estimator.break_ties:
        raise UsageError(
            "svm with probability or break_ties cannot be written as ONNX; --format skops can"
        )
    n = len(estimator.classes_)
    alike = _kernel(graph, estimator, graph.cast(x, np.float64))
    weights, first, second = _pairs(estimator)
    margins = graph.add("Add", graph.add("MatMul", alike, weights), estimator._intercept_)
    if n == 2:  # libsvm's sign is that of the first label
        return Told(margins=graph.add("Neg", margins))
    lost = graph.cast(graph.add("Less", margins, np.float64(0)), np.float64)
    won = graph.cast(graph.add("GreaterOrEqual", margins, np.float64(0)), np.float64)
    votes = graph.add("Add", graph.add("MatMul", won, first), graph.add("MatMul", lost, second))
    sure = graph.add("MatMul", margins, first - second)
    bounded = graph.add("Mul", graph.add("Add", graph.add("Abs", sure), ONE), 3.0)
    return Told(margins=graph.add("Add", votes, graph.add("Div", sure, bounded)), votes=votes)


def _kernel(graph: Graph, estimator: Any, x: str) -> str:
    """Return how alike rows and support vectors are."""
    vectors = np.asarray(estimator.support_vectors_, np.float64)
    gamma, kind = np.float64(estimator._gamma), estimator.kernel
    if kind == "rbf":
        return graph.add("Exp", graph.add("Mul", _distances(graph, x, vectors), -gamma))
    product = graph.add("MatMul", x, vectors.T)
    if kind == "linear":
        return product
    product = graph.add("Add", graph.add("Mul", product, gamma), np.float64(estimator.coef0))
    if kind == "poly":
        return graph.add("Pow", product, np.float64(estimator.degree))
    return graph.add("Tanh", product)


def _pairs(estimator: Any) -> tuple[Any, Any, Any]:
    """Return the weights of support vectors for every pair of labels, and who is in a pair."""
    n = len(estimator.classes_)
    ends = np.concatenate([[0], np.cumsum(estimator._n_support)])
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    weights = np.zeros((ends[-1], len(pairs)))
    for number, (i, j) in enumerate(pairs):
        of_first, of_second = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
        weights[of_first, number] = estimator._dual_coef_[j - 1, of_first]
        weights[of_second, number] = estimator._dual_coef_[i, of_second]
    first, second = (np.eye(n)[[pair[place] for pair in pairs]] for place in (0, 1))
    return weights, first, second


def add_prototype(graph: Graph, estimator: Any, x: str) -> Told:
    x = graph.cast(x, np.float64)
    if estimator.metric == "cosine":
        near = graph.add("MatMul", _unit(graph, x), estimator.means_.T)
    else:
        away = _distances(graph, x, estimator.means_)
        near = graph.add("Div", away, np.float64(-2 * estimator.length_))
    return Told(
        graph.add("Softmax", graph.add("Mul", near, np.float64(estimator.sharpness)), axis=1)
    )

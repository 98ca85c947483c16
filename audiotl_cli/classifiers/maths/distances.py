"""Lengths of rows and distances between them."""

from __future__ import annotations

import numpy as np

from audiotl_cli.classifiers.parts import Array
from audiotl_cli.graph import Graph

_CELLS = 1 << 22  # values converted to double precision at once


def squared_distances(X: Array, rows: Array) -> Array:
    """Return the squared distances of every row of `X` from every one of `rows`, float64."""
    X = np.asarray(X, np.float64)
    distances = np.empty((len(X), len(rows)))
    lengths = (X**2).sum(axis=1, keepdims=True)
    n_rows = max(1, _CELLS // rows.shape[1])
    for start in range(0, len(rows), n_rows):  # in blocks, to limit memory
        some = rows[start : start + n_rows].astype(np.float64)
        part = X @ (-2 * some.T) + (some**2).sum(axis=1) + lengths
        distances[:, start : start + n_rows] = np.maximum(part, 0)
    return distances


def add_unit_rows(graph: Graph, x: str) -> str:
    """Add the ONNX nodes of `unit_rows`; `x` is float64."""
    length = graph.add("Sqrt", graph.reduce("Sum", graph.add("Mul", x, x), 1))
    empty = graph.cast(graph.add("Equal", length, np.float64(0)), np.float64)
    return graph.add("Div", x, graph.add("Add", length, empty))


def add_squared_distances(graph: Graph, x: str, rows: Array) -> str:
    """Add the ONNX nodes of `squared_distances`; `x` is float64."""
    rows = np.asarray(rows, np.float64)
    products = graph.add("MatMul", x, -2 * rows.T)
    lengths = graph.reduce("Sum", graph.add("Mul", x, x), 1)
    return graph.add("Add", graph.add("Add", products, (rows**2).sum(axis=1)), lengths)


def centre_and_spread(rows: Array) -> tuple[Array, Array]:
    """Return the centre and spread of rows, per feature."""
    return rows.mean(axis=0), rows.std(axis=0)

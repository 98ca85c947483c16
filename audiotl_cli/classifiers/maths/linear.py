"""Linear classifiers: one margin per label."""

from __future__ import annotations

from typing import Any

import numpy as np

from audiotl_cli.classifiers.checks import floats
from audiotl_cli.classifiers.parts import Array, State
from audiotl_cli.graph import Graph

ARRAYS = ("coef", "intercept")


def plane_arrays(estimator: Any) -> dict[str, Array]:
    """Return the arrays of a fitted linear estimator."""
    coef = np.asarray(estimator.coef_)
    intercept = np.broadcast_to(np.asarray(estimator.intercept_, coef.dtype), (len(coef),))
    return {"coef": coef, "intercept": intercept}


def check_planes(state: State, n_features: int, n_labels: int) -> None:
    """Check the arrays: one row per label, or a single row for two labels."""
    n_planes = 1 if n_labels == 2 else n_labels
    floats(state, "coef", n_planes, n_features)
    floats(state, "intercept", n_planes)


def plane_margins(state: State, X: Array) -> Array:
    """Return the margins of rows, (n_rows, n_labels); of two labels (n_rows, 1)."""
    margins: Array = X @ state.arrays["coef"].T + state.arrays["intercept"]
    return margins


def add_plane_margins(graph: Graph, state: State, x: str) -> str:
    """Add the ONNX nodes of `plane_margins`."""
    wide = graph.cast(x, np.float64)
    product = graph.add("MatMul", wide, state.arrays["coef"].T.astype(np.float64))
    return graph.add("Add", product, state.arrays["intercept"].astype(np.float64))

"""Nearest neighbours."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from audiotl_cli.classifiers.checks import choice, expect_names, floats, integers, number, whole
from audiotl_cli.classifiers.maths.distances import (
    add_squared_distances,
    add_unit_rows,
    centre_and_spread,
    squared_distances,
)
from audiotl_cli.classifiers.parts import Array, Outputs, State
from audiotl_cli.classifiers.recipe import Params, Recipe
from audiotl_cli.errors import UsageError
from audiotl_cli.graph import Graph
from audiotl_cli.vectors import unit_rows

_CELLS = 1 << 22  # distances computed at once
_POWERS = {"euclidean": 2.0, "l2": 2.0, "manhattan": 1.0, "cityblock": 1.0, "l1": 1.0}
_METRICS = ("cosine", "minkowski")
_WEIGHTS = ("uniform", "distance")


class NeighboursRecipe(Recipe):
    name = "knn"
    summary = "Nearest neighbours"
    place = 50
    quick = True
    complexity = 3
    params: ClassVar[Params] = {
        "n_neighbors": 1,
        "metric": "cosine",
    }  # as in sklearn-audio-transfer-learning
    seeded = False
    class_weights = False

    def build(self, params: Params) -> Any:
        from sklearn.neighbors import KNeighborsClassifier

        return KNeighborsClassifier(**{"algorithm": "brute", **params})

    def to_state(self, estimator: Any) -> State:
        metric, power = estimator.effective_metric_, 0.0
        if metric in _POWERS:
            metric, power = "minkowski", _POWERS[metric]
        elif metric == "minkowski":
            power = float(estimator.effective_metric_params_.get("p", estimator.p))
        if metric not in _METRICS or estimator.weights not in _WEIGHTS:
            raise UsageError(
                f"neighbours by {metric} with weights={estimator.weights!r} are not supported; "
                "use the metric cosine, euclidean, manhattan or minkowski, and the weights "
                "uniform or distance"
            )
        rows = np.asarray(estimator._fit_X)
        if estimator.n_neighbors > len(rows):
            raise ValueError(
                f"n_neighbors is {estimator.n_neighbors}, expected at most {len(rows)}, the "
                "number of training rows"
            )
        if metric == "cosine":
            rows = unit_rows(rows)
        params = {
            "metric": metric,
            "power": power,
            "weights": estimator.weights,
            "n_neighbors": int(estimator.n_neighbors),
            "n_labels": len(estimator.classes_),
        }
        return State({"rows": rows, "labels": np.asarray(estimator._y, np.int64)}, params)

    def check(self, state: State, n_features: int, n_labels: int) -> None:
        names = ["metric", "power", "weights", "n_neighbors", "n_labels"]
        expect_names(state, ["rows", "labels"], names)
        n = len(floats(state, "rows", None, n_features))
        integers(state, "labels", n, low=0, high=n_labels - 1)
        choice(state, "metric", _METRICS)
        choice(state, "weights", _WEIGHTS)
        lowest = 0 if state.params["metric"] == "cosine" else 0.1
        number(state, "power", low=lowest, high=100)
        whole(state, "n_neighbors", 1, n)
        whole(state, "n_labels", n_labels, n_labels)

    def outputs(self, state: State, X: Array) -> Outputs[Array]:
        n_rows = max(1, _CELLS // len(state.arrays["rows"]))
        parts = [_ask(state, X[i : i + n_rows]) for i in range(0, len(X), n_rows)]
        return Outputs(np.concatenate(parts))

    def add_outputs(self, graph: Graph, state: State, x: str) -> Outputs[str]:
        metric, power, weights = (state.params[name] for name in ("metric", "power", "weights"))
        if weights != "uniform" or power not in (0, 2):
            by = metric if power in (0, 2) else f"{metric} with p={power:g}"
            raise UsageError(
                f"neighbours by {by} with weights={weights!r} cannot be exported to ONNX; only "
                "the metrics cosine and euclidean with weights='uniform' can"
            )
        rows = np.asarray(state.arrays["rows"], np.float64)
        x = graph.cast(x, np.float64)
        if metric == "cosine":
            similar = graph.add("MatMul", add_unit_rows(graph, x), rows.T)
            distances = graph.add("Neg", similar)
        else:
            distances = add_squared_distances(graph, x, rows)
        k = np.array([state.params["n_neighbors"]], np.int64)
        nearest = graph.add_several(2, "TopK", distances, k, axis=1, largest=0)[1]
        belongs = np.eye(state.params["n_labels"])[state.arrays["labels"]]
        return Outputs(graph.reduce("Mean", graph.add("Gather", belongs, nearest), 1, keep=False))

    def typical(self, state: State, n_features: int) -> tuple[Array, Array]:
        return centre_and_spread(state.arrays["rows"])


def _ask(state: State, X: Array) -> Array:
    """Return the shares of labels among the neighbours of rows, (n_rows, n_labels)."""
    distances = _distances(state, X)
    k = state.params["n_neighbors"]
    nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
    weights = np.ones(nearest.shape)
    if state.params["weights"] == "distance":
        near = np.take_along_axis(distances, nearest, axis=1).astype(np.float64)
        same = near == 0  # equal ones count alone, as scikit-learn has it
        weights = np.where(same.any(axis=1, keepdims=True), same, 1 / np.where(same, 1, near))
    shares = np.zeros((len(X), state.params["n_labels"]))
    labels = state.arrays["labels"][nearest]
    for place in range(k):
        shares[np.arange(len(X)), labels[:, place]] += weights[:, place]
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _distances(state: State, X: Array) -> Array:
    rows, power = state.arrays["rows"], state.params["power"]
    if state.params["metric"] == "cosine":
        similar = unit_rows(X) @ rows.T
        return np.asarray(np.clip(1 - similar, 0, 2))
    if power == 2:
        return np.sqrt(squared_distances(X, rows))
    X = X.astype(np.float64)
    total = np.zeros((len(X), len(rows)))
    for feature in range(rows.shape[1]):
        total += np.abs(X[:, feature, None] - rows[:, feature].astype(np.float64)) ** power
    return np.asarray(total ** (1 / power))


RECIPE = NeighboursRecipe()

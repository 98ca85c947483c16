"""Nearest class mean, for a few clips per label."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from audiotl_cli.classifiers.checks import choice, expect_names, floats, number
from audiotl_cli.classifiers.maths.distances import (
    add_squared_distances,
    add_unit_rows,
    centre_and_spread,
    squared_distances,
)
from audiotl_cli.classifiers.parts import Array, Outputs, State
from audiotl_cli.classifiers.recipe import Params, Recipe
from audiotl_cli.classifiers.scoring import softmax
from audiotl_cli.errors import UsageError
from audiotl_cli.graph import Graph
from audiotl_cli.vectors import unit_rows

_METRICS = ("cosine", "euclidean")


class PrototypeRecipe(Recipe):
    """Predict the label whose mean is nearest (Snell et al., 2017).

    Its parameters are ``metric``: the cosine of the angle, or half the squared distance in units
    of the mean squared length of a row (the two are the same, but for a constant, where all rows
    have the same length); and ``sharpness``, by which similarities are multiplied before the
    softmax that makes scores of them.
    """

    name = "prototype"
    summary = "Nearest class mean, suited to a few clips per label"
    place = 80
    scales = True
    seeded = False
    class_weights = False

    def build(self, params: Params) -> Any:
        return _estimator()(**params)

    def to_state(self, estimator: Any) -> State:
        params = {
            "metric": estimator.metric,
            "sharpness": float(estimator.sharpness),
            "length": estimator.length_,
        }
        return State({"means": estimator.means_}, params)

    def check(self, state: State, n_features: int, n_labels: int) -> None:
        expect_names(state, ["means"], ["metric", "sharpness", "length"])
        floats(state, "means", n_labels, n_features)
        choice(state, "metric", _METRICS)
        number(state, "sharpness")
        number(state, "length", low=np.finfo(np.float64).tiny)

    def outputs(self, state: State, X: Array) -> Outputs[Array]:
        means, X = state.arrays["means"], np.asarray(X, np.float64)
        if state.params["metric"] == "cosine":
            near = unit_rows(X) @ means.T
        else:
            near = squared_distances(X, means) / (-2 * state.params["length"])
        return Outputs(softmax(state.params["sharpness"] * near))

    def add_outputs(self, graph: Graph, state: State, x: str) -> Outputs[str]:
        means, x = state.arrays["means"], graph.cast(x, np.float64)
        if state.params["metric"] == "cosine":
            near = graph.add("MatMul", add_unit_rows(graph, x), means.T)
        else:
            away = add_squared_distances(graph, x, means)
            near = graph.add("Div", away, np.float64(-2 * state.params["length"]))
        sharp = graph.add("Mul", near, np.float64(state.params["sharpness"]))
        return Outputs(graph.add("Softmax", sharp, axis=1))

    def typical(self, state: State, n_features: int) -> tuple[Array, Array]:
        return centre_and_spread(state.arrays["means"])


@cache
def _estimator() -> Any:
    """Return the estimator class, which is created late because its base is slow to import."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Prototype(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def __init__(self, metric: str = "cosine", sharpness: float = 10.0) -> None:
            self.metric = metric
            self.sharpness = sharpness

        def fit(self, X: Array, y: Array) -> Prototype:
            if self.metric not in _METRICS:
                raise UsageError(f"metric is {self.metric!r}, expected 'cosine' or 'euclidean'")
            rows = np.asarray(X, np.float64)
            rows = unit_rows(rows) if self.metric == "cosine" else rows
            self.classes_ = np.unique(y)
            means = np.stack([rows[y == label].mean(axis=0) for label in self.classes_])
            self.means_ = unit_rows(means) if self.metric == "cosine" else means
            self.length_ = float((rows**2).sum(axis=1).mean()) or 1.0
            return self

    return Prototype


RECIPE = PrototypeRecipe()

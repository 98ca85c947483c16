"""Logistic regression."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from audiotl_cli.classifiers.checks import expect_names, flag
from audiotl_cli.classifiers.maths import linear
from audiotl_cli.classifiers.parts import Array, Outputs, State
from audiotl_cli.classifiers.recipe import Params, Recipe, SearchSpace, each
from audiotl_cli.classifiers.scoring import (
    add_both,
    add_logistic,
    add_shares,
    both,
    logistic,
    shares,
    softmax,
)
from audiotl_cli.graph import Graph


class LogisticRegressionRecipe(Recipe):
    name = "logreg"
    aliases = ("logistic-regression",)
    summary = "Logistic regression with L2 regularisation"
    place = 0
    quick = True
    complexity = 0
    params: ClassVar[Params] = {"C": 0.03, "max_iter": 1000}
    scales = True
    rotates = True
    class_weights = False
    equal_priors = True
    space = SearchSpace(scaled=each("C", 0.01, 0.03, 0.1, 0.3, 1.0), whitened=each("C", 0.01, 0.1))

    def build(self, params: Params) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(**params)

    def equalise(self, estimator: Any, counts: Array) -> None:
        """Divide the probabilities by the labels' shares of the rows, by Bayes' theorem.

        Menon, A. K. et al. (2021). Long-tail learning via logit adjustment. ICLR.
        """
        others = counts.sum() - counts
        if len(counts) == 2:
            estimator.intercept_ -= np.log(counts[1:] / others[1:])
        elif self.to_state(estimator).params["one_versus_rest"]:
            estimator.intercept_ -= np.log(counts / others)
        else:
            estimator.intercept_ -= np.log(counts / counts.mean())

    def to_state(self, estimator: Any) -> State:
        several = len(estimator.classes_) > 2
        alone = estimator.solver == "liblinear" or getattr(estimator, "multi_class", "") == "ovr"
        return State(linear.plane_arrays(estimator), {"one_versus_rest": several and alone})

    def check(self, state: State, n_features: int, n_labels: int) -> None:
        expect_names(state, linear.ARRAYS, ["one_versus_rest"])
        flag(state, "one_versus_rest")
        linear.check_planes(state, n_features, n_labels)

    def outputs(self, state: State, X: Array) -> Outputs[Array]:
        margins = linear.plane_margins(state, X)
        if margins.shape[1] == 1:
            return Outputs(both(logistic(margins)), margins)
        if state.params["one_versus_rest"]:
            return Outputs(shares(logistic(margins)), margins)
        return Outputs(softmax(margins), margins)

    def add_outputs(self, graph: Graph, state: State, x: str) -> Outputs[str]:
        margins = linear.add_plane_margins(graph, state, x)
        if len(state.arrays["coef"]) == 1:
            return Outputs(add_both(graph, add_logistic(graph, margins)), margins)
        if state.params["one_versus_rest"]:
            return Outputs(add_shares(graph, add_logistic(graph, margins)), margins)
        return Outputs(graph.add("Softmax", margins, axis=1), margins)


RECIPE = LogisticRegressionRecipe()

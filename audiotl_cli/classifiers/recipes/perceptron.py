"""Linear classifier fitted by stochastic gradient descent."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from audiotl_cli.classifiers.checks import choice, expect_names
from audiotl_cli.classifiers.maths import linear
from audiotl_cli.classifiers.parts import Array, Outputs, State
from audiotl_cli.classifiers.recipe import Params, Recipe
from audiotl_cli.classifiers.scoring import (
    ONE,
    add_both,
    add_logistic,
    add_shares,
    both,
    logistic,
    shares,
)
from audiotl_cli.graph import Graph

_PROBABLE = ("log_loss", "modified_huber")


class PerceptronRecipe(Recipe):
    name = "perceptron"
    summary = "Logistic regression by stochastic gradient descent"
    place = 30
    quick = True
    complexity = 0
    params: ClassVar[Params] = {
        "loss": "log_loss",
        "max_iter": 600,
    }  # as in sklearn-audio-transfer-learning
    streams = True

    def build(self, params: Params) -> Any:
        from sklearn.linear_model import SGDClassifier

        return SGDClassifier(**params)

    def build_streaming(self, params: Params, seed: int, n_rows: int) -> Any:
        return self.build({**self.params, "random_state": seed, **params})

    def to_state(self, estimator: Any) -> State:
        loss = estimator.loss if estimator.loss in _PROBABLE else "margins"
        return State(linear.plane_arrays(estimator), {"loss": loss})

    def check(self, state: State, n_features: int, n_labels: int) -> None:
        expect_names(state, linear.ARRAYS, ["loss"])
        choice(state, "loss", (*_PROBABLE, "margins"))
        linear.check_planes(state, n_features, n_labels)

    def outputs(self, state: State, X: Array) -> Outputs[Array]:
        margins = linear.plane_margins(state, X)
        loss = state.params["loss"]
        if loss == "margins":
            return Outputs(margins=margins)
        likely = logistic(margins) if loss == "log_loss" else (np.clip(margins, -1, 1) + 1) / 2
        return Outputs(both(likely) if margins.shape[1] == 1 else shares(likely), margins)

    def add_outputs(self, graph: Graph, state: State, x: str) -> Outputs[str]:
        margins = linear.add_plane_margins(graph, state, x)
        loss = state.params["loss"]
        if loss == "margins":
            return Outputs(margins=margins)
        if loss == "log_loss":
            likely = add_logistic(graph, margins)
        else:
            inside = graph.add("Clip", margins, np.float64(-1), ONE)
            likely = graph.add("Mul", graph.add("Add", inside, ONE), np.float64(0.5))
        add = add_both if len(state.arrays["coef"]) == 1 else add_shares
        return Outputs(add(graph, likely), margins)


RECIPE = PerceptronRecipe()

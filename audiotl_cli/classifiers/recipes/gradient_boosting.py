"""Histogram-based gradient boosting."""

from __future__ import annotations

from typing import Any

import numpy as np

from audiotl_cli.classifiers.checks import DamagedError, expect_names, floats
from audiotl_cli.classifiers.maths import trees
from audiotl_cli.classifiers.parts import Array, Outputs, State
from audiotl_cli.classifiers.recipe import Params, Recipe
from audiotl_cli.classifiers.scoring import add_both, add_logistic, both, logistic, softmax
from audiotl_cli.errors import UsageError
from audiotl_cli.graph import Graph


class GradientBoostingRecipe(Recipe):
    name = "gradient-boosting"
    summary = "Histogram-based gradient boosting"
    place = 70

    def build(self, params: Params) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(**params)

    def suited_params(self, n_rows: int) -> Params:
        """Return the least rows of a leaf: 20, which is scikit-learn's choice, or fewer.

        No more than a tenth of all: below 40 rows there would be no split, and every clip would
        get the same scores.
        """
        return {"min_samples_leaf": min(20, max(1, n_rows // 10))}

    def to_state(self, estimator: Any) -> State:
        """Return its trees, round after round, and in each round one for each output."""
        nodes = [tree.nodes for round_ in estimator._predictors for tree in round_]
        if any(node["is_categorical"].any() for node in nodes):
            raise UsageError("gradient-boosting does not support categorical features here")
        arrays = trees.tree_arrays(
            [
                {
                    "feature": node["feature_idx"].astype(np.int64),
                    "threshold": node["num_threshold"],
                    "left": np.where(node["is_leaf"] == 1, -1, node["left"].astype(np.int64)),
                    "right": node["right"].astype(np.int64),
                }
                for node in nodes
            ]
        )
        arrays["value"] = np.concatenate([node["value"] for node in nodes]).astype(np.float64)
        base = np.asarray(estimator._baseline_prediction, np.float64).reshape(-1)
        return State(arrays | {"base": base})

    def check(self, state: State, n_features: int, n_labels: int) -> None:
        expect_names(state, (*trees.ARRAYS, "value", "base"))
        floats(state, "value", trees.check_trees(state, n_features))
        n_outputs = len(floats(state, "base", 1 if n_labels == 2 else n_labels))
        if len(state.arrays["first_node"]) % n_outputs:
            raise DamagedError("its rounds do not have one tree per label")

    def outputs(self, state: State, X: Array) -> Outputs[Array]:
        base, value = state.arrays["base"], state.arrays["value"]
        margins = np.tile(base, (len(X), 1))
        for rows, leaves in trees.find_leaves(state, np.asarray(X, np.float64)):
            for tree in range(0, leaves.shape[1], len(base)):
                margins[rows] += value[leaves[:, tree : tree + len(base)]]
        return Outputs(both(logistic(margins)) if len(base) == 1 else softmax(margins), margins)

    def add_outputs(self, graph: Graph, state: State, x: str) -> Outputs[str]:
        base, left = state.arrays["base"], state.arrays["left"]
        leaf = np.flatnonzero(left == np.arange(len(left)))
        place = np.searchsorted(state.arrays["first_node"], leaf, "right") - 1
        leaves = leaf, place, state.arrays["value"][leaf]
        margins = trees.add_trees(graph, state, graph.cast(x, np.float64), leaves, base)
        if len(base) == 1:
            return Outputs(add_both(graph, add_logistic(graph, margins)), margins)
        return Outputs(graph.add("Softmax", margins, axis=1), margins)

    def typical(self, state: State, n_features: int) -> tuple[Array, Array]:
        return trees.typical_of_trees(state, n_features)


RECIPE = GradientBoostingRecipe()

"""Random forest."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from audiotl_cli.classifiers.checks import DamagedError, expect_names, floats, integers, whole
from audiotl_cli.classifiers.maths import trees
from audiotl_cli.classifiers.parts import Array, Outputs, State
from audiotl_cli.classifiers.recipe import Params, Recipe
from audiotl_cli.graph import Graph

_LEAVES = ("leaf", "leaf_label", "leaf_share")


class RandomForestRecipe(Recipe):
    name = "random-forest"
    summary = "Random forest of 300 trees"
    place = 60
    params: ClassVar[Params] = {"n_estimators": 300}

    def build(self, params: Params) -> Any:
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(**params)

    def to_state(self, estimator: Any) -> State:
        """Return its trees, and for each leaf its labels with the share of each."""
        known = [member.tree_ for member in estimator.estimators_]
        arrays = trees.tree_arrays(
            [
                {
                    "feature": tree.feature,
                    "threshold": tree.threshold,
                    "left": tree.children_left,
                    "right": tree.children_right,
                }
                for tree in known
            ]
        )
        values = np.concatenate([tree.value[:, 0, :] for tree in known])
        values[arrays["left"] != np.arange(len(values))] = 0
        leaf, label = np.nonzero(values)
        arrays |= {
            "leaf": leaf.astype(np.int32),
            "leaf_label": label.astype(np.int32),
            "leaf_share": values[leaf, label],
        }
        return State(arrays, {"n_labels": len(estimator.classes_)})

    def check(self, state: State, n_features: int, n_labels: int) -> None:
        expect_names(state, (*trees.ARRAYS, *_LEAVES), ["n_labels"])
        whole(state, "n_labels", n_labels, n_labels)
        n_nodes = trees.check_trees(state, n_features)
        n = len(floats(state, "leaf_share", None))
        leaf = integers(state, "leaf", n, low=0, high=n_nodes - 1)
        integers(state, "leaf_label", n, low=0, high=n_labels - 1)
        is_leaf = state.arrays["left"] == np.arange(n_nodes, dtype=np.int32)
        has_values = np.zeros(n_nodes, bool)
        has_values[leaf] = True
        if (leaf[1:] < leaf[:-1]).any() or not np.array_equal(has_values, is_leaf):
            raise DamagedError("the values of its leaves are not stored in the order of the leaves")

    def outputs(self, state: State, X: Array) -> Outputs[Array]:
        first = state.arrays["first_node"]
        total = np.zeros((len(X), state.params["n_labels"]))
        nodes = np.append(first, len(state.arrays["left"]))
        ends = np.searchsorted(state.arrays["leaf"], nodes)
        X = np.asarray(X, np.float32)  # as its trees compare
        for rows, leaves in trees.find_leaves(state, X):
            for tree in range(len(first)):
                own = slice(ends[tree], ends[tree + 1])
                shares = np.zeros((nodes[tree + 1] - nodes[tree], total.shape[1]))
                place = state.arrays["leaf"][own] - nodes[tree]
                shares[place, state.arrays["leaf_label"][own]] = state.arrays["leaf_share"][own]
                total[rows] += shares[leaves[:, tree] - nodes[tree]]
        return Outputs(total / len(first))

    def add_outputs(self, graph: Graph, state: State, x: str) -> Outputs[str]:
        n_labels, first = state.params["n_labels"], state.arrays["first_node"]
        leaf, label, share = (state.arrays[name] for name in _LEAVES)
        tree = np.searchsorted(first, leaf, "right") - 1
        leaves = leaf, tree * n_labels + label, share
        x = graph.cast(x, np.float64)
        total = trees.add_trees(graph, state, x, leaves, np.zeros(n_labels))
        return Outputs(graph.add("Div", total, np.float64(len(first))))

    def typical(self, state: State, n_features: int) -> tuple[Array, Array]:
        return trees.typical_of_trees(state, n_features)


RECIPE = RandomForestRecipe()

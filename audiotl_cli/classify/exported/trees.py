"""Forests and boosted trees as ONNX: its own operator for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.graph import TREES, Graph

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

N_PARTS = 3  # numbers of single precision that one of double precision is the sum of


class _Trees:
    """Trees that are being written down.

    ONNX adds them up in single precision and in any order. But what is equal must stay equal: of
    labels that are equally likely, the first is told. So every tree has outputs of its own, three
    numbers of single precision for each of double precision, and they are added one tree
    after another, as scikit-learn does.

    Parameters
    ----------
    n_outputs : int
    """

    def __init__(self, n_outputs: int) -> None:
        self.n_outputs = n_outputs
        self.columns: dict[str, list[Any]] = {
            name: []
            for name in ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids", "modes")
        }
        self.thresholds: list[Floats] = []
        self.told: list[tuple[int, int, int, float]] = []
        self.n_trees = 0

    def add(
        self,
        feature: Ints,
        threshold: Floats,
        left: Ints,
        right: Ints,
        values: Floats,
        first: int,
    ) -> None:
        """Add a tree.

        Parameters
        ----------
        feature, threshold, left, right : (n_nodes,)
            A node goes left where the feature is no more than the threshold; `left` of a leaf
            is below 0.
        values : (n_nodes, n_values)
            What leaves tell.
        first : int
            Where they belong, among the outputs of all rounds laid end to end.
        """
        n, is_leaf = len(left), left < 0
        columns = self.columns
        columns["treeids"] += [self.n_trees] * n
        columns["nodeids"] += range(n)
        columns["featureids"] += np.where(is_leaf, 0, feature).tolist()
        columns["truenodeids"] += np.where(is_leaf, 0, left).tolist()
        columns["falsenodeids"] += np.where(is_leaf, 0, right).tolist()
        columns["modes"] += np.where(is_leaf, "LEAF", "BRANCH_LEQ").tolist()
        self.thresholds.append(np.where(is_leaf, 0, threshold))
        parts = _in_parts(values).reshape(n, -1)
        for node in np.flatnonzero(is_leaf).tolist():
            places = np.flatnonzero(parts[node]).tolist() or [0]
            self.told += [
                (self.n_trees, node, first * N_PARTS + place, float(parts[node, place]))
                for place in places
            ]
        self.n_trees += 1

    def write(self, graph: Graph, x: str, base: Floats) -> str:
        """Return the sums over all trees, float64 (n_rows, n_outputs), begun at `base`."""
        from onnx.numpy_helper import from_array

        trees, nodes, places, weights = zip(*self.told, strict=True)
        n_rounds = max(places) // (N_PARTS * self.n_outputs) + 1
        told = graph.add(
            "TreeEnsembleRegressor",
            x,
            domain=TREES,
            n_targets=n_rounds * self.n_outputs * N_PARTS,
            target_treeids=trees,
            target_nodeids=nodes,
            target_ids=places,
            target_weights_as_tensor=from_array(np.array(weights)),
            nodes_values_as_tensor=from_array(np.concatenate(self.thresholds)),
            **{f"nodes_{name}": values for name, values in self.columns.items()},
        )
        parts = graph.reshape(graph.cast(told, np.float64), -1, n_rounds, self.n_outputs, N_PARTS)
        rounds = graph.reduce("Sum", parts, 3, keep=False)
        first = graph.add("Gather", rounds, np.array([0]), axis=1)
        begin = graph.add("Add", graph.add("Mul", first, np.float64(0)), base)
        sums = graph.add("CumSum", graph.add("Concat", begin, rounds, axis=1), np.array(1))
        return graph.add("Gather", sums, np.array(n_rounds), axis=1)


def _in_parts(values: Floats) -> Floats:
    """Return numbers (...) as sums of `N_PARTS` of single precision (..., N_PARTS)."""
    parts, rest = [], np.asarray(values, np.float64)
    for _ in range(N_PARTS):
        parts.append(rest.astype(np.float32).astype(np.float64))
        rest = rest - parts[-1]
    return np.stack(parts, axis=-1)


def add_forest(graph: Graph, forest: Any, x: str) -> str:
    """Write the probabilities of a random forest: the mean of its trees'.

    Parameters
    ----------
    forest : sklearn.ensemble.RandomForestClassifier
    x : str
        float64 (n_rows, n_features) of single precision, as its trees compare.
    """
    n = len(forest.classes_)
    trees = _Trees(n)
    for number, one in enumerate(forest.estimators_):
        tree = one.tree_
        left, right = tree.children_left, tree.children_right
        trees.add(tree.feature, tree.threshold, left, right, tree.value[:, 0, :], number * n)
    return graph.add("Div", trees.write(graph, x, np.zeros(n)), np.float64(trees.n_trees))


def add_boosting(graph: Graph, boosting: Any, x: str) -> str:
    """Write the raw sums of boosted trees, one output a label, or one of two labels.

    Parameters
    ----------
    boosting : sklearn.ensemble.HistGradientBoostingClassifier
    x : str
        float64 (n_rows, n_features).
    """
    base = np.asarray(boosting._baseline_prediction, np.float64).reshape(-1)
    trees = _Trees(len(base))
    for number, round_ in enumerate(boosting._predictors):
        for place, predictor in enumerate(round_):
            nodes = predictor.nodes
            left = np.where(nodes["is_leaf"] == 1, -1, nodes["left"].astype(np.int64))
            right, feature = nodes["right"].astype(np.int64), nodes["feature_idx"].astype(np.int64)
            values, first = nodes["value"][:, None], number * len(base) + place
            trees.add(feature, nodes["num_threshold"], left, right, values, first)
    return trees.write(graph, x, base)

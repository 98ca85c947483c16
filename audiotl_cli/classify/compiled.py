"""What compiled code would follow without looking: trees, support vectors, neighbours.

Indexes that lead out of an array end the process, or worse. They are looked at here, in the
outline of a model file, before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from audiotl_cli.classify.outline import Made, Name

HGB = "sklearn.ensemble._hist_gradient_boosting"
TREE: Name = ("sklearn.tree._tree", "Tree")
DECISION_TREE: Name = ("sklearn.tree._classes", "DecisionTreeClassifier")
PREDICTOR: Name = (f"{HGB}.predictor", "TreePredictor")
MOST_FEATURES = 10**7
_MOST_JOBS = 1024


class RefusedError(Exception):
    """A model file holds what no model that is made here holds."""


def refuse(condition: object, reason: str) -> None:
    """Raise `RefusedError` where something holds."""
    if condition:
        raise RefusedError(reason)


def check_claims(state: dict[str, Any]) -> None:
    """Check what any object may claim: it decides how much memory and how many threads it takes."""
    if "n_features_in_" in state:
        _n_features(state)
    n_jobs = state.get("n_jobs")
    refuse(n_jobs is not None and type(n_jobs) is not int, "no number of jobs")
    refuse(n_jobs is not None and abs(n_jobs) > _MOST_JOBS, "a claim of too many jobs")


def _n_features(state: dict[str, Any]) -> int:
    n = state.get("n_features_in_")
    refuse(type(n) is not int or not 0 < n <= MOST_FEATURES, "no number of features")
    return int(n)  # type: ignore[arg-type]


def _whole(
    array: object, kinds: str, shape: tuple[int | None, ...], reason: str
) -> np.ndarray[Any, Any]:
    """Return an array of such a kind and shape, or refuse; None is any length."""
    fits = isinstance(array, np.ndarray) and array.dtype.kind in kinds
    fits = fits and array.ndim == len(shape)  # type: ignore[attr-defined]
    pairs = zip(shape, array.shape, strict=True) if fits else []  # type: ignore[attr-defined]
    refuse(not fits or any(n not in (None, found) for n, found in pairs), reason)
    return array  # type: ignore[return-value]


def _children_follow(left: Any, right: Any, inner: Any) -> bool:
    """Return whether all children lie behind their parents: a path ends, and within the tree."""
    place = np.arange(len(left))
    return all(
        bool(((side > place) & (side < len(left)))[inner].all())
        for side in (left.astype(np.int64), right.astype(np.int64))
    )


def check_tree(made: Made) -> Iterable[object]:
    """Check a tree of a forest; it is made of nothing else."""
    reason = "a decision tree whose nodes do not fit together"
    args, state = made.args, made.state
    refuse(type(args) is not tuple or len(args) != 3 or type(state) is not dict, reason)
    n_features, n_classes, n_outputs = args
    refuse(type(n_features) is not int or type(n_outputs) is not int, reason)
    n_classes = _whole(n_classes, "i", (n_outputs,), reason)
    refuse(n_outputs != 1 or n_classes.min() < 1, reason)
    nodes = _whole(state.get("nodes"), "V", (None,), reason)
    refuse("left_child" not in (nodes.dtype.names or ()) or not len(nodes), reason)
    _whole(state.get("values"), "f", (len(nodes), n_outputs, int(n_classes.max())), reason)
    refuse(state.get("node_count") != len(nodes), reason)
    refuse(type(state["node_count"]) is not int or type(state.get("max_depth")) is not int, reason)
    left, right, feature = nodes["left_child"], nodes["right_child"], nodes["feature"]
    inner = left != -1
    refuse(not _children_follow(left, right, inner), reason)
    refuse(((feature < 0) | (feature >= n_features))[inner].any(), reason)
    return []


def check_decision_tree(state: dict[str, Any]) -> None:
    """Check that a tree is one of as many features as are handed to it."""
    if "tree_" not in state:
        return
    tree = state["tree_"]
    fits = isinstance(tree, Made) and tree.what == TREE and tree.how == "call"
    refuse(not fits, "a decision tree without a tree")
    refuse(tree.args[:1] != (_n_features(state),), "a decision tree of other features")


def check_forest(state: dict[str, Any]) -> None:
    """Check that a forest hands its features to trees of as many."""
    if "estimators_" not in state:  # what others are to be made after; here and below
        return
    n = _n_features(state)
    trees = state.get("estimators_")
    refuse(type(trees) is not list, "a forest without trees")
    for tree in trees:  # type: ignore[union-attr]
        fits = isinstance(tree, Made) and tree.what == DECISION_TREE and type(tree.state) is dict
        fits = fits and "tree_" in tree.state
        refuse(not fits or tree.state.get("n_features_in_") != n, "a forest of other trees")
        refuse(_n_told(state) != _n_told(tree.state), "a forest of other trees")


def _n_told(state: dict[str, Any]) -> int:
    """Return how many labels a tree or a forest claims to tell, where that is how many it has."""
    n, classes = state.get("n_classes_"), state.get("classes_")
    n = n.args[1] if isinstance(n, Made) and type(n.args) is tuple and len(n.args) == 2 else n
    n = int.from_bytes(n, "little") if type(n) is bytes else n
    fits = isinstance(classes, np.ndarray) and classes.shape == (n,)
    refuse(not fits or state.get("n_outputs_") != 1, "a forest of other labels")
    return int(n)  # type: ignore[arg-type]


def check_boosting(state: dict[str, Any]) -> None:
    """Check the nodes of boosted trees."""
    reason = "a boosted tree whose nodes do not fit together"
    if "_predictors" not in state:
        return
    n = _n_features(state)
    refuse(state.get("_preprocessor") is not None, reason)
    refuse(state.get("is_categorical_") is not None, reason)
    rounds = state.get("_predictors")
    refuse(type(rounds) is not list or any(type(one) is not list for one in rounds), reason)
    n_a_round = state.get("n_trees_per_iteration_")
    lengths = {len(one) for one in rounds}  # type: ignore[union-attr]
    refuse(type(n_a_round) is not int or lengths != {n_a_round}, reason)
    for made in (made for one in rounds for made in one):  # type: ignore[union-attr]
        refuse(not isinstance(made, Made) or made.what != PREDICTOR, reason)
        refuse(type(made.state) is not dict, reason)
        nodes = _whole(made.state.get("nodes"), "V", (None,), reason)
        refuse("is_leaf" not in (nodes.dtype.names or ()) or not len(nodes), reason)
        inner = nodes["is_leaf"] == 0
        refuse(nodes["is_categorical"].any(), reason)
        refuse(not _children_follow(nodes["left"], nodes["right"], inner), reason)
        feature = nodes["feature_idx"]
        refuse(((feature < 0) | (feature >= n))[inner].any(), reason)


def check_bins(state: dict[str, Any]) -> None:
    """Check that no feature is a category: no node asks for one either."""
    known = state.get("is_categorical_")
    reason = "categories among the features"
    refuse(known is not None and _whole(known, "bu", (None,), reason).any(), reason)


def check_svm(state: dict[str, Any]) -> None:
    """Check that there are as many of everything as libsvm reads."""
    reason = "support vectors that do not fit together"
    if not any(key.endswith("_") for key in state):
        return
    refuse(state.keys() & {"_impl", "_sparse_kernels"} or state.get("_sparse") is not False, reason)
    refuse(state.get("kernel") not in ("linear", "poly", "rbf", "sigmoid"), reason)
    n = _n_features(state)
    vectors = _whole(state.get("support_vectors_"), "f", (None, n), reason)
    k = len(_whole(state.get("classes_"), "i", (None,), reason))
    counts = _whole(state.get("_n_support"), "i", (k,), reason)
    pairs = k * (k - 1) // 2
    refuse(k < 2 or (counts < 0).any(), reason)
    refuse(counts.astype(np.int64).sum() != len(vectors) or (counts > len(vectors)).any(), reason)
    _whole(state.get("support_"), "i", (len(vectors),), reason)
    for key in ("dual_coef_", "_dual_coef_"):
        _whole(state.get(key), "f", (k - 1, len(vectors)), reason)
    for key in ("intercept_", "_intercept_"):
        _whole(state.get(key), "f", (pairs,), reason)
    for key in ("_probA", "_probB"):
        found = _whole(state.get(key), "f", (None,), reason)
        refuse(len(found) not in (0, pairs), reason)
    shape = state.get("shape_fit_")
    refuse(type(shape) is not tuple or len(shape) != 2 or shape[1] != n, reason)


def check_neighbours(state: dict[str, Any]) -> None:
    """Check that neighbours are compared one by one, and belong to labels."""
    reason = "neighbours that do not fit together"
    if "_fit_method" not in state:
        return
    n = _n_features(state)
    rows = _whole(state.get("_fit_X"), "f", (None, n), reason)
    labels = _whole(state.get("_y"), "i", (len(rows),), reason)
    k = len(_whole(state.get("classes_"), "i", (None,), reason))
    refuse(((labels < 0) | (labels >= k)).any(), reason)
    refuse(state.get("_fit_method") != "brute" or state.get("check_tree") is not None, reason)
    refuse(state.get("n_samples_fit_") != len(rows), reason)
    refuse(state.get("metric") == "precomputed", reason)
    for key in ("metric_params", "effective_metric_params_"):
        found = state.get(key) or {}
        refuse(type(found) is not dict, reason)
        refuse(any(type(one) not in (int, float) for one in found.values()), reason)

"""Decision trees, stored as a table of nodes and evaluated for all rows and trees at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from audiotl_cli.classifiers.checks import DamagedError, floats, integers
from audiotl_cli.classifiers.parts import Array, State
from audiotl_cli.graph import TREES, Graph

ARRAYS = ("feature", "threshold", "left", "right", "first_node")
MOST_TREES, MOST_NODES, DEEPEST = 100_000, 4_000_000, 1000  # nodes of one tree
NODES = 1 << 20  # nodes checked at once
CELLS = 1 << 20  # pairs of row and tree evaluated at once
N_PARTS = 3  # single-precision parts that add up to a double-precision value


def tree_arrays(trees: Sequence[dict[str, Array]]) -> dict[str, Array]:
    """Return the nodes of all trees, one after the other.

    Parameters
    ----------
    trees : sequence of dict
        ``feature``, ``threshold``, ``left`` and ``right``, (n_nodes,) each. A node goes left
        where the feature is no more than the threshold; ``left`` of a leaf is below 0.

    Returns
    -------
    arrays : dict
        The same for all trees, with a leaf's children its own number, and ``first_node``,
        (n_trees,).
    """
    sizes = [len(tree["left"]) for tree in trees]
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    columns: dict[str, list[Array]] = {name: [] for name in ARRAYS[:-1]}
    for tree, offset in zip(trees, first.tolist(), strict=True):
        is_leaf = tree["left"] < 0
        own = np.arange(len(is_leaf))
        columns["feature"].append(np.where(is_leaf, 0, tree["feature"]))
        columns["threshold"].append(np.where(is_leaf, 0.0, tree["threshold"]))
        columns["left"].append(np.where(is_leaf, own, tree["left"]) + offset)
        columns["right"].append(np.where(is_leaf, own, tree["right"]) + offset)
    arrays = {name: np.concatenate(parts) for name, parts in columns.items()}
    return {
        name: array.astype(np.float64 if name == "threshold" else np.int32)
        for name, array in arrays.items()
    } | {"first_node": first}


def check_trees(state: State, n_features: int) -> int:
    """Check the table of nodes; return the number of nodes.

    Children come after their parents within the same tree, each has one parent, and no tree is
    deeper than `DEEPEST`, so evaluation always ends.
    """
    n = len(floats(state, "threshold", None))
    if n >= 2**31:
        raise DamagedError(f"it has {n} nodes")
    integers(state, "feature", n, low=0, high=n_features - 1)
    first = integers(state, "first_node", None, low=0, high=n - 1)
    if len(first) > MOST_TREES or first[0] != 0 or (first[1:] <= first[:-1]).any():
        raise DamagedError("its trees are not stored one after the other")
    left, right = (integers(state, name, n, low=0, high=n - 1) for name in ("left", "right"))
    ends = np.append(first[1:], n)
    group = 0
    while group < len(first):  # in groups of trees, to limit memory
        after = max(group + 1, int(np.searchsorted(ends, first[group] + NODES, "right")))
        nodes = slice(int(first[group]), int(ends[after - 1]))
        if nodes.stop - nodes.start > MOST_NODES:
            raise DamagedError(f"a tree has more than {MOST_NODES} nodes")
        _check_some(left[nodes], right[nodes], first[group:after], ends[group:after])
        group = after
    return n


def _check_some(left: Array, right: Array, first: Array, ends: Array) -> None:
    """Check trees that lie one after the other; nodes are numbered from the first on."""
    offset = first[0]
    left, right, starts = left - offset, right - offset, first - offset
    own = np.arange(len(left))
    inner = np.flatnonzero(left != own)
    if ((left == own) != (right == own)).any():
        raise DamagedError("a node has only one child")
    children = np.concatenate([left[inner], right[inner]])
    end = np.repeat(ends - offset, ends - first)
    if (np.minimum(left[inner], right[inner]) <= inner).any():
        raise DamagedError("a child comes before its parent")
    if (np.maximum(left[inner], right[inner]) >= end[inner]).any():
        raise DamagedError("a child is in another tree")
    n_parents = np.bincount(children, minlength=len(own))
    n_parents[starts] += 1  # the first of a tree has none
    if (n_parents != 1).any():
        raise DamagedError("a node has no parent, or more than one")
    level = starts
    for _ in range(DEEPEST):
        level = level[left[level] != level]
        if not len(level):
            return
        level = np.concatenate([left[level], right[level]])
    raise DamagedError(f"a tree is deeper than {DEEPEST} levels")


def find_leaves(state: State, X: Array) -> Iterator[tuple[slice, Array]]:
    """Yield some rows at a time, and the node in which each ends in each tree.

    Yields
    ------
    rows : slice
    leaves : int (n_rows, n_trees)
    """
    feature, threshold, left, right, first = (state.arrays[name] for name in ARRAYS)
    n_rows = max(1, CELLS // len(first))
    for start in range(0, len(X), n_rows):
        rows = slice(start, start + n_rows)
        some = X[rows]
        flat = np.tile(first, len(some))
        row = np.repeat(np.arange(len(some)), len(first))
        going = np.flatnonzero(left[flat] != flat)
        while len(going):
            node = flat[going]
            goes_left = some[row[going], feature[node]] <= threshold[node]
            node = np.where(goes_left, left[node], right[node])
            flat[going] = node
            going = going[left[node] != node]
        yield rows, flat.reshape(len(some), len(first))


def add_trees(
    graph: Graph, state: State, x: str, leaves: tuple[Array, Array, Array], base: Array
) -> str:
    """Add the ONNX nodes that sum the values of leaves over all trees.

    ONNX adds trees up in single precision and in any order. But what is equal must stay equal: of
    labels that are equally likely, the first is predicted. So every round has outputs of its own,
    three numbers of single precision for each of double precision, and they are added one round
    after another, as scikit-learn does.

    Parameters
    ----------
    graph : Graph
    state : State
    x : str
        float64 (n_rows, n_features).
    leaves : (node, place, value)
        (n_values,) each: what a node gives, and where it belongs among the outputs of all rounds
        laid end to end.
    base : float64 (n_outputs,)
        Initial values of the sums.

    Returns
    -------
    sums : str
        float64 (n_rows, n_outputs).
    """
    first, n = state.arrays["first_node"], len(state.arrays["left"])
    tree = np.repeat(np.arange(len(first)), np.diff(np.append(first, n)))
    node, place, value = leaves
    n_outputs = len(base)
    n_rounds = int(place.max()) // n_outputs + 1
    parts = _in_parts(value)
    gathered = graph.add(
        "TreeEnsembleRegressor",
        x,
        domain=TREES,
        n_targets=n_rounds * n_outputs * N_PARTS,
        target_treeids=np.repeat(tree[node], N_PARTS).tolist(),
        target_nodeids=np.repeat(node - first[tree[node]], N_PARTS).tolist(),
        target_ids=(place[:, None] * N_PARTS + np.arange(N_PARTS)).reshape(-1).tolist(),
        target_weights_as_tensor=parts.reshape(-1),
        nodes_values_as_tensor=state.arrays["threshold"].astype(np.float64),
        **_node_columns(state, tree),
    )
    wide = graph.reshape(graph.cast(gathered, np.float64), -1, n_rounds, n_outputs, N_PARTS)
    rounds = graph.reduce("Sum", wide, 3, keep=False)
    start = graph.add("Gather", rounds, np.array([0]), axis=1)
    begin = graph.add("Add", graph.add("Mul", start, np.float64(0)), base)
    sums = graph.add("CumSum", graph.add("Concat", begin, rounds, axis=1), np.array(1))
    return graph.add("Gather", sums, np.array(n_rounds), axis=1)


def _node_columns(state: State, tree: Array) -> dict[str, list[Any]]:
    first, left = state.arrays["first_node"][tree], state.arrays["left"]
    own = np.arange(len(left))
    is_leaf = left == own
    return {
        "nodes_treeids": tree.tolist(),
        "nodes_nodeids": (own - first).tolist(),
        "nodes_featureids": state.arrays["feature"].tolist(),
        "nodes_truenodeids": np.where(is_leaf, 0, left - first).tolist(),
        "nodes_falsenodeids": np.where(is_leaf, 0, state.arrays["right"] - first).tolist(),
        "nodes_modes": np.where(is_leaf, "LEAF", "BRANCH_LEQ").tolist(),
    }


def _in_parts(values: Array) -> Array:
    """Return numbers (n,) as sums of `N_PARTS` of single precision, (n, N_PARTS)."""
    parts, rest = [], np.asarray(values, np.float64)
    for _ in range(N_PARTS):
        parts.append(rest.astype(np.float32).astype(np.float64))
        rest = rest - parts[-1]
    return np.stack(parts, axis=-1)


def typical_of_trees(state: State, n_features: int) -> tuple[Array, Array]:
    """Return where the thresholds of each feature lie: centre and spread."""
    left = state.arrays["left"]
    inner = left != np.arange(len(left))
    feature, threshold = state.arrays["feature"][inner], state.arrays["threshold"][inner]
    centre, spread = np.zeros(n_features), np.ones(n_features)
    for number in np.unique(feature).tolist():
        values = threshold[feature == number]
        centre[number], spread[number] = values.mean(), values.std() or 1.0
    return centre, spread

"""Support vector machine with a kernel."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from audiotl_cli.classifiers.checks import (
    DamagedError,
    choice,
    expect_names,
    flag,
    floats,
    integers,
    number,
)
from audiotl_cli.classifiers.maths.distances import (
    add_squared_distances,
    centre_and_spread,
    squared_distances,
)
from audiotl_cli.classifiers.parts import Array, Outputs, State
from audiotl_cli.classifiers.recipe import Params, Recipe, SearchSpace, each
from audiotl_cli.classifiers.scoring import ONE
from audiotl_cli.errors import UsageError
from audiotl_cli.graph import Graph

_KERNELS = ("rbf", "linear", "poly", "sigmoid")
_CELLS = 1 << 22  # values computed at once


class SvmRecipe(Recipe):
    name = "svm"
    summary = "Support vector machine with an RBF kernel"
    place = 20
    quick = True
    complexity = 2
    # as in sklearn-audio-transfer-learning
    params: ClassVar[Params] = {"C": 1.0, "kernel": "rbf", "gamma": "scale"}
    rotates = True
    space = SearchSpace(
        scaled=each("C", 1.0, 3.0, 10.0),
        whitened=each("C", 1.0, 3.0),
        unscaled=each("C", 1.0, 10.0),
    )

    def build(self, params: Params) -> Any:
        from sklearn.svm import SVC

        if params.get("probability") is True:
            raise UsageError(
                "--param probability=true is not supported by svm; use --calibrate sigmoid instead"
            )
        return SVC(**params)

    def to_state(self, estimator: Any) -> State:
        if estimator.kernel not in _KERNELS:
            raise UsageError(
                f"--param kernel is {estimator.kernel!r}, expected one of {', '.join(_KERNELS)}"
            )
        arrays = {
            "vectors": np.asarray(estimator.support_vectors_, np.float64),
            "n_vectors": np.asarray(estimator.n_support_, np.int64),
            "weights": np.asarray(estimator._dual_coef_, np.float64),
            "intercepts": np.asarray(estimator._intercept_, np.float64),
        }
        params = {
            "kernel": estimator.kernel,
            "gamma": float(estimator._gamma),
            "coef0": float(estimator.coef0),
            "degree": float(estimator.degree),
            "break_ties": bool(estimator.break_ties),
        }
        return State(arrays, params)

    def check(self, state: State, n_features: int, n_labels: int) -> None:
        expect_names(
            state,
            ["vectors", "n_vectors", "weights", "intercepts"],
            ["kernel", "gamma", "coef0", "degree", "break_ties"],
        )
        n = len(floats(state, "vectors", None, n_features))
        if integers(state, "n_vectors", n_labels, low=0, high=n).sum() != n:
            raise DamagedError(f"n_vectors do not add up to {n}")
        floats(state, "weights", n_labels - 1, n)
        floats(state, "intercepts", n_labels * (n_labels - 1) // 2)
        choice(state, "kernel", _KERNELS)
        flag(state, "break_ties")
        number(state, "gamma", low=0)
        number(state, "coef0")
        number(state, "degree", low=0, high=100)

    def outputs(self, state: State, X: Array) -> Outputs[Array]:
        n_labels, n_vectors = len(state.arrays["n_vectors"]), len(state.arrays["vectors"])
        n_rows = max(1, _CELLS // max(n_labels**2, n_vectors))
        parts = [_decide(state, X[i : i + n_rows]) for i in range(0, len(X), n_rows)]
        margins, votes = (np.concatenate(part) for part in zip(*parts, strict=True))
        if n_labels == 2:
            return Outputs(margins=margins)
        return Outputs(margins=margins, votes=margins if state.params["break_ties"] else votes)

    def add_outputs(self, graph: Graph, state: State, x: str) -> Outputs[str]:
        n = len(state.arrays["n_vectors"])
        similar = _add_kernel(graph, state, graph.cast(x, np.float64))
        weights, first, second = _pair_weights(state)
        margins = graph.add(
            "Add", graph.add("MatMul", similar, weights), state.arrays["intercepts"]
        )
        if n == 2:  # libsvm's sign is that of the first label
            return Outputs(margins=graph.add("Neg", margins))
        lost = graph.cast(graph.add("Less", margins, np.float64(0)), np.float64)
        won = graph.cast(graph.add("GreaterOrEqual", margins, np.float64(0)), np.float64)
        votes = graph.add("Add", graph.add("MatMul", won, first), graph.add("MatMul", lost, second))
        sure = graph.add("MatMul", margins, first - second)
        bounded = graph.add("Mul", graph.add("Add", graph.add("Abs", sure), ONE), 3.0)
        joined = graph.add("Add", votes, graph.add("Div", sure, bounded))
        return Outputs(margins=joined, votes=joined if state.params["break_ties"] else votes)

    def typical(self, state: State, n_features: int) -> tuple[Array, Array]:
        return centre_and_spread(state.arrays["vectors"])


def _kernel(state: State, X: Array) -> Array:
    """Return the kernel values of rows and support vectors, (n_rows, n_vectors)."""
    vectors, params = state.arrays["vectors"], state.params
    kind = params["kernel"]
    if kind == "rbf":
        near = squared_distances(X, vectors)
        near *= -params["gamma"]
        return np.exp(near, out=near)
    product: Array = np.asarray(X, np.float64) @ vectors.T
    if kind == "linear":
        return product
    product = product * params["gamma"] + params["coef0"]
    if kind == "sigmoid":
        return np.tanh(product)
    degree = params["degree"]
    return np.asarray(product ** (int(degree) if degree.is_integer() else degree))


def _decide(state: State, X: Array) -> tuple[Array, Array]:
    """Return the margins and votes of all pairs of labels (libsvm; Chang and Lin, 2011)."""
    arrays = state.arrays
    n = len(arrays["n_vectors"])
    similar = _kernel(state, X)
    ends = np.concatenate([[0], np.cumsum(arrays["n_vectors"])])
    against = np.empty((n, len(X), n - 1))  # what a label's vectors say, against each other label
    for i in range(n):
        own = slice(ends[i], ends[i + 1])
        against[i] = similar[:, own] @ arrays["weights"][:, own].T
    first, second = np.triu_indices(n, 1)
    pairs = against[first, :, second - 1] + against[second, :, first]
    pairs += arrays["intercepts"][:, None]
    if n == 2:  # libsvm's sign is that of the first label
        return -pairs.T, pairs.T
    votes, sure = np.zeros((len(X), n)), np.zeros((len(X), n))
    for i in range(n):
        mine, other = pairs[first == i], pairs[second == i]
        votes[:, i] = (mine >= 0).sum(axis=0) + (other < 0).sum(axis=0)
        sure[:, i] = mine.sum(axis=0) - other.sum(axis=0)
    return votes + sure / (3 * (np.abs(sure) + 1)), votes


def _add_kernel(graph: Graph, state: State, x: str) -> str:
    vectors, params = state.arrays["vectors"], state.params
    gamma, kind = np.float64(params["gamma"]), params["kernel"]
    if kind == "rbf":
        return graph.add("Exp", graph.add("Mul", add_squared_distances(graph, x, vectors), -gamma))
    product = graph.add("MatMul", x, vectors.T)
    if kind == "linear":
        return product
    product = graph.add("Add", graph.add("Mul", product, gamma), np.float64(params["coef0"]))
    if kind == "poly":
        return graph.add("Pow", product, np.float64(params["degree"]))
    return graph.add("Tanh", product)


def _pair_weights(state: State) -> tuple[Array, Array, Array]:
    """Return the weights of support vectors for every pair of labels, and the pairs."""
    n = len(state.arrays["n_vectors"])
    ends = np.concatenate([[0], np.cumsum(state.arrays["n_vectors"])])
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    weights = np.zeros((ends[-1], len(pairs)))
    for place, (i, j) in enumerate(pairs):
        of_first, of_second = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
        weights[of_first, place] = state.arrays["weights"][j - 1, of_first]
        weights[of_second, place] = state.arrays["weights"][i, of_second]
    first, second = (np.eye(n)[[pair[place] for pair in pairs]] for place in (0, 1))
    return weights, first, second


RECIPE = SvmRecipe()

"""Multi-layer perceptron."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from audiotl_cli.classifiers.checks import DamagedError, choice, expect_names, floats, whole
from audiotl_cli.classifiers.parts import Array, Outputs, State
from audiotl_cli.classifiers.recipe import Params, Recipe, SearchSpace, each
from audiotl_cli.classifiers.scoring import add_both, add_logistic, both, logistic, softmax
from audiotl_cli.graph import Graph

_ACTIVATIONS = {"relu": "Relu", "logistic": "Sigmoid", "tanh": "Tanh", "identity": "Identity"}
_MOST_LAYERS = 100


class MlpRecipe(Recipe):
    name = "mlp"
    summary = "Neural network with one hidden layer"
    place = 40
    complexity = 1
    params: ClassVar[Params] = {  # as in sklearn-audio-transfer-learning
        "hidden_layer_sizes": (20,),
        "max_iter": 600,
        "solver": "sgd",
        "learning_rate": "constant",
        "learning_rate_init": 0.001,
    }
    class_weights = False
    space = SearchSpace(frames=each("max_iter", 600))

    def build(self, params: Params) -> Any:
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier(**params)

    def to_state(self, estimator: Any) -> State:
        arrays = {f"weights_{i}": np.asarray(array) for i, array in enumerate(estimator.coefs_)}
        arrays |= {f"bias_{i}": np.asarray(array) for i, array in enumerate(estimator.intercepts_)}
        return State(
            arrays, {"activation": estimator.activation, "n_layers": len(estimator.coefs_)}
        )

    def check(self, state: State, n_features: int, n_labels: int) -> None:
        if "n_layers" not in state.params:
            raise DamagedError("it has no n_layers")
        n_layers = whole(state, "n_layers", 1, _MOST_LAYERS)
        names = [f"{kind}_{i}" for i in range(n_layers) for kind in ("weights", "bias")]
        expect_names(state, names, ["activation", "n_layers"])
        choice(state, "activation", _ACTIVATIONS)
        width = n_features
        for i in range(n_layers):
            n_outputs = None if i < n_layers - 1 else 1 if n_labels == 2 else n_labels
            width = floats(state, f"weights_{i}", width, n_outputs).shape[1]
            floats(state, f"bias_{i}", width)

    def outputs(self, state: State, X: Array) -> Outputs[Array]:
        for i in range(state.params["n_layers"]):
            if i:
                X = _activate(state.params["activation"], X)
            X = X @ state.arrays[f"weights_{i}"] + state.arrays[f"bias_{i}"]
        return Outputs(both(logistic(X)) if X.shape[1] == 1 else softmax(X))

    def add_outputs(self, graph: Graph, state: State, x: str) -> Outputs[str]:
        x = graph.cast(x, np.float64)
        for i in range(state.params["n_layers"]):
            if i:
                x = graph.add(_ACTIVATIONS[state.params["activation"]], x)
            x = graph.add("MatMul", x, state.arrays[f"weights_{i}"].astype(np.float64))
            x = graph.add("Add", x, state.arrays[f"bias_{i}"].astype(np.float64))
        if len(state.arrays[f"bias_{state.params['n_layers'] - 1}"]) == 1:
            return Outputs(add_both(graph, add_logistic(graph, x)))
        return Outputs(graph.add("Softmax", x, axis=1))


def _activate(kind: str, X: Array) -> Array:
    if kind == "relu":
        return np.maximum(X, 0)
    if kind == "logistic":
        return logistic(X)
    return np.tanh(X) if kind == "tanh" else X


RECIPE = MlpRecipe()

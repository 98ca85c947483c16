"""Fitted scikit-learn pipelines as ONNX, in double precision, as scikit-learn computes.

Each function is one estimator's arithmetic, written from its fitted arrays. What cannot be
written (a parameter nobody here uses) is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from audiotl_cli.classify.exported.near import add_neighbours, add_prototype, add_svm
from audiotl_cli.classify.exported.told import ONE, SMALL, Told, add_sigmoid
from audiotl_cli.classify.exported.trees import add_boosting, add_forest
from audiotl_cli.classify.scoring import all_likely
from audiotl_cli.errors import UsageError
from audiotl_cli.graph import Graph


def add_row_scores(graph: Graph, pipeline: Any, x: str, n_labels: int, *, several: bool) -> str:
    """Write what `row_scores` does.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted.
    x : str
        float32 (n_rows, n_features).
    several : bool
        Whether a row may have several labels.

    Returns
    -------
    scores : str
        float64 (n_rows, n_labels).

    Raises
    ------
    UsageError
        Something in the pipeline cannot be written.
    """
    return _row_scores(graph, _told(graph, pipeline, x), n_labels, several=several)


def add_row_labels(graph: Graph, pipeline: Any, x: str, n_labels: int) -> str:
    """Write what each row is said to be: float64 (n_rows, n_labels), a one at its label."""
    told = _told(graph, pipeline, x)
    looked_at = told.votes or _row_scores(graph, told, n_labels, several=False)
    return graph.one_hot(graph.add("ArgMax", looked_at, axis=1, keepdims=0), n_labels)


def _row_scores(graph: Graph, told: Told, n_labels: int, *, several: bool) -> str:
    if told.probabilities:
        return told.probabilities
    if several:
        return add_sigmoid(graph, told.margins)
    margins = told.margins
    if n_labels == 2:
        margins = graph.add("Mul", margins, np.array([[-0.5, 0.5]]))
    return graph.add("Softmax", margins, axis=1)


def _told(graph: Graph, pipeline: Any, x: str) -> Told:
    for _, step in pipeline.steps[:-1]:
        x = _TRANSFORMERS[type(step).__name__](graph, step, x)
    return _told_by(graph, pipeline.steps[-1][1], x)


def _told_by(graph: Graph, estimator: Any, x: str) -> Told:
    name = type(estimator).__name__
    if name not in _CLASSIFIERS:
        raise UsageError(f"{name} cannot be written as ONNX; --format skops can")
    return _CLASSIFIERS[name](graph, estimator, x)


def _scale(graph: Graph, step: Any, x: str) -> str:
    """Standardise; rounded to single precision after each step, as it is there."""
    wide = graph.cast(x, np.float64)
    centred = graph.cast(graph.add("Sub", wide, step.mean_), np.float32)
    scaled = graph.add("Div", graph.cast(centred, np.float64), step.scale_)
    return graph.cast(scaled, np.float32)


def _root(graph: Graph, step: Any, x: str) -> str:
    rooted = graph.add("Mul", graph.add("Sign", x), graph.add("Sqrt", graph.add("Abs", x)))
    return _scale(graph, step.scaler_, rooted)


def _pca(graph: Graph, step: Any, x: str) -> str:
    spread = np.sqrt(step.explained_variance_.astype(np.float64))
    # as scikit-learn has it: directions along which there is nothing are not blown up
    spread = np.maximum(spread, np.finfo(step.explained_variance_.dtype).eps)
    directions = (step.components_ / spread[:, None]).T.astype(np.float64)
    centred = graph.add("Sub", graph.cast(x, np.float64), step.mean_.astype(np.float64))
    return graph.cast(graph.add("MatMul", centred, directions), np.float32)


def _linear(graph: Graph, estimator: Any, x: str) -> str:
    wide = graph.cast(x, np.float64)
    product = graph.add("MatMul", wide, estimator.coef_.T.astype(np.float64))
    return graph.add("Add", product, np.asarray(estimator.intercept_, np.float64))


def _both(graph: Graph, yes: str) -> str:
    """Return the probabilities of no and yes, given yes (n_rows, 1)."""
    return graph.add("Concat", graph.add("Sub", ONE, yes), yes, axis=1)


def _shares(graph: Graph, values: str) -> str:
    """Divide rows by their sums."""
    return graph.add("Div", values, graph.add("Max", graph.reduce("Sum", values, 1), SMALL))


def _logistic(graph: Graph, estimator: Any, x: str) -> Told:
    margins = _linear(graph, estimator, x)
    if len(estimator.classes_) == 2:
        return Told(_both(graph, add_sigmoid(graph, margins)))
    return Told(graph.add("Softmax", margins, axis=1), votes=margins)


def _linear_svm(graph: Graph, estimator: Any, x: str) -> Told:
    return Told(margins=_linear(graph, estimator, x))


def _perceptron(graph: Graph, estimator: Any, x: str) -> Told:
    margins = _linear(graph, estimator, x)
    if estimator.loss == "log_loss":
        each = add_sigmoid(graph, margins)
    elif estimator.loss == "modified_huber":
        inside = graph.add("Clip", margins, np.float64(-1), ONE)
        each = graph.add("Mul", graph.add("Add", inside, ONE), np.float64(0.5))
    else:
        return Told(margins=margins)
    if len(estimator.classes_) == 2:
        return Told(_both(graph, each))
    if estimator.loss == "modified_huber":  # where no class is likely, all are alike
        none = graph.add("Equal", graph.reduce("Sum", each, 1), np.float64(0))
        each = graph.add("Add", each, graph.cast(none, np.float64))
    return Told(_shares(graph, each), votes=_two_sided(graph, estimator, margins))


def _two_sided(graph: Graph, estimator: Any, margins: str) -> str:
    if len(estimator.classes_) > 2:
        return margins
    return graph.add("Mul", margins, np.array([[-1.0, 1.0]]))


_ACTIVATIONS = {"relu": "Relu", "logistic": "Sigmoid", "tanh": "Tanh", "identity": "Identity"}


def _mlp(graph: Graph, estimator: Any, x: str) -> Told:
    x = graph.cast(x, np.float64)
    for number, (kernel, bias) in enumerate(
        zip(estimator.coefs_, estimator.intercepts_, strict=True)
    ):
        if number:
            x = graph.add(_ACTIVATIONS[estimator.activation], x)
        x = graph.add("MatMul", x, kernel.astype(np.float64))
        x = graph.add("Add", x, bias.astype(np.float64))
    if estimator.out_activation_ == "logistic":
        return Told(_both(graph, add_sigmoid(graph, x)))
    return Told(graph.add("Softmax", x, axis=1))


def _forest(graph: Graph, estimator: Any, x: str) -> Told:
    return Told(add_forest(graph, estimator, graph.cast(x, np.float64)))


def _boosting(graph: Graph, estimator: Any, x: str) -> Told:
    raw = add_boosting(graph, estimator, graph.cast(x, np.float64))
    if len(estimator.classes_) == 2:
        return Told(_both(graph, add_sigmoid(graph, raw)))
    return Told(graph.add("Softmax", raw, axis=1), votes=raw)


def _one_a_label(graph: Graph, estimator: Any, x: str) -> Told:
    likely = all_likely(estimator)
    columns = []
    for one in estimator.estimators_:
        if type(one).__name__ == "_ConstantPredictor":
            nothing = graph.add("Mul", graph.reduce("Sum", graph.cast(x, np.float64), 1), 0.0)
            columns.append(graph.add("Add", nothing, np.float64(one.y_[0])))
            continue
        told = _told_by(graph, one, x)
        yes = np.array([1], np.int64)
        columns.append(
            graph.add("Gather", told.probabilities, yes, axis=1) if likely else told.margins
        )
    joined = graph.add("Concat", *columns, axis=1)
    return Told(probabilities=joined) if likely else Told(margins=joined)


def _average(graph: Graph, estimator: Any, x: str) -> Told:
    ends = np.cumsum(estimator.widths)
    said = []
    for member, first, last in zip(estimator.members_, [0, *ends[:-1]], ends, strict=True):
        part = graph.add("Gather", x, np.arange(first, last), axis=1)
        n_labels = len(estimator.classes_)
        said.append(add_row_scores(graph, member, part, n_labels, several=estimator.multi_label))
    total = said[0]
    for one in said[1:]:
        total = graph.add("Add", total, one)
    return Told(graph.add("Div", total, np.float64(len(said))))


_TRANSFORMERS: dict[str, Callable[[Graph, Any, str], str]] = {
    "StandardScaler": _scale,
    "RootScaler": _root,
    "PCA": _pca,
}
_CLASSIFIERS: dict[str, Callable[[Graph, Any, str], Told]] = {
    "Average": _average,
    "HistGradientBoostingClassifier": _boosting,
    "KNeighborsClassifier": add_neighbours,
    "LinearSVC": _linear_svm,
    "LogisticRegression": _logistic,
    "MLPClassifier": _mlp,
    "OneVsRestClassifier": _one_a_label,
    "Prototype": add_prototype,
    "RandomForestClassifier": _forest,
    "SGDClassifier": _perceptron,
    "SVC": add_svm,
}

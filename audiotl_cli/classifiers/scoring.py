"""Turn the outputs of a classifier into one score per label, as arrays and in a graph."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.parts import Array, Outputs
from audiotl_cli.graph import Graph

ONE = np.float64(1)


def row_scores(
    outputs: Outputs[Array], n_labels: int, *, multi_label: bool = False
) -> npt.NDArray[np.float64]:
    """Return the score of every label for every row.

    Parameters
    ----------
    outputs : Outputs
    n_labels : int
    multi_label : bool
        Whether a row may have several labels, each with a score of its own.

    Returns
    -------
    scores : float64 (n_rows, n_labels)
        From 0 to 1: probabilities if the classifier gives them; else a softmax of the margins, or
        the logistic function of each margin for multi-label rows. Rows of single labels add up to
        1.
    """
    if outputs.probabilities is not None:
        return np.asarray(outputs.probabilities, np.float64)
    margins = np.asarray(outputs.margins, np.float64)
    if multi_label:
        return logistic(margins)
    if n_labels == 2:
        margins = np.concatenate([-margins, margins], axis=1) / 2
    return softmax(margins)


def row_labels(outputs: Outputs[Array]) -> npt.NDArray[np.intp]:
    """Return the number of the label of every row, the first of equals."""
    for values in (outputs.votes, outputs.margins, outputs.probabilities):
        if values is not None:
            if values.shape[1] == 1:
                return (values[:, 0] > 0).astype(np.intp)
            return np.asarray(values.argmax(axis=1))
    raise ValueError("the classifier returned no scores")


def softmax(margins: Array) -> Array:
    """Return rows of positive numbers that add up to 1."""
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    scores: Array = powers / powers.sum(axis=1, keepdims=True)
    return scores


def logistic(margins: Array) -> Array:
    """Return numbers from 0 to 1, one half for 0."""
    with np.errstate(over="ignore"):
        scores: Array = 1 / (1 + np.exp(-margins))
    return scores


def both(second: Array) -> Array:
    """Return the probabilities of two labels, given that of the second (n_rows, 1)."""
    return np.concatenate([1 - second, second], axis=1)


def shares(values: Array) -> Array:
    """Return rows divided by their sums; a row of zeros becomes uniform."""
    total = values.sum(axis=1, keepdims=True)
    filled = np.where(total > 0, values, 1)
    divided: Array = filled / filled.sum(axis=1, keepdims=True)
    return divided


def add_row_scores(
    graph: Graph, outputs: Outputs[str], n_labels: int, *, multi_label: bool = False
) -> str:
    """Add the ONNX nodes of `row_scores`."""
    if outputs.probabilities is not None:
        return outputs.probabilities
    margins = outputs.margins or ""
    if multi_label:
        return add_logistic(graph, margins)
    if n_labels == 2:
        margins = graph.add("Mul", margins, np.array([[-0.5, 0.5]]))
    return graph.add("Softmax", margins, axis=1)


def add_row_labels(graph: Graph, outputs: Outputs[str], n_labels: int) -> str:
    """Add the ONNX nodes of one-hot labels, float64 (n_rows, n_labels)."""
    values = outputs.votes or outputs.margins or outputs.probabilities or ""
    if n_labels == 2 and values == outputs.margins:
        values = graph.add("Mul", values, np.array([[-1.0, 1.0]]))
    return graph.one_hot(graph.add("ArgMax", values, axis=1, keepdims=0), n_labels)


def add_logistic(graph: Graph, x: str) -> str:
    """Add ONNX nodes of a float64 logistic function; ONNX Runtime's underflows to 0."""
    return graph.add("Div", ONE, graph.add("Add", ONE, graph.add("Exp", graph.add("Neg", x))))


def add_both(graph: Graph, second: str) -> str:
    """Add the ONNX nodes of `both`."""
    return graph.add("Concat", graph.add("Sub", ONE, second), second, axis=1)


def add_shares(graph: Graph, values: str) -> str:
    """Add the ONNX nodes of `shares`."""
    none = graph.add("Equal", graph.reduce("Sum", values, 1), np.float64(0))
    filled = graph.add("Add", values, graph.cast(none, np.float64))
    return graph.add("Div", filled, graph.reduce("Sum", filled, 1))

"""What a classifier says of rows, on its way into a graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audiotl_cli.graph import Graph

SMALL = np.finfo(np.float64).tiny  # keeps a sum of no probability from dividing by zero

ONE = np.float64(1)


@dataclass(frozen=True)
class Told:
    """What a classifier says of rows, as scikit-learn has it.

    Parameters
    ----------
    probabilities : str
        (n_rows, n_classes); empty where it gives none.
    margins : str
        (n_rows, n_classes), or (n_rows, 1) of two classes; empty where it gives
        probabilities.
    votes : str
        What its own ``predict`` looks at, where that is something else.
    """

    probabilities: str = ""
    margins: str = ""
    votes: str = ""


def add_sigmoid(graph: Graph, x: str) -> str:
    """Return the logistic function of float64; ONNX Runtime's own is 0 where it is only small."""
    return graph.add("Div", ONE, graph.add("Add", ONE, graph.add("Exp", graph.add("Neg", x))))

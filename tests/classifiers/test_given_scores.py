from __future__ import annotations

import numpy as np

from audiotl_cli.classifiers.given_scores import GivenScores
from audiotl_cli.graph import Graph, open_session


def test_columns_are_scores_in_arrays_and_in_onnx() -> None:
    X = np.random.default_rng(0).uniform(0, 1.01, (5, 4)).astype(np.float32)
    head = GivenScores(np.array([3, 1]))
    graph = Graph()
    outputs = head.add_outputs(graph, graph.input("x", np.float32, ["n", 4]))
    assert outputs.probabilities is not None
    graph.output("y", outputs.probabilities, np.float64, ["n", 2])

    found = head.outputs(X).probabilities

    np.testing.assert_array_equal(found, np.minimum(X[:, [3, 1]].astype(np.float64), 1))
    exported = open_session(graph.model({})).run(None, {"x": X})[0]
    np.testing.assert_array_equal(exported, found)

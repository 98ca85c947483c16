"""The graph that is exported gives what the description says."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

from audiotl_cli.extractors.engines.onnx import add_network
from audiotl_cli.extractors.engines.operations import Network
from audiotl_cli.graph import Graph
from tests.extractors.engines.test_engines import VARIABLES, describe, expected


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(
    ("vector", "activation"), [("mean", ""), ("flatten", "relu"), ("mean", "sigmoid")]
)
def test_operations_are_what_they_say(stride: int, vector: str, activation: str) -> None:
    shape = (9, 8) if vector == "mean" else (13, 24) if stride == 2 else (6, 37)
    options: dict[str, Any] = {"vector": vector, "activation": activation, "stride": stride}
    network = Network(
        name="some",
        weights="sha256:0",
        shape=shape,
        build=lambda ops, x: describe(ops, x, **options),
        read=lambda: VARIABLES,
    )
    patches = np.random.default_rng(9).normal(0, 2, (3, *shape)).astype(np.float32)
    graph = Graph()
    vectors = add_network(graph, network, graph.input("patches", np.float32, ["n", *shape]))
    graph.output("vectors", vectors, np.float32, ["n", "dim"])

    (found,) = onnxruntime.InferenceSession(graph.model({})).run(None, {"patches": patches})

    for vector_found, patch in zip(found, patches, strict=True):
        np.testing.assert_allclose(vector_found, expected(patch, **options), rtol=1e-4, atol=1e-5)

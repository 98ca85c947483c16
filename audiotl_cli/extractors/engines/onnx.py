"""ONNX Runtime, the default engine, and networks as parts of an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from audiotl_cli.extractor_config import ONNX
from audiotl_cli.extractors.engines.built import Built, NetworkId, built
from audiotl_cli.extractors.engines.operations import (
    Activation,
    Forward,
    Network,
    Operations,
    Variables,
)
from audiotl_cli.extractors.engines.session import forward_of
from audiotl_cli.graph import Graph

_ACTIVATIONS = {"relu": "Relu", "sigmoid": "Sigmoid"}


class OnnxOperations(Operations):
    """Write operations into a graph; maps are (n, channels, height, width)."""

    def __init__(self, graph: Graph, variables: Variables) -> None:
        super().__init__(variables)
        self.graph = graph

    def convolve(self, x: str, layer: str, *, stride: int = 1, relu: bool = True) -> str:
        return self._convolve(x, layer, (3, 2, 0, 1), stride, 1, relu=relu)

    def depthwise(self, x: str, layer: str, *, stride: int = 1) -> str:
        n = self.variables[f"{layer}/kernel"].shape[2]
        return self._convolve(x, layer, (2, 3, 0, 1), stride, n, relu=True)

    def affine(self, x: str, layer: str) -> str:
        kernel, bias = self.parameters(layer)
        return self.graph.add("Add", self.graph.add("Mul", x, kernel), bias)

    def max_pool(self, x: str, size: tuple[int, int]) -> str:
        return self.graph.add("MaxPool", x, kernel_shape=size, strides=size)

    def flatten(self, x: str) -> str:
        return self.graph.add("Flatten", self.graph.add("Transpose", x, perm=[0, 2, 3, 1]))

    def mean(self, x: str) -> str:
        return self.graph.reduce("Mean", x, 2, 3, keep=False)

    def dense(self, x: str, layer: str, *, activation: Activation) -> str:
        kernel, bias = self.parameters(layer)
        y = self.graph.add("Add", self.graph.add("MatMul", x, kernel), bias)
        return self.graph.add(_ACTIVATIONS[activation], y) if activation else y

    def _convolve(
        self,
        x: str,
        layer: str,
        axes: tuple[int, int, int, int],
        stride: int,
        n_groups: int,
        *,
        relu: bool,
    ) -> str:
        kernel, bias = self.parameters(layer)
        maps = self.graph.add(
            "Conv",
            x,
            kernel.transpose(axes),
            bias,
            auto_pad="SAME_UPPER",  # TensorFlow's padding
            strides=[stride, stride],
            group=n_groups,
        )
        return self.graph.add("Relu", maps) if relu else maps


def add_network(graph: Graph, network: Network, patches: str) -> str:
    """Write a network from patches (n, height, width) to vectors (n, dim)."""
    maps = graph.add("Unsqueeze", patches, np.array([1]))
    vectors: str = network.build(OnnxOperations(graph, network.read()), maps)
    return vectors


@lru_cache(maxsize=4)  # not in extractors, so that equal extractors share it and can be pickled
def load(network: Network) -> Forward:
    """Build a network for any number of patches (n, height, width).

    The network is built once. Later, its file in the cache is used, and the weights are not read.

    Raises
    ------
    WeightsError
        The weights cannot be read, or the cache cannot be written.
    """
    return load_graph(
        network.name,
        network.weights,
        network.shape,
        lambda graph, patches: add_network(graph, network, patches),
    )


def load_graph(
    name: str, weights: str, shape: tuple[int, int], write: Callable[[Graph, str], str]
) -> Forward:
    """Return a network for any number of patches, whose graph is built once.

    Parameters
    ----------
    name, weights, shape
        As of `Network`.
    write : callable
        Takes a graph and the name of the patches, (n, height, width), and returns the name of what
        comes out, (n, ...); it is flattened.

    Raises
    ------
    WeightsError
        The weights cannot be read, or the cache cannot be written.
    """

    def build() -> Built:
        graph = Graph()
        patches = graph.input("patches", np.float32, ["n", *shape])
        vectors = graph.add("Flatten", write(graph, patches))
        graph.output("vectors", vectors, np.float32, ["n", "dim"])
        content = graph.model({"weights": weights})
        return Built({"n_bytes": len(content)}, content)

    _, found = built(NetworkId(name, weights, shape), ONNX, build)
    return forward_of(found.data[: found.header["n_bytes"]], shape, "vectors")

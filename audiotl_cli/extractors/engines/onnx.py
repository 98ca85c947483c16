"""Networks as parts of an ONNX graph; only for export, not for making features."""

from __future__ import annotations

import numpy as np

from audiotl_cli.extractors.engines.operations import (
    Activation,
    Network,
    Operations,
    Variables,
)
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

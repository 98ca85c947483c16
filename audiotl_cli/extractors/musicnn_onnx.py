"""MusiCNN's networks as ONNX, with all published filters."""

from __future__ import annotations

import numpy as np

from audiotl_cli.extractors.musicnn_network import FloatArray, Variables
from audiotl_cli.graph import Graph

TIMBRAL, TEMPORAL, MIDDLE = (0, 1), (2, 3, 4), (5, 6, 7)  # the numbers of its convolutions
LAYERS = ("max_pool", "mean_pool", "penultimate", "taggram")


def add_musicnn(graph: Graph, variables: Variables, patches: str, layer: str) -> str:
    """Write MusiCNN up to a layer.

    Parameters
    ----------
    variables : Variables
    patches : str
        float32 (n, 187, 96).
    layer : str
        One of `LAYERS`.

    Returns
    -------
    vectors : str
        float32 (n, dim).
    """
    spectrogram = graph.add("Unsqueeze", _normalise(graph, patches, variables, 0), np.array([1]))

    def front(number: int) -> str:
        """Return the maximum over frequency of a bank of filters over time and frequency."""
        name = f"conv2d_{number}" if number else "conv2d"
        kernel, bias = variables.kernel_and_bias(name)
        around = (3, 3) if number in TIMBRAL else ((len(kernel) - 1) // 2, len(kernel) // 2)
        maps = _convolve(graph, spectrogram, kernel, bias, around)
        return graph.reduce("Max", _rectify(graph, maps, variables, number + 1), 3)

    def middle(maps: str, number: int) -> str:
        """Return a layer of filters over time and all channels."""
        kernel, bias = variables.kernel_and_bias(f"conv2d_{number}")
        kernel = kernel.swapaxes(1, 2)  # the package stores channels along the frequency axis
        around = ((len(kernel) - 1) // 2, len(kernel) // 2)
        maps = _convolve(graph, maps, kernel, bias, around)
        return _rectify(graph, maps, variables, number + 1)

    features = graph.add("Concat", *map(front, TIMBRAL + TEMPORAL), axis=1)
    stacked = [features, middle(features, MIDDLE[0])]
    for number in MIDDLE[1:]:
        stacked.append(graph.add("Add", middle(stacked[-1], number), stacked[-1]))
    whole = graph.add("Concat", *stacked, axis=1)  # (n, 753, 187, 1)
    pooled = [graph.reduce(how, whole, 2, 3, keep=False) for how in ("Max", "Mean")]
    if layer in ("max_pool", "mean_pool"):
        return pooled[layer == "mean_pool"]
    both = graph.add("Concat", *(graph.reshape(vectors, 0, -1, 1) for vectors in pooled), axis=2)
    flat = _normalise(graph, graph.add("Flatten", both), variables, 9)
    dense = graph.add("Relu", _multiply(graph, flat, variables, "dense"))
    penultimate = _normalise(graph, dense, variables, 10)
    if layer == "penultimate":
        return penultimate
    return graph.add("Sigmoid", _multiply(graph, penultimate, variables, "dense_1"))


def _convolve(
    graph: Graph, maps: str, kernel: FloatArray, bias: FloatArray, around: tuple[int, int]
) -> str:
    """Convolve maps (n, channels, time, frequency), padded with zeros in time."""
    before, after = around
    pads = [before, 0, after, 0]
    return graph.add("Conv", maps, kernel.transpose(3, 2, 0, 1), bias, pads=pads)


def _rectify(graph: Graph, maps: str, variables: Variables, number: int) -> str:
    scale, shift = (values[:, None, None] for values in variables.batch_norm(number))
    return graph.add("Add", graph.add("Mul", graph.add("Relu", maps), scale), shift)


def _normalise(graph: Graph, x: str, variables: Variables, number: int) -> str:
    scale, shift = variables.batch_norm(number)
    return graph.add("Add", graph.add("Mul", x, scale), shift)


def _multiply(graph: Graph, x: str, variables: Variables, name: str) -> str:
    kernel, bias = variables.kernel_and_bias(name)
    return graph.add("Add", graph.add("MatMul", x, kernel), bias)

"""Count the operations of a network: a multiplication and an addition for each weight in use.

Convolutions count as written down, so that a runtime that convolves more cleverly can be more
efficient than a matrix product.
"""

from __future__ import annotations

import math
from unittest import mock

import numpy as np
import numpy.typing as npt

from audiotl_cli.extractor_config import ONNX
from audiotl_cli.extractors.engines import session
from audiotl_cli.extractors.engines.onnx_file import Node, read_onnx
from audiotl_cli.extractors.registry import extractor_class, load_extractor
from audiotl_cli.graph import open_session
from audiotl_cli.protobuf import packed

COUNTED = ("Conv", "Gemm", "MatMul")
_FLOAT = 1  # the type of a tensor

Shapes = dict[str, tuple[int, ...]]


def measure(network: str) -> float:
    """Return the operations of a window, 1e9; 0 for MFCC, which is no network."""
    if network == "mfcc":
        return 0.0
    if network == "musicnn":
        return musicnn_operations() / 1e9
    opened: list[bytes] = []

    def keep(model: bytes, n_threads: int = 0) -> object:
        opened.append(model)
        return open_session(model, n_threads)

    engine = ONNX if ONNX in extractor_class(network).engines else None
    with mock.patch.object(session, "open_session", keep):
        model = load_extractor(network, engine=engine)
        model.prepare()
    noise = np.random.default_rng(0).normal(0, 0.1, model.framing.window).astype(np.float32)
    return count(opened[0], model.front_end(noise)[:1]) / 1e9


def count(content: bytes, patches: npt.NDArray[np.float32]) -> int:
    """Return the operations of a graph with one input, by the shapes that a run gives.

    Parameters
    ----------
    content : bytes
        An ONNX file.
    patches : float32 (n, ...)
    """
    graph = read_onnx(content)
    nodes = [node for node in graph.nodes if node.operation in COUNTED]
    values = {name for node in nodes for name in (*node.inputs, *node.outputs)}
    unknown = sorted(values - set(graph.shapes) - set(graph.outputs))
    # messages that follow each other are read as one, so these become outputs, of any shape
    typed = packed(2, packed(1, packed(1, _FLOAT)))
    more = b"".join(packed(7, packed(12, packed(1, name) + typed)) for name in unknown)
    running = open_session(content + more)
    names = [*graph.outputs, *unknown]
    found = running.run(names, {running.get_inputs()[0].name: patches})
    shapes: Shapes = graph.shapes | {
        name: array.shape for name, array in zip(names, found, strict=True)
    }
    return sum(_operations(node, shapes) for node in nodes)


def musicnn_operations() -> int:
    """Return those of MusiCNN as it was published; most of its filters are dead and left out here.

    Banks of filters over 187 frames of 96 bands, three layers over time, two dense ones.
    """
    timbral = [(187 * (96 - bands + 1), 7 * bands, 204) for bands in (38, 67)]
    temporal = [(187 * 96, frames, 51) for frames in (32, 64, 128)]
    middle = [(187, 7 * n_in, 64) for n_in in (561, 64, 64)]
    dense = [(1, 2 * 753, 200), (1, 200, 50)]
    return sum(2 * math.prod(layer) for layer in (*timbral, *temporal, *middle, *dense))


def _operations(node: Node, shapes: Shapes) -> int:
    result, (left, right) = shapes[node.outputs[0]], (shapes[name] for name in node.inputs[:2])
    if node.operation == "Conv":
        return 2 * math.prod(result) * math.prod(right[1:])
    if node.operation == "Gemm":  # either matrix may be transposed
        return 2 * math.prod(result) * math.prod(right) // result[-1]
    return 2 * math.prod(result) * left[-1]

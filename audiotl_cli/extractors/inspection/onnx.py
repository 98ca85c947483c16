"""Describe ONNX files.

ONNX Runtime tells the shapes of tensors from the graph. Where it cannot, the graph computes a
window of zeros, which is safe: its operators are ONNX Runtime's own.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np

from audiotl_cli.errors import is_out_of_memory
from audiotl_cli.extractors.engines.onnx_file import OnnxFile, read_onnx, with_output
from audiotl_cli.extractors.inspection.described import Described, TensorInfo, rank
from audiotl_cli.extractors.model_layout import shape_of
from audiotl_cli.extractors.model_network import first_line
from audiotl_cli.extractors.model_onnx import dtype_of
from audiotl_cli.graph import open_session

MATRIX = ("Gemm", "MatMul", "MatMulInteger", "DynamicQuantizeMatMul")
LENGTHS = (100, 1000, 16_000, 48_000)  # of frames or samples, where a file takes any number
MAX_ZEROS = 1 << 22


def describe_onnx(content: bytes) -> Described:
    """Return what an ONNX file takes and gives; ValueError if it is no such file."""
    graph = read_onnx(content)
    inputs: list[TensorInfo] = []
    tensors: list[TensorInfo] = []
    problem = ""
    try:
        graph.check_allowed()
        inputs, tensors = _tensors(content, graph)
    except Exception as error:  # ONNX Runtime's errors have no common class
        if is_out_of_memory(error):
            raise
        problem = first_line(error)
    by_name = {tensor.name: tensor for tensor in tensors}
    outputs = [by_name.get(name, TensorInfo(name, "", None)) for name in graph.outputs]
    return Described(
        inputs,
        outputs,
        rank(tensors, graph.outputs, _before_last_product(graph), channels=1),
        [tensor for tensor in tensors if tensor.name not in graph.outputs],
        len(graph.nodes),
        {domain or "ai.onnx": version for domain, version in graph.opsets.items()},
        graph.metadata,
        problem,
    )


def _tensors(content: bytes, graph: OnnxFile) -> tuple[list[TensorInfo], list[TensorInfo]]:
    """Return the inputs, and all values that are computed, with the shapes that are known."""
    constants = {
        name for node in graph.nodes if node.operation == "Constant" for name in node.outputs
    }
    names = [name for name in graph.values() if name not in constants]
    more = [name for name in names if name not in graph.outputs]
    session = open_session(b"".join([content, *(with_output(b"", name) for name in more)]), 1)
    found = {entry.name: _info(entry) for entry in session.get_outputs()}
    inputs = [_info(entry) for entry in session.get_inputs()]
    unknown = [name for name, tensor in found.items() if not _is_known(tensor)]
    for name, shape in _computed_shapes(session, inputs, unknown).items():
        found[name] = replace(found[name], shape=shape)
    return inputs, [found[name] for name in names if name in found]


def _is_known(tensor: TensorInfo) -> bool:
    """Return whether the shape says if it may be an embedding."""
    sizes = tensor.shape or ()
    return tensor.dtype != "float32" or (len(sizes) > 0 and None not in sizes[1:])


def _computed_shapes(
    session: Any, inputs: list[TensorInfo], names: list[str]
) -> dict[str, tuple[int | None, ...]]:
    """Return the shapes of values for one window of zeros, as far as there is such a window."""
    if len(inputs) != 1 or inputs[0].dtype != "float32" or not names:
        return {}
    sizes = inputs[0].shape or ()
    for length in LENGTHS:
        shape = [1 if place == 0 else length for place in range(len(sizes))]
        shape = [size or filler for size, filler in zip(sizes, shape, strict=True)]
        if math.prod(shape) > MAX_ZEROS:
            continue
        try:
            values = session.run(names, {inputs[0].name: np.zeros(shape, np.float32)})
        except Exception as error:  # the length does not fit
            if is_out_of_memory(error):
                raise
            continue
        return {
            name: (None, *value.shape[1:]) if sizes[0] is None and value.ndim else value.shape
            for name, value in zip(names, values, strict=True)
        }
    return {}


def _info(entry: Any) -> TensorInfo:
    return TensorInfo(entry.name, dtype_of(entry.type), shape_of(entry.shape))


def _before_last_product(graph: OnnxFile) -> str:
    """Return what the product with a matrix takes that is nearest to the first output."""
    made_by = {name: node for node in graph.nodes for name in node.outputs}
    names, seen = deque(graph.outputs[:1]), set(graph.outputs[:1])
    while names:
        node = made_by.get(names.popleft())
        if node is None:
            continue
        if node.operation in MATRIX:
            return next((name for name in node.inputs if name in made_by), "")
        for name in node.inputs:
            if name not in seen:
                seen.add(name)
                names.append(name)
    return ""
